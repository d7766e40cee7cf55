// The look through everything that is open, every two seconds: what has expired is settled, what a dead proxy began is finished, and
// whoever watches is told what a lost wake-up did not tell. One timer for all holds.
import type { HoldId } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { idOfKey, keys } from './documents.ts';
import { expired, isRecorded } from './hold-state.ts';
import type { Holds } from './holds.ts';
import type { OpenHolds } from './open-holds.ts';

export interface RoundsParts {
  readonly holds: Holds;
  readonly open: OpenHolds;
  readonly clock: Clock;
  readonly log: Log;
  /** Something about this hold is other than it was, or has never been seen here. */
  readonly changed: (id: HoldId) => void;
}

const everyMs = 2_000;
/** Each hold that is open is read in every third round: expiry needs only the list. */
const closerLook = 3;
/** Holds read at a time in a closer look: what agents and people ask meanwhile must not stand behind thousands. */
const atOnce = 50;

export class Rounds {
  readonly #parts: RoundsParts;
  /** What each open hold looked like at the last closer look. */
  #looks: ReadonlyMap<HoldId, string> = new Map();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.run().finally(() => {
        if (!this.#stopped) this.start();
      });
    }, everyMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Never throws: with the store away there is nothing to do but to try again. */
  async run(): Promise<void> {
    try {
      await this.#round();
    } catch (thrown) {
      const { log } = this.#parts;
      if (thrown instanceof ProxyError) log.debug('the open holds could not be looked through', { error: thrown });
      else log.error('the open holds could not be looked through', { error: thrown });
    }
  }

  async #round(): Promise<void> {
    const { clock, open } = this.#parts;
    const round = open.round();
    const ids: HoldId[] = [];
    for await (const { key, value } of this.#parts.holds.open()) {
      const id = idOfKey(key);
      const agent = key.slice(keys.openAll.length, key.lastIndexOf('/'));
      round.saw(id, agent);
      ids.push(id);
      if (Number(value) <= clock.now()) await this.#expire(id);
    }
    round.end();
    if (this.#count++ % closerLook === 0) await this.#lookCloser(ids);
  }

  async #expire(id: HoldId): Promise<void> {
    const { holds, clock } = this.#parts;
    await this.#each(id, () =>
      holds.move(id, (life) => {
        const next = expired(life, clock.now());
        return typeof next === 'string' ? 'stay' : next;
      }),
    );
  }

  async #lookCloser(ids: readonly HoldId[]): Promise<void> {
    const { holds, changed } = this.#parts;
    const looks = new Map<HoldId, string>();
    const look = async (id: HoldId): Promise<void> => {
      const stored = await holds.read(id);
      if (stored === undefined) return;
      if (isRecorded(stored.life)) looks.set(id, stored.version);
      else if (holds.isAbandoned(stored.life)) await this.#each(id, () => holds.recorded(id));
    };
    for (let at = 0; at < ids.length; at += atOnce) await Promise.all(ids.slice(at, at + atOnce).map(look));
    for (const [id, looked] of looks) if (this.#looks.get(id) !== looked) changed(id);
    // Settled since, by a peer.
    for (const id of this.#looks.keys()) if (!looks.has(id)) changed(id);
    this.#looks = looks;
  }

  /** One hold that cannot be looked after must not keep the others from it. */
  async #each(id: HoldId, work: () => Promise<unknown>): Promise<void> {
    try {
      await this.#parts.holds.alone(id, work);
    } catch (thrown) {
      this.#parts.log.warn('a hold could not be looked after; it will be tried again', { hold: id, error: thrown });
    }
  }
}
