// The approval desk on a store: what the gate asks, joined from its parts. One asking finds its place in this order: a permission
// for its shape, an approval that came too late for the wire, a hold of the same thing that is open, a new hold.
import type { HoldId, UnixMillis } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import type { HoldConfig } from '../core/config-types.ts';
import { ProxyError } from '../core/errors.ts';
import { newHoldId, randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Recorder } from '../audit/recorder.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Store, Version } from '../store/store.ts';
import { factsFrom, lifeFrom } from './asking.ts';
import { bindingOf, shapeOf } from './binding.ts';
import { Board, isHoldId } from './board.ts';
import type { HoldFilter, VoteResult } from './channel.ts';
import type { Answer, Desk, HoldRequest, Waiting } from './desk.ts';
import { keys, parse, type Permission } from './documents.ts';
import { releasedBody } from './evidence.ts';
import type { HeldFacts, HoldLife, Sibling, Vote, Waiter } from './hold.ts';
import { canBeGranted, granted, joined, recalled, stateOf } from './hold-state.ts';
import { Holds, topic } from './holds.ts';
import { OpenHolds, type OpenLimits } from './open-holds.ts';
import { Rounds } from './rounds.ts';
import { Serial } from './serial.ts';
import { once, type Terms } from './terms.ts';
import type { HoldView } from './view.ts';
import { unavailable, Waits } from './waits.ts';

export interface DeskParts {
  readonly store: Store;
  readonly recorder: Pick<Recorder, 'recordDurably'>;
  /** The name of the chain that it writes: what is told to whoever reads another one. */
  readonly chain?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** `holds` of the config, with what the agent has of its own. */
  readonly holdsOf: (agent: string) => HoldConfig;
  readonly ownerOf: (agent: string) => string | undefined;
  readonly limits: () => OpenLimits;
  /** The classification in force. */
  readonly catalog: () => Pick<Catalog, 'approvers' | 'groups' | 'levelByName'>;
  readonly newId?: () => HoldId;
  /** How the budgets that a statement draws on stand, a line for each; absent: nobody keeps any. */
  readonly budgetLines?: (request: HoldRequest) => Promise<readonly string[]>;
}

/** Connections that may wait for one hold. */
const waitersMax = 1_000;
const triesMax = 20;
const recallMax = 10_000;

export function openDesk(parts: DeskParts): StoreDesk {
  return new StoreDesk(parts);
}

/** One asking, with what is made of it once. */
interface Case {
  readonly request: HoldRequest;
  readonly withdrawn: AbortSignal;
  readonly binding: string;
  readonly shape: string | undefined;
  readonly config: HoldConfig;
}

export class StoreDesk implements Desk {
  readonly #parts: DeskParts;
  readonly #holds: Holds;
  readonly #board: Board;
  readonly #waits: Waits;
  readonly #open = new OpenHolds();
  readonly #rounds: Rounds;
  readonly #serial = new Serial();
  readonly #unlisten: () => void;
  #stopped = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    const changed = (id: HoldId): void => {
      this.#waits.wake(id);
      this.#board.tell(id);
    };
    const moved = (id: HoldId, { settled }: HoldLife): void => {
      if (settled !== undefined) this.#open.remove(id);
      changed(id);
    };
    this.#holds = new Holds({ ...parts, changed: moved });
    this.#board = new Board({ ...parts, holds: this.#holds });
    const view = (facts: HeldFacts, life: HoldLife): HoldView => this.#board.view(facts, life);
    this.#waits = new Waits({ ...parts, holds: this.#holds, view });
    this.#rounds = new Rounds({ ...parts, holds: this.#holds, open: this.#open, changed });
    this.#unlisten = parts.store.listen(topic, (id) => {
      if (isHoldId(id)) changed(id);
    });
    this.#rounds.start();
  }

  /** For metrics and /readyz. */
  stats(): { readonly open: number; readonly waiting: number } {
    return { open: this.#open.count, waiting: this.#waits.count };
  }

  vote(id: HoldId, vote: Vote): Promise<VoteResult> {
    return guarded(() => this.#board.vote(id, vote));
  }

  find(id: HoldId): Promise<HoldView | undefined> {
    return guarded(() => this.#board.find(id));
  }

  /** What was asked, as it is stored, while people can decide about it. */
  openFacts(id: HoldId): Promise<HeldFacts | undefined> {
    return guarded(async () => {
      const [facts, stored] = await Promise.all([this.#holds.facts(id), this.#holds.read(id)]);
      const isOpen = stored !== undefined && stateOf(stored.life, this.#parts.clock.now()) === 'open';
      return isOpen ? facts : undefined;
    });
  }

  /** Holds that are open: exact for what this process asked, and from the last round for what its peers did. */
  get openCount(): number {
    return this.#open.count;
  }

  list(filter?: HoldFilter): Promise<readonly HoldView[]> {
    return guarded(() => this.#board.list(filter));
  }

  watch(each: (hold: HoldView) => void): () => void {
    return this.#board.watch(each);
  }

  /** What an agent waits for, in one database or in all, is nobody's question any more. How many holds were withdrawn. */
  async recall({ agent, database }: { readonly agent: string; readonly database?: string }): Promise<number> {
    const open = await this.list({ state: 'open', agent, limit: recallMax });
    let withdrawn = 0;
    for (const { id } of open.filter((hold) => database === undefined || hold.database === database)) {
      await this.#holds.alone(id, () =>
        this.#holds.move(id, (life) => {
          const next = recalled(life, this.#parts.clock.now());
          if (next === 'settled') return 'stay';
          withdrawn += 1;
          return next;
        }),
      );
    }
    return withdrawn;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    this.#waits.stop();
    await this.#rounds.stop();
  }

  ask(request: HoldRequest, withdrawn: AbortSignal): Promise<Waiting> {
    return guarded(async () => {
      if (this.#stopped) throw new ProxyError('UNAVAILABLE', 'the proxy is being stopped; nothing is held any more');
      const config = this.#parts.holdsOf(request.asker.agent);
      refuseInTransaction(request, config);
      const [binding, shape] = [bindingOf(request), shapeOf(request)];
      const one: Case = { request, withdrawn, binding, shape, config };
      // Ten connections that ask the same at once: the first makes the hold, the others find it.
      return this.#serial.run(binding, async () => (await this.#permitted(one)) ?? this.#place(one));
    });
  }

  /** A permission for all statements of this shape. */
  async #permitted(one: Case): Promise<Waiting | undefined> {
    if (one.shape === undefined) return undefined;
    const stands = async ({ hold, by }: Permission): Promise<boolean> => {
      const [facts, stored] = await Promise.all([this.#holds.facts(hold), this.#holds.read(hold)]);
      return facts !== undefined && this.#board.stands(facts, by, stored?.life.votes ?? []);
    };
    const permission = await this.#holds.takePermission(one.shape, this.#parts.clock.now(), stands);
    if (permission === undefined) return undefined;
    const { hold, by, rowsMax } = permission;
    const [facts, stored] = await Promise.all([this.#holds.facts(hold), this.#holds.read(hold)]);
    if (facts === undefined || stored === undefined) return undefined;
    const terms: Terms = rowsMax === undefined ? once : { kind: 'rows', rowsMax };
    return this.#releasedAtOnce(one, { facts, life: stored.life, terms, by });
  }

  async #place(one: Case): Promise<Waiting> {
    for (let tries = 0; tries < triesMax; tries++) {
      const pointer = await this.#parts.store.read(keys.binding(one.binding));
      const id = pointer !== undefined && isHoldId(pointer.value) ? pointer.value : undefined;
      const found = id === undefined ? undefined : await this.#goOnWith(id, one);
      if (found !== undefined) return found;
      const made = await this.#make(one, pointer?.version ?? 'absent');
      if (made !== 'conflict') return made;
    }
    throw new ProxyError('UNAVAILABLE', 'the same statement is asked too often at once; try again');
  }

  /** A hold of the same thing: its late approval is used, or it is waited for. Undefined: it is settled, and good for nothing more. */
  async #goOnWith(id: HoldId, one: Case): Promise<Waiting | undefined> {
    const facts = await this.#holds.facts(id);
    if (facts === undefined) return undefined;
    let outcome: 'granted' | 'joined' | undefined;
    let until = this.#parts.clock.now();
    const waiterId = randomText(12);
    const life = await this.#holds.alone(id, () =>
      this.#holds.move(id, (before) => {
        const now = this.#parts.clock.now();
        outcome = undefined;
        if (canBeGranted(before, now) && this.#board.stands(facts, before.settled?.by ?? [], before.votes)) {
          outcome = 'granted';
          return granted(before);
        }
        if (stateOf(before, now) !== 'open' || before.waiters.length >= waitersMax) return 'stay';
        until = Math.min(now + one.config.waitMs, before.openUntil) as UnixMillis;
        const next = joined(before, { id: waiterId, session: one.request.session, until });
        if (next === 'settled') return 'stay';
        outcome = 'joined';
        return next;
      }),
    );
    if (life === undefined || outcome === undefined) return undefined;
    if (outcome === 'joined')
      return this.#waiting(one, facts, life, { id: waiterId, session: one.request.session, until });
    const { terms = once, by = [] } = life.settled ?? {};
    return this.#releasedAtOnce(one, { facts, life, terms, by });
  }

  async #make(one: Case, expect: Version | 'absent'): Promise<Waiting | 'conflict'> {
    const { request, config, binding, shape } = one;
    const { clock, newId = newHoldId, limits } = this.#parts;
    const id = newId();
    this.#open.reserve(id, request.asker.agent, limits());
    let isMade = false;
    try {
      const [sibling, budgets = []] = await Promise.all([this.#siblingOf(shape), this.#parts.budgetLines?.(request)]);
      const now = clock.now();
      const facts = factsFrom({ ...request, budgets }, { id, binding, shape, sibling, now });
      const until = (now + config.waitMs) as UnixMillis;
      const waiter: Waiter = { id: randomText(12), session: request.session, until };
      const life = await this.#holds.make(facts, lifeFrom(facts, waiter, config), expect);
      if (life === 'conflict') return 'conflict';
      isMade = true;
      return this.#waiting(one, facts, life, waiter);
    } finally {
      if (!isMade) this.#open.remove(id);
    }
  }

  async #siblingOf(shape: string | undefined): Promise<Sibling | undefined> {
    const stored = shape === undefined ? undefined : await this.#parts.store.read(keys.sibling(shape));
    return stored === undefined ? undefined : parse.sibling(stored.value);
  }

  #waiting(one: Case, facts: HeldFacts, life: HoldLife, waiter: Waiter): Waiting {
    const { withdrawn, request } = one;
    const answer = this.#waits.add({ ...waiter, statement: request.statement.hash, facts, life, withdrawn });
    return { hold: this.#board.view(facts, life), until: waiter.until, answer };
  }

  /** The use is taken already; the release goes on the record before anybody hears of it. */
  async #releasedAtOnce(
    { request, withdrawn }: Case,
    {
      facts,
      life,
      terms,
      by,
    }: { readonly facts: HeldFacts; readonly life: HoldLife; readonly terms: Terms; readonly by: readonly string[] },
  ): Promise<Waiting> {
    const hold = this.#board.view(facts, life);
    const until = this.#parts.clock.now();
    if (withdrawn.aborted) return { hold, until, answer: Promise.resolve<Answer>({ kind: 'withdrawn', hold }) };
    const receipt = await this.#parts.recorder.recordDurably(
      releasedBody(facts, {
        session: request.session,
        statement: request.statement.hash,
        ...{ terms, life, chain: this.#parts.chain },
      }),
    );
    return { hold, until, answer: Promise.resolve<Answer>({ kind: 'released', receipt, terms, by, hold }) };
  }
}

/** The locks of an open transaction would be held for as long as people think. */
function refuseInTransaction({ asker, locks }: HoldRequest, config: HoldConfig): void {
  if (config.inTransaction === 'wait' || asker.transaction === 'none') return;
  if (locks.known && locks.value.length === 0) return;
  throw new ProxyError('HOLD_REFUSED', 'people would have to be asked, and this transaction holds locks meanwhile', {
    hint: 'ROLLBACK, and send the statement outside of the transaction or as its first one (holds.in_transaction)',
  });
}

async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    throw unavailable(thrown);
  }
}
