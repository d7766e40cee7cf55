// The connections of this process that wait for people. A wake-up makes it look at once; all are also looked after every second, so that
// a lost wake-up costs a second and never hangs a client. How a wait ends is settled inside `alone`, one thing at a time for each hold, and
// by compare-and-swap between processes: released, denied, out of time, gone - exactly one of them, and the record says the same.
import type { HoldId, UnixMillis } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Recorder } from '../audit/recorder.ts';
import type { Answer } from './desk.ts';
import { releasedBody } from './evidence.ts';
import type { HeldFacts, HoldLife } from './hold.ts';
import { entitled, left, timedOut, used } from './hold-state.ts';
import type { Holds } from './holds.ts';
import { once, type Terms } from './terms.ts';
import type { HoldView } from './view.ts';
import { Wheel } from './wheel.ts';

export interface WaitsParts {
  readonly holds: Holds;
  readonly recorder: Pick<Recorder, 'recordDurably'>;
  /** The name of the chain that it writes. */
  readonly chain?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly view: (facts: HeldFacts, life: HoldLife) => HoldView;
}

export interface NewWait {
  readonly id: string;
  readonly session: string;
  readonly statement: string;
  readonly facts: HeldFacts;
  readonly life: HoldLife;
  readonly until: UnixMillis;
  readonly withdrawn: AbortSignal;
}

interface Wait extends NewWait {
  readonly settle: (answer: Answer) => void;
  settled: boolean;
}

/** The waits of one hold in this process. */
interface Group {
  readonly id: HoldId;
  readonly facts: HeldFacts;
  /** As last seen; what is shown when the store is away. */
  life: HoldLife;
  readonly waits: Map<string, Wait>;
  looking: boolean;
  lookAgain: boolean;
  /** A use whose outcome the store could not tell. */
  readonly attempted: Set<string>;
}

const pollMs = 700;
const readOneByOneMax = 100;
/** How long a wait stands in line for somebody else's record; the next look tries again. */
const patienceMs = 500;

export class Waits {
  readonly #parts: WaitsParts;
  readonly #groups = new Map<HoldId, Group>();
  readonly #wheel: Wheel<() => void>;
  #polling = false;

  constructor(parts: WaitsParts) {
    this.#parts = parts;
    this.#wheel = new Wheel(
      () => parts.clock.ticks(),
      (due) => due(),
    );
  }

  get count(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.waits.size;
    return count;
  }

  add(wait: NewWait): Promise<Answer> {
    const { clock } = this.#parts;
    const group = this.#groupOf(wait);
    return new Promise((resolve) => {
      const ends: (() => void)[] = [];
      const settle = (answer: Answer): void => {
        kept.settled = true;
        group.waits.delete(wait.id);
        if (group.waits.size === 0) this.#groups.delete(group.id);
        for (const end of ends) end();
        resolve(answer);
      };
      const kept: Wait = { ...wait, settle, settled: false };
      group.waits.set(wait.id, kept);
      ends.push(this.#wheel.after(wait.until - clock.now(), () => void this.#timeOut(group, kept)));
      const leave = (): void => void this.#leave(group, kept);
      wait.withdrawn.addEventListener('abort', leave, { once: true });
      ends.push(() => wait.withdrawn.removeEventListener('abort', leave));
      if (wait.withdrawn.aborted) leave();
      // It may have been settled between asking and waiting.
      this.wake(group.id);
    });
  }

  /** Looks at the store, at once and in any number of calls at a time. */
  wake(id: HoldId): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    if (group.looking) {
      group.lookAgain = true;
      return;
    }
    void this.#look(group);
  }

  /** Answers everybody without touching the holds. */
  stop(): void {
    for (const group of [...this.#groups.values()]) {
      for (const wait of [...group.waits.values()]) wait.settle({ kind: 'withdrawn', hold: this.#view(group) });
    }
    this.#wheel.stop();
  }

  #groupOf({ facts, life }: NewWait): Group {
    const known = this.#groups.get(facts.id);
    if (known !== undefined) return known;
    const { id } = facts;
    const group: Group = { id, facts, life, waits: new Map(), looking: false, lookAgain: false, attempted: new Set() };
    this.#groups.set(id, group);
    this.#pollLater();
    return group;
  }

  /** One timer for all. Few are read one by one; of many, only those that are no longer listed as open. */
  #pollLater(): void {
    if (this.#polling) return;
    this.#polling = true;
    this.#wheel.after(pollMs, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    try {
      const open = this.#groups.size > readOneByOneMax ? await this.#parts.holds.openIds() : undefined;
      for (const id of [...this.#groups.keys()]) if (open?.has(id) !== true) this.wake(id);
    } catch (thrown) {
      this.#parts.log.debug('the open holds could not be listed; they will be again', { error: thrown });
    }
    this.#polling = false;
    if (this.#groups.size > 0) this.#pollLater();
  }

  async #look(group: Group): Promise<void> {
    group.looking = true;
    try {
      do {
        group.lookAgain = false;
        const stored = await this.#parts.holds.read(group.id);
        if (stored === undefined) continue; // Lost or cleared away: nobody can approve it any more, and the wait runs out.
        group.life = stored.life;
        if (stored.life.settled !== undefined) await this.#parts.holds.alone(group.id, () => this.#resolve(group));
      } while (group.lookAgain && group.waits.size > 0);
    } catch (thrown) {
      this.#complain(group, thrown);
    } finally {
      group.looking = false;
    }
  }

  /** Inside `alone`. Answers whoever a settled hold has an answer for. */
  async #resolve(group: Group): Promise<void> {
    const stored = await this.#parts.holds.recorded(group.id, patienceMs);
    if (stored === undefined) return;
    group.life = stored.life;
    const { settled } = stored.life;
    switch (settled?.state) {
      case undefined:
        return;
      case 'approved':
        await this.#release(group, settled.by, settled.terms ?? once);
        return;
      case 'denied': {
        const hold = this.#view(group);
        const reason = hold.settled?.reason ?? 'no reason was given';
        this.#settleAll(group, { kind: 'denied', by: settled.by, reason, hold });
        return;
      }
      case 'expired':
        this.#settleAll(group, { kind: 'expired', hold: this.#view(group) });
        return;
      case 'withdrawn':
        this.#settleAll(group, { kind: 'withdrawn', hold: this.#view(group) });
    }
  }

  /** Uses the approval for everybody here who waited when it came, all in one step; then each release goes on the record. */
  async #release(group: Group, by: readonly string[], terms: Terms): Promise<void> {
    const here = [...group.waits.keys()];
    let mine: readonly string[] = [];
    const after = await this.#parts.holds.move(group.id, (life) => {
      const fresh = entitled(life, here);
      // Nobody but this process takes its waiters out: one that is gone after an attempt whose outcome nobody told has been used.
      const before = here.filter((id) => group.attempted.has(id) && life.waiters.every((waiter) => waiter.id !== id));
      mine = [...fresh, ...before];
      if (fresh.length === 0) return 'stay';
      for (const id of fresh) group.attempted.add(id);
      return used(life, fresh);
    });
    if (after === undefined) return;
    group.life = after;
    await Promise.all(mine.map((id) => this.#releaseOne(group, id, { by, terms })));
    // The others' time had run out by then. Who has come since is looked at in the next turn.
    for (const id of here)
      if (!mine.includes(id)) group.waits.get(id)?.settle({ kind: 'expired', hold: this.#view(group) });
  }

  async #releaseOne(
    group: Group,
    id: string,
    how: { readonly by: readonly string[]; readonly terms: Terms },
  ): Promise<void> {
    const wait = group.waits.get(id);
    if (wait === undefined) return;
    try {
      const { session, statement } = wait;
      const { terms } = how;
      const release = { session, statement, terms, life: group.life, chain: this.#parts.chain };
      const body = releasedBody(group.facts, release);
      const receipt = await this.#parts.recorder.recordDurably(body);
      wait.settle({ kind: 'released', receipt, ...how, hold: this.#view(group) });
    } catch (thrown) {
      // Its use is gone, and nothing was released: the safe side of the two.
      wait.settle({ kind: 'unavailable', error: unavailable(thrown), hold: this.#view(group) });
    }
  }

  async #timeOut(group: Group, wait: Wait): Promise<void> {
    await this.#end(group, wait, 'expired', (life) => timedOut(life, wait.id));
  }

  async #leave(group: Group, wait: Wait): Promise<void> {
    await this.#end(group, wait, 'withdrawn', (life) => left(life, wait.id, this.#parts.clock.now()));
  }

  /** The wait is over from this side. When people were faster, out of time gets their answer; who has left gets none. */
  async #end(
    group: Group,
    wait: Wait,
    kind: 'expired' | 'withdrawn',
    step: (life: HoldLife) => HoldLife,
  ): Promise<void> {
    try {
      await this.#parts.holds.alone(group.id, async () => {
        if (wait.settled) return;
        const after = await this.#parts.holds.move(
          group.id,
          (life) => (kind === 'expired' && entitled(life, [wait.id]).length > 0 ? 'stay' : step(life)),
          patienceMs,
        );
        if (after !== undefined) group.life = after;
        if (kind === 'expired' && after?.settled !== undefined) await this.#resolve(group);
      });
    } catch (thrown) {
      this.#complain(group, thrown);
    }
    // With the store away it ends all the same, as a refusal: what the store still says about it runs out by itself.
    if (!wait.settled) wait.settle({ kind, hold: this.#view(group) });
  }

  #settleAll(group: Group, answer: Answer): void {
    for (const wait of [...group.waits.values()]) wait.settle(answer);
  }

  #view(group: Group): HoldView {
    return this.#parts.view(group.facts, group.life);
  }

  #complain(group: Group, thrown: unknown): void {
    const { log } = this.#parts;
    if (thrown instanceof ProxyError)
      log.debug('a hold could not be looked at; it will be again', { hold: group.id, error: thrown });
    else log.error('a hold could not be looked at', { hold: group.id, error: thrown });
  }
}

export function unavailable(thrown: unknown): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  return new ProxyError('UNAVAILABLE', 'the hold cannot be looked after; nothing was released', { cause: thrown });
}
