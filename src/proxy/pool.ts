// Upstream connections of one database and one role: kept warm, lent to exactly one agent session each, reset and proved clean
// before anybody else gets them. The bounds: `warm` ready ones for each set of start-up parameters that was asked for twice, at
// most `idleMax` idle and `max` in all.
import type { Clock } from '../core/clock.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { farewell } from './farewell.ts';
import { IdleLink, Listeners } from './idle-link.ts';
import { keyOf, PoolSet, type Idle } from './pool-set.ts';
import { fingerprint, reset } from './reset.ts';
import { connectUpstream, sendCancel, type Upstream, type UpstreamTarget } from './upstream.ts';

export interface PoolOptions {
  readonly target: UpstreamTarget;
  /** Ready connections for each set of start-up parameters; 0 turns the pool off: each session opens and closes its own. */
  readonly warm: number;
  /** Connections in all: lent, idle and being opened. */
  readonly max: number;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * With those that come back while `warm` are there already. By default as many again, and 16 at least: a wave of agents that comes, goes
   * and comes again would else have the database close and open them all, beside its work for those who are there.
   */
  readonly idleMax?: number;
  readonly idleMsMax?: number;
  /** A connection older than this is not lent again: server processes grow, and roles' settings change. */
  readonly lifetimeMsMax?: number;
}

/** A connection lent to one session. */
export interface Lease extends Upstream {
  readonly processId: number;
  /** Asks the server to stop what this connection runs. */
  /** Resolves when the server has been told; never rejects. */
  cancel(): Promise<void>;
  /** Ends the loan, once. `idle`: the session owes and is owed nothing, a transaction may be open; all else: `unusable`. */
  release(how: 'idle' | 'unusable'): void;
}

const setsMax = 8;
const setForgottenMs = 600_000;
const sweepMs = 5000;
const backOff = { firstMs: 250, lastMs: 30_000 } as const;

export class Pool {
  readonly #options: PoolOptions;
  readonly #idleMax: number;
  readonly #sets = new Map<string, PoolSet>();
  readonly #stopping = new AbortController();
  /** What runs aside; drain waits for it. */
  readonly #tasks = new Set<Promise<void>>();
  /** Connections being opened or reset to become idle: whoever finds no room waits for one of them. */
  readonly #comings = new Set<Promise<void>>();
  readonly #sweeper: NodeJS.Timeout;
  #lent = 0;
  #opening = 0;
  #generation = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#idleMax = options.warm === 0 ? 0 : Math.max(options.warm, options.idleMax ?? Math.max(16, 2 * options.warm));
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    this.#sweeper.unref();
  }

  get stats(): { readonly lent: number; readonly idle: number; readonly opening: number } {
    return { lent: this.#lent, idle: this.#idleCount(), opening: this.#opening };
  }

  /** A connection for one session, as if it had been opened with these start-up parameters (without user and database). */
  async take(parameters: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Lease> {
    if (this.#stopping.signal.aborted) throw stopping();
    const set = this.#setOf(parameters);
    const idle = set.pop();
    if (idle !== undefined) {
      const known = { ...idle.upstream, parameters: reported(set, idle) };
      idle.link.release();
      this.#fill(set);
      return this.#lend(known, set, idle.bornAt);
    }
    await this.#makeRoom();
    const upstream = await this.#open(parameters, AbortSignal.any([signal, this.#stopping.signal]));
    this.#fill(set);
    return this.#lend(upstream, set, this.#now());
  }

  /** Nothing that is open now is lent again: for when roles, their settings or the password changed. */
  retire(): void {
    this.#generation += 1;
    for (const set of this.#sets.values()) set.stop();
    this.#sets.clear();
  }

  /** Closes what is idle and lends nothing more. What is lent is closed when it comes back. */
  async drain(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#stopping.abort(stopping());
    this.retire();
    await Promise.allSettled([...this.#tasks]);
  }

  #now(): number {
    return this.#options.clock.ticks();
  }

  #idleCount(): number {
    let count = 0;
    for (const set of this.#sets.values()) count += set.idle.length;
    return count;
  }

  #setOf(parameters: ReadonlyMap<string, string>): PoolSet {
    const key = keyOf(parameters);
    const set = this.#sets.get(key) ?? new PoolSet(parameters);
    set.uses += 1;
    set.usedAt = this.#now();
    // Last in the map is used last.
    this.#sets.delete(key);
    this.#sets.set(key, set);
    const [oldest] = this.#sets;
    if (this.#sets.size > setsMax && oldest !== undefined) this.#forget(...oldest);
    return set;
  }

  #forget(key: string, set: PoolSet): void {
    this.#sets.delete(key);
    set.stop();
  }

  #isKnown(set: PoolSet): boolean {
    return this.#sets.get(keyOf(set.parameters)) === set;
  }

  // ---- lending

  #lend(upstream: Upstream, set: PoolSet, bornAt: number): Lease {
    this.#lent += 1;
    const generation = this.#generation;
    const listeners = new Listeners(upstream.socket);
    let isBack = false;
    return {
      ...upstream,
      processId: upstream.key.processId,
      cancel: async () => {
        const told = this.#cancel(upstream);
        this.#run(told);
        await told;
      },
      release: (how) => {
        if (isBack) return;
        isBack = true;
        listeners.restore();
        const isWanted = how === 'idle' && generation === this.#generation && this.#wants(set, bornAt);
        if (isWanted && !upstream.socket.destroyed) this.#reuse(upstream, set, bornAt);
        else this.#bury(upstream, how);
      },
    };
  }

  /** Whether a connection that comes back is worth a reset. Without a baseline there is nothing to prove it by. */
  #wants(set: PoolSet, bornAt: number): boolean {
    const isYoung = this.#now() - bornAt < (this.#options.lifetimeMsMax ?? 1_800_000);
    const hasRoom = this.#idleCount() + this.#comings.size < this.#idleMax;
    return isYoung && hasRoom && set.baseline !== undefined && this.#isKnown(set);
  }

  #bury(upstream: Upstream, how: 'idle' | 'unusable'): void {
    this.#lent -= 1;
    if (how === 'idle') new IdleLink(upstream.socket).close();
    else farewell(upstream.socket, () => this.#run(this.#cancel(upstream)));
  }

  #reuse(upstream: Upstream, set: PoolSet, bornAt: number): void {
    const link = new IdleLink(upstream.socket);
    this.#awaitComing(this.#cleaned(upstream, link, set, bornAt).finally(() => (this.#lent -= 1)));
  }

  async #cleaned(upstream: Upstream, link: IdleLink, set: PoolSet, bornAt: number): Promise<void> {
    try {
      const now = await reset(link);
      if (now === set.baseline?.fingerprint && this.#isKnown(set)) {
        this.#keep(upstream, link, set, bornAt);
        return;
      }
      this.#options.log.debug('a connection was not like new after its reset; it is closed');
    } catch (thrown) {
      this.#options.log.debug('a connection could not be reset; it is closed', { why: wordsOf(thrown) });
    }
    link.close();
  }

  #keep(upstream: Upstream, link: IdleLink, set: PoolSet, bornAt: number): void {
    const idle: Idle = { upstream, link, bornAt, idleSince: this.#now() };
    set.add(idle);
    // The server may close it at any time, or say something that makes it unusable.
    link.onBroken = () => {
      if (set.remove(idle)) this.#fill(set);
    };
  }

  async #cancel(upstream: Upstream): Promise<void> {
    try {
      // Not bound to our own stopping: a shutdown ends sessions, and what they run should end with them.
      await sendCancel(this.#options.target, upstream, new AbortController().signal);
    } catch (thrown) {
      this.#options.log.warn('a cancel did not reach the database', { why: wordsOf(thrown) });
    }
  }

  // ---- opening

  async #makeRoom(): Promise<void> {
    const { max } = this.#options;
    while (this.#lent + this.#opening + this.#idleCount() >= max) {
      const [spare] = this.#firstWithIdle()?.takeOut((_, index) => index === 0) ?? [];
      if (spare !== undefined) spare.link.close();
      else if (this.#comings.size > 0) await Promise.race(this.#comings);
      else {
        throw new ProxyError('TOO_MANY_CONNECTIONS', `all ${max} connections to the database are taken`, {
          hint: 'Close connections that are no longer used, or raise limits.connections.',
        });
      }
    }
  }

  /** The set that was asked for longest ago. */
  #firstWithIdle(): PoolSet | undefined {
    return [...this.#sets.values()].find((set) => set.idle.length > 0);
  }

  async #open(parameters: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Upstream> {
    this.#opening += 1;
    try {
      return await this.#connect(parameters, signal);
    } finally {
      this.#opening -= 1;
    }
  }

  #connect(parameters: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Upstream> {
    return connectUpstream({ target: this.#options.target, parameters }, signal);
  }

  /** Brings a set up to `warm`, aside. A set that was asked for once may never be again: names with a process id in them. */
  #fill(set: PoolSet): void {
    if (set.uses < 2 || set.retry !== undefined || !this.#isKnown(set)) return;
    while (set.idle.length + set.filling < this.#options.warm && this.#hasRoom()) {
      set.filling += 1;
      this.#opening += 1;
      this.#awaitComing(this.#fillOne(set));
    }
  }

  #hasRoom(): boolean {
    const isUnderMax = this.#lent + this.#opening + this.#idleCount() < this.#options.max;
    return isUnderMax && this.#idleCount() + this.#opening < this.#idleMax && !this.#stopping.signal.aborted;
  }

  async #fillOne(set: PoolSet): Promise<void> {
    try {
      const upstream = await this.#connect(set.parameters, this.#stopping.signal);
      const link = new IdleLink(upstream.socket);
      const baseline = { fingerprint: await fingerprint(link), parameters: upstream.parameters };
      this.#filled(set);
      set.failures = 0;
      // The server's own settings changed: those that were opened before are no longer like new.
      const isNews = set.baseline !== undefined && set.baseline.fingerprint !== baseline.fingerprint;
      if (isNews) for (const idle of set.takeOut(() => true)) idle.link.close();
      set.baseline = baseline;
      if (this.#isKnown(set)) this.#keep(upstream, link, set, this.#now());
      else link.close();
      if (isNews) this.#fill(set);
    } catch (thrown) {
      this.#filled(set);
      this.#fillLater(set, thrown);
    }
  }

  #filled(set: PoolSet): void {
    set.filling -= 1;
    this.#opening -= 1;
  }

  #fillLater(set: PoolSet, thrown: unknown): void {
    if (this.#stopping.signal.aborted || set.retry !== undefined) return;
    const ms = Math.min(backOff.firstMs * 2 ** set.failures, backOff.lastMs);
    if (set.failures === 0) this.#options.log.warn('no connection to keep warm', { why: wordsOf(thrown) });
    set.failures += 1;
    // Half of it at random, so that many proxies do not knock together when the database comes back.
    const timer = setTimeout(
      () => {
        set.retry = undefined;
        this.#fill(set);
      },
      ms / 2 + (ms / 2) * Math.random(),
    );
    timer.unref();
    set.retry = timer;
  }

  /** Lets what nobody used for long go, and replaces what grew old. */
  #sweep(): void {
    const now = this.#now();
    const { warm, idleMsMax = 60_000, lifetimeMsMax = 1_800_000 } = this.#options;
    for (const [key, set] of this.#sets) {
      if (now - set.usedAt > setForgottenMs) {
        this.#forget(key, set);
        continue;
      }
      const surplus = set.idle.length - warm;
      const out = set.takeOut(
        (idle, index) =>
          now - idle.bornAt > lifetimeMsMax ||
          !idle.link.usable ||
          (index < surplus && now - idle.idleSince > idleMsMax),
      );
      for (const idle of out) idle.link.close();
      this.#fill(set);
    }
  }

  #awaitComing(work: Promise<void>): void {
    const coming = work.finally(() => this.#comings.delete(coming));
    this.#comings.add(coming);
    this.#run(coming);
  }

  /** Work that runs aside: it handles its own failures, and drain waits for it. */
  #run(work: Promise<void>): void {
    const task = work.finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}

/** What a session is told at its start: a used connection reports what a fresh one did, and what changed while it waited. */
function reported(set: PoolSet, idle: Idle): ReadonlyMap<string, string> {
  return new Map([...(set.baseline?.parameters ?? idle.upstream.parameters), ...idle.link.parameters]);
}

function stopping(): ProxyError {
  return new ProxyError('SHUTTING_DOWN', 'the proxy is being stopped', { hint: 'Connect again later.' });
}
