// One decision for what is asked in pieces: a dump reads table by table in one transaction. At the first piece people are asked about the
// whole; their yes lets each of the listed pieces pass once, for whoever holds the same key, under the same classification and schema. Each
// release is on the record by itself. The rest of the desk is as it was.
//
//   first piece ──asked about all──▶ approved ──▶ each listed piece, once ──▶ used up
//                         └─ not ──▶ refused; the next piece asks again
import type { Recorder } from '../audit/recorder.ts';
import type { Clock } from '../core/clock.ts';
import type { Answer, Desk, HoldRequest, Waiting } from './desk.ts';

type Released = Extract<Answer, { readonly kind: 'released' }>;

interface Permitted {
  readonly answer: Released;
  readonly versions: string;
  /** Pieces that have not passed yet. */
  readonly left: Set<string>;
}

export interface UnitParts {
  readonly recorder: Pick<Recorder, 'recordDurably'>;
  readonly clock: Clock;
}

export function unitDesk(desk: Desk, parts: UnitParts): Desk {
  // The key goes with its transaction, and what was permitted with it.
  const permitted = new WeakMap<object, Permitted>();
  return {
    vote: (id, vote) => desk.vote(id, vote),
    find: (id) => desk.find(id),
    list: (filter) => desk.list(filter),
    watch: (each) => desk.watch(each),
    stop: () => desk.stop(),
    ask: async (request, withdrawn) => {
      const { unit } = request;
      if (unit === undefined) return await desk.ask(request, withdrawn);
      const before = permitted.get(unit.key);
      if (before !== undefined && before.versions === versionsOf(request) && before.left.delete(unit.part))
        return await releasedAtOnce(request, before.answer, parts);
      const whole = await unit.whole();
      if (whole === undefined) return await desk.ask(request, withdrawn);
      const { request: asked, pieces } = whole;
      const waiting = await desk.ask(asked, withdrawn);
      const answer = waiting.answer.then(async (answered): Promise<Answer> => {
        if (answered.kind !== 'released') return answered;
        // Several sessions may have asked for the same whole.
        const versions = versionsOf(request);
        const now = permitted.get(unit.key) ?? { answer: answered, versions, left: new Set(pieces) };
        permitted.set(unit.key, now);
        return now.left.delete(unit.part) ? await released(request, answered, parts) : { ...answered, kind: 'expired' };
      });
      return { ...waiting, answer };
    },
  };
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
