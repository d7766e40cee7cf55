// One decision for what is asked in pieces: a dump reads table by table in one transaction. At the first piece people are asked about the
// whole; their yes lets each of the listed pieces pass once, for whoever holds the same key, under the same classification and schema. Each
// release is on the record by itself. The rest of the desk is as it was.
//
//   first piece ──asked about all──▶ approved ──▶ each listed piece, once ──▶ used up
//                         └─ not ──▶ refused; the next piece asks again
//
// The workers of one dump come with their first pieces at once. One of them asks and the others wait for what it is told: if each asked for
// itself, whoever came to the desk behind the yes would find its hold used, and make a second one.
import type { Recorder } from '../audit/recorder.ts';
import type { Clock } from '../core/clock.ts';
import { deskThatAsks, type Answer, type Desk, type HoldRequest, type HoldUnit, type Waiting } from './desk.ts';

type Released = Extract<Answer, { readonly kind: 'released' }>;

interface Permitted {
  readonly answer: Released;
  readonly versions: string;
  /** Pieces that have not passed yet. */
  readonly left: Set<string>;
}

/** Somebody's asking about the whole. */
interface Asked {
  readonly waiting: Waiting;
  readonly versions: string;
  readonly pieces: readonly string[];
}

export interface UnitParts {
  readonly recorder: Pick<Recorder, 'recordDurably'>;
  readonly clock: Clock;
}

export function unitDesk(desk: Desk, parts: UnitParts): Desk {
  const units = new Units(desk, parts);
  return deskThatAsks(desk, async (request, withdrawn) => {
    const { unit } = request;
    return unit === undefined ? await desk.ask(request, withdrawn) : await units.ask({ ...request, unit }, withdrawn);
  });
}

type PieceRequest = HoldRequest & { readonly unit: HoldUnit };

class Units {
  readonly #desk: Desk;
  readonly #parts: UnitParts;
  // The key goes with its transaction, and what was permitted with it.
  readonly #permitted = new WeakMap<object, Permitted>();
  /** Undefined in the end: there is nothing to wait for. */
  readonly #asking = new WeakMap<object, Promise<Asked | undefined>>();

  constructor(desk: Desk, parts: UnitParts) {
    this.#desk = desk;
    this.#parts = parts;
  }

  async ask(request: PieceRequest, withdrawn: AbortSignal): Promise<Waiting> {
    const { key, part } = request.unit;
    for (;;) {
      const before = this.#permitted.get(key);
      if (before !== undefined && before.versions === versionsOf(request) && before.left.delete(part))
        return await releasedAtOnce(request, before.answer, this.#parts);
      const others = this.#asking.get(key);
      if (others === undefined) return await this.#lead(request, withdrawn);
      const asked = await others;
      if (asked?.pieces.includes(part) === true && asked.versions === versionsOf(request))
        return this.#follow(asked, request, withdrawn);
      // It is about something else: no card of its own stands in the way of ours.
      if (this.#asking.get(key) === others) this.#asking.delete(key);
    }
  }

  async #lead(request: PieceRequest, withdrawn: AbortSignal): Promise<Waiting> {
    const { key } = request.unit;
    const over = (): void => {
      if (this.#asking.get(key) === turn) this.#asking.delete(key);
    };
    const asking = this.#askWhole(request, withdrawn, over);
    const turn = asking.catch(() => undefined);
    this.#asking.set(key, turn);
    const asked = await asking;
    if (asked === undefined) return await this.#desk.ask(request, withdrawn);
    const answer = asked.waiting.answer.then((answered) => this.#passed(request, answered));
    return { ...asked.waiting, answer };
  }

  /** `over`: others need not wait for it any more. */
  async #askWhole(request: PieceRequest, withdrawn: AbortSignal, over: () => void): Promise<Asked | undefined> {
    try {
      const whole = await request.unit.whole();
      if (whole === undefined) {
        over();
        return undefined;
      }
      const { request: about, pieces } = whole;
      const versions = versionsOf(request);
      const waiting = await this.#desk.ask(about, withdrawn);
      const answer = waiting.answer.then((answered) => {
        over();
        if (answered.kind === 'released')
          this.#permitted.set(request.unit.key, { answer: answered, versions, left: new Set(pieces) });
        return answered;
      });
      return { waiting: { ...waiting, answer }, versions, pieces };
    } catch (thrown) {
      over();
      throw thrown;
    }
  }

  #follow({ waiting }: Asked, request: PieceRequest, withdrawn: AbortSignal): Waiting {
    const told = waiting.answer.then(async (answered): Promise<Answer> => {
      if (withdrawn.aborted) return { kind: 'withdrawn', hold: waiting.hold };
      // Whoever asked is gone, and the question with it; this one still wants to know.
      if (answered.kind === 'withdrawn') return await (await this.ask(request, withdrawn)).answer;
      return await this.#passed(request, answered);
    });
    return { ...waiting, answer: unlessWithdrawn(told, waiting, withdrawn) };
  }

  async #passed(request: PieceRequest, answered: Answer): Promise<Answer> {
    if (answered.kind !== 'released') return answered;
    const now = this.#permitted.get(request.unit.key);
    const may = now?.left.delete(request.unit.part) === true;
    return may ? await released(request, answered, this.#parts) : { ...answered, kind: 'expired' };
  }
}

async function unlessWithdrawn(told: Promise<Answer>, { hold }: Waiting, withdrawn: AbortSignal): Promise<Answer> {
  let gone: () => void = () => undefined;
  const left = new Promise<Answer>((resolve) => (gone = () => resolve({ kind: 'withdrawn', hold })));
  withdrawn.addEventListener('abort', gone, { once: true });
  if (withdrawn.aborted) gone();
  return await Promise.race([told, left]).finally(() => withdrawn.removeEventListener('abort', gone));
}

const versionsOf = ({ verdict, schemaVersion, asker }: HoldRequest): string =>
  JSON.stringify([verdict.catalogVersion, schemaVersion, asker.agent, asker.database, asker.role]);

async function releasedAtOnce(request: HoldRequest, answer: Released, parts: UnitParts): Promise<Waiting> {
  const own = await released(request, answer, parts);
  return { hold: answer.hold, until: parts.clock.now(), answer: Promise.resolve(own) };
}

async function released(request: HoldRequest, answer: Released, parts: UnitParts): Promise<Released> {
  return { ...(await releasedBy(request, answer, parts)), whole: true };
}

/** With a record of its own: the one about the whole names no statement that runs. */
export async function releasedBy(request: HoldRequest, answer: Released, { recorder }: UnitParts): Promise<Released> {
  const { asker, session, statement } = request;
  const { agent, owner, database } = asker;
  const body = { kind: 'released', session, agent, owner, database, hold: answer.hold.id } as const;
  const receipt = await recorder.recordDurably({ ...body, statement: statement.hash });
  return { ...answer, receipt };
}
