// Holds in the shared store: read, moved by compare-and-swap, and recorded. What happens to a hold takes three steps, so that the
// store, the audit record and what agents and people see can never tell different stories:
//
//   1. The store takes the move. Of several who try (a vote here, a time-out there) exactly one succeeds.
//   2. The one who succeeded puts it on the audit record, durably.
//   3. The store is told that it is recorded. Only now may anybody act on it.
//
// A proxy that dies between 1 and 3 leaves a move without effect. Nobody adds to it or acts on it; a peer that has seen it lie for
// some seconds does steps 2 and 3. The record may then say the same thing twice, but never two different things.
import { setTimeout as later } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { HoldId, NonEmpty, UnixMillis } from '../core/brand.ts';
import { ProxyError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { Recorder } from '../audit/recorder.ts';
import type { Change, Listed, Store, Version } from '../store/store.ts';
import { idOfKey, keys, parse, textOf, type Permission } from './documents.ts';
import { unrecorded, withChain } from './evidence.ts';
import type { HeldFacts, HoldLife } from './hold.ts';
import { isRecorded, markRecorded, usedAtLeast } from './hold-state.ts';
import { Serial } from './serial.ts';

export interface HoldsParts {
  readonly store: Store;
  readonly recorder: Pick<Recorder, 'recordDurably'>;
  /** The name of the chain that it writes. */
  readonly chain?: string | undefined;
  readonly clock: Clock;
  /** Told after every recorded move of this process. */
  readonly changed: (id: HoldId, life: HoldLife) => void;
}

export interface StoredLife {
  readonly life: HoldLife;
  readonly version: Version;
}

/** A settled hold can be looked at for so long after it can no longer change; the audit record keeps it for good. */
const keptMs = 7 * 24 * 60 * 60 * 1000;
const siblingMs = 30 * 24 * 60 * 60 * 1000;
/** How long a move may lie unrecorded before somebody else takes it for abandoned. */
const abandonedMs = 5_000;
const lookAgainMs = 15;
const pageMax = 1_000;
const usualPatienceMs = 2 * abandonedMs;
/** Somebody else was faster so often: it is no race any more. */
const triesMax = 100;

export const topic = 'holds';

export class Holds {
  readonly #parts: HoldsParts;
  readonly #serial = new Serial();
  readonly #facts = new LRUCache<string, HeldFacts>({ max: 2_000 });
  /** Moves of others that are not recorded yet: since when they look like this. */
  readonly #lying = new Map<string, { readonly looks: string; readonly since: number }>();
  /** Moves of this process that could not be recorded or marked as such: to be done as soon as it is possible. */
  readonly #owed = new Map<string, 'record' | 'mark'>();

  /** Approvals that this process has used, and how often: a Redis that fell back to what it had before must not make a use undone. */
  readonly #used = new LRUCache<string, number>({ max: 20_000 });
  /** Of permissions for a shape, by the same token. */
  readonly #usesLeft = new LRUCache<string, number>({ max: 2_000 });

  constructor(parts: HoldsParts) {
    this.#parts = parts;
  }

  /** One thing at a time with each hold, in this process. */
  alone<Result>(id: HoldId, work: () => Promise<Result>): Promise<Result> {
    return this.#serial.run(id, work);
  }

  async facts(id: HoldId): Promise<HeldFacts | undefined> {
    const kept = this.#facts.get(id);
    if (kept !== undefined) return kept;
    const stored = await this.#parts.store.read(keys.facts(id));
    if (stored === undefined) return undefined;
    const facts = parse.facts(stored.value);
    this.#facts.set(id, facts);
    return facts;
  }

  async read(id: HoldId): Promise<StoredLife | undefined> {
    const stored = await this.#parts.store.read(keys.life(id));
    if (stored === undefined) return undefined;
    const life = parse.life(stored.value);
    return { life: usedAtLeast(life, this.#used.get(approvalOf(life)) ?? 0), version: stored.version };
  }

  /** Every entry of the index of what is open. What leaves it is settled, and recorded. */
  async *open(): AsyncGenerator<Listed> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#parts.store.list(keys.openAll, pageMax, after);
      yield* page;
      after = page.at(-1)?.key;
      if (after === undefined || page.length < pageMax) return;
    }
  }

  async openIds(): Promise<ReadonlySet<HoldId>> {
    const ids = new Set<HoldId>();
    for await (const { key } of this.open()) ids.add(idOfKey(key));
    return ids;
  }

  /** A new hold, if nobody has put another in the place of its binding since `expect` was read. Recorded when it resolves. */
  make(facts: HeldFacts, begun: HoldLife, expect: Version | 'absent'): Promise<HoldLife | 'conflict'> {
    const life = withChain(begun, this.#parts.chain);
    const expiresAt = expiryOf(life);
    const { id, asker, askedAt, binding } = facts;
    return this.alone(id, async () => {
      const outcome = await this.#parts.store.change([
        { key: keys.binding(binding), expect, value: id, expiresAt },
        { key: keys.facts(id), expect: 'absent', value: textOf(facts), expiresAt },
        { key: keys.life(id), expect: 'absent', value: textOf(life), expiresAt },
        { key: keys.open(asker.agent, id), expect: 'absent', value: String(life.openUntil), expiresAt },
        { key: keys.recent(askedAt, id), expect: 'absent', value: id, expiresAt },
        { key: keys.recentOf(asker.agent, askedAt, id), expect: 'absent', value: id, expiresAt },
      ]);
      if (outcome === 'conflict') return 'conflict';
      this.#facts.set(id, facts);
      return this.#record(facts, life);
    });
  }

  /**
   * Only inside `alone`. Takes one step, again when somebody else was faster. The step sees only what is recorded, and may run several times. Gives the
   * hold as it is afterwards, recorded; undefined when there is no such hold.
   */
  async move(
    id: HoldId,
    step: (life: HoldLife) => HoldLife | 'stay',
    patienceMs = usualPatienceMs,
  ): Promise<HoldLife | undefined> {
    for (let tries = 0; tries < triesMax; tries++) {
      const stored = await this.recorded(id, patienceMs);
      const facts = await this.facts(id);
      if (stored === undefined || facts === undefined) return undefined;
      const stepped = step(stored.life);
      if (stepped === 'stay') return stored.life;
      const next = withChain(stepped, this.#parts.chain);
      const { store } = this.#parts;
      const life = { key: keys.life(id), expect: stored.version, value: textOf(next), expiresAt: expiryOf(next) };
      if ((await store.change([life])) === 'changed') {
        if (next.uses > stored.life.uses) this.#used.set(approvalOf(next), next.uses);
        return this.#record(facts, next);
      }
    }
    throw new ProxyError('UNAVAILABLE', `the hold ${id} changes too fast; try again`);
  }

  /** The hold with everything that happened to it on the record; waits for whoever is about to record it. */
  async recorded(id: HoldId, patienceMs = usualPatienceMs): Promise<StoredLife | undefined> {
    const { clock } = this.#parts;
    const deadline = clock.ticks() + patienceMs;
    for (;;) {
      const stored = await this.read(id);
      if (stored === undefined || isRecorded(stored.life)) {
        this.#lying.delete(id);
        return stored;
      }
      if (this.isAbandoned(stored.life)) {
        const facts = await this.facts(id);
        if (facts === undefined) return undefined;
        await this.#record(facts, stored.life);
      } else if (clock.ticks() > deadline) {
        throw new ProxyError('UNAVAILABLE', `what happened to the hold ${id} is not on the record yet; try again`);
      } else {
        await later(lookAgainMs);
      }
    }
  }

  /** A hint for looking closer, which is done inside `alone`: whether the one who moved it seems to have died before recording it. By this process's own watch: clocks of peers differ. */
  isAbandoned(life: HoldLife): boolean {
    if (this.#owed.has(life.id)) return true;
    const looks = looksOf(life);
    const seen = this.#lying.get(life.id);
    const now = this.#parts.clock.ticks();
    if (seen?.looks === looks) return now - seen.since >= abandonedMs;
    this.#lying.set(life.id, { looks, since: now });
    return false;
  }

  /** Steps 2 and 3. Tells everybody at the end. */
  async #record(facts: HeldFacts, life: HoldLife): Promise<HoldLife> {
    const { id } = life;
    if (!isRecorded(life)) {
      if (this.#owed.get(id) !== 'mark') {
        this.#owed.set(id, 'record');
        // Taken in this order, and then waited for together.
        await Promise.all(
          unrecorded(facts, life, this.#parts.chain).map((body) => this.#parts.recorder.recordDurably(body)),
        );
        this.#owed.set(id, 'mark');
      }
      await this.#mark(facts, life);
      this.#owed.delete(id);
      this.#lying.delete(id);
    }
    this.#parts.changed(id, life);
    this.#parts.store.announce(topic, id);
    return markRecorded(life);
  }

  /** Nobody else changes what is not recorded, but for a peer who took it for abandoned and did the same as we do. */
  async #mark(facts: HeldFacts, life: HoldLife): Promise<void> {
    for (let tries = 0; tries < triesMax; tries++) {
      const stored = await this.read(life.id);
      if (stored === undefined || isRecorded(stored.life)) return;
      if (looksOf(stored.life) !== looksOf(life)) throw new Error(`the hold ${life.id} moved before it was recorded`);
      const marked = withChain(markRecorded(stored.life), this.#parts.chain);
      const change = {
        key: keys.life(life.id),
        expect: stored.version,
        value: textOf(marked),
        expiresAt: expiryOf(life),
      };
      if ((await this.#parts.store.change([change, ...this.#effects(facts, marked)])) === 'changed') return;
    }
  }

  /** What is true from the moment that it is recorded: it is no longer open, and an approval may permit a whole shape. */
  #effects(facts: HeldFacts, { id, settled }: HoldLife): readonly Change[] {
    if (settled === undefined) return [];
    const changes: Change[] = [{ key: keys.open(facts.asker.agent, id), expect: 'any', value: undefined }];
    if (settled.state !== 'approved' || facts.shape === undefined) return changes;
    const { terms, at, by } = settled;
    const { canonical } = facts.statement;
    const sibling = textOf({ hold: id, at, by, canonical });
    changes.push({ key: keys.sibling(facts.shape), expect: 'any', value: sibling, expiresAt: at + siblingMs });
    if (terms?.kind !== 'shape') return changes;
    const until = (at + terms.forMs) as UnixMillis;
    const permission: Permission = { hold: id, by: [...by], usesLeft: terms.usesMax, until, rowsMax: terms.rowsMax };
    changes.push({ key: keys.permission(facts.shape), expect: 'any', value: textOf(permission), expiresAt: until });
    return changes;
  }

  /** One use of a permission for a shape, or undefined when there is none that still holds. */
  async takePermission(
    shape: string,
    now: UnixMillis,
    isGood: (permission: Permission) => Promise<boolean>,
  ): Promise<Permission | undefined> {
    for (let tries = 0; tries < triesMax; tries++) {
      const key = keys.permission(shape);
      const stored = await this.#parts.store.read(key);
      const permission = stored === undefined ? undefined : parse.permission(stored.value);
      if (stored === undefined || permission === undefined) return undefined;
      const name = `${permission.hold} ${permission.until}`;
      const usesLeft = Math.min(permission.usesLeft, this.#usesLeft.get(name) ?? permission.usesLeft);
      if (usesLeft < 1 || now >= permission.until || !(await isGood(permission))) return undefined;
      const left = { ...permission, usesLeft: usesLeft - 1 };
      const value = left.usesLeft > 0 ? textOf(left) : undefined;
      const changes: NonEmpty<Change> = [{ key, expect: stored.version, value, expiresAt: permission.until }];
      if ((await this.#parts.store.change(changes)) === 'changed') {
        this.#usesLeft.set(name, left.usesLeft);
        return left;
      }
    }
    throw new ProxyError('UNAVAILABLE', 'the permission for this shape is used too fast; try again');
  }
}

/** One hold may be approved twice, where the state has forgotten the first time: that is another approval. */
const approvalOf = ({ id, settled }: HoldLife): string => `${id} ${settled?.at ?? ''}`;

const looksOf = ({ votes, settled }: HoldLife): string => `${votes.length} ${settled?.state ?? ''}`;

function expiryOf({ openUntil, grantMs }: HoldLife): number {
  return openUntil + grantMs + keptMs;
}
