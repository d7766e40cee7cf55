// What people see and do: holds found, listed and watched, and their votes counted. It knows persons and views, and no channel.
import type { HoldId } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Store } from '../store/store.ts';
import { isEnough, standingOf, withVouched, type Crowd } from './approvers.ts';
import type { HoldFilter, VoteResult } from './channel.ts';
import { idOfKey, keys } from './documents.ts';
import type { CastVote, HeldFacts, HoldLife, Vote } from './hold.ts';
import { votesInForce, withVote } from './hold-state.ts';
import type { Holds } from './holds.ts';
import { Passkeys } from './passkeys.ts';
import { isStrongEnough, stepUpOf, stepUpTrouble, type StepUpNeed } from './step-up.ts';
import { termsTrouble } from './terms.ts';
import type { HoldView } from './view.ts';
import { offersOf, viewOf } from './view-of.ts';

export interface BoardParts {
  readonly store: Store;
  readonly holds: Holds;
  readonly clock: Clock;
  readonly log: Log;
  /** The files in force. */
  readonly catalog: () => Pick<Catalog, 'approvers' | 'groups' | 'levelByName'>;
  /** The owner that the config names for an agent now. */
  readonly ownerOf: (agent: string) => string | undefined;
}

const limitUsual = 100;
const limitMax = 1_000;
/** So many are looked through for a list of settled ones; older ones are found in the audit record. */
const scanMax = 5_000;
const reasonCharactersMax = 1_000;
/** Votes may be changed, but each change is a record and makes the hold longer. */
const votesMax = 200;

export class Board {
  readonly #parts: BoardParts;
  readonly #watchers = new Set<(hold: HoldView) => void>();
  readonly #toTell = new Set<HoldId>();
  readonly #passkeys: Passkeys;

  constructor(parts: BoardParts) {
    this.#parts = parts;
    this.#passkeys = new Passkeys(parts.store);
  }

  view(facts: HeldFacts, life: HoldLife): HoldView {
    const { clock, catalog } = this.#parts;
    return viewOf(facts, life, {
      now: clock.now(),
      crowd: this.#crowdOf(facts, life.votes),
      levels: catalog().levelByName,
    });
  }

  async find(id: HoldId): Promise<HoldView | undefined> {
    const { holds } = this.#parts;
    const [facts, stored] = await Promise.all([holds.facts(id), holds.read(id)]);
    return facts === undefined || stored === undefined ? undefined : this.view(facts, stored.life);
  }

  async list(filter: HoldFilter = {}): Promise<readonly HoldView[]> {
    const { state, agent, limit = limitUsual } = filter;
    const isMeant = (hold: HoldView): boolean =>
      (state === undefined || hold.state === state) && (agent === undefined || hold.agent === agent);
    const openOnly = agent === undefined ? keys.openAll : keys.open(agent, '');
    const all = agent === undefined ? keys.recentAll : keys.recentOfAll(agent);
    const prefix = state === 'open' ? openOnly : all;
    const found: HoldView[] = [];
    const most = Math.min(limit, limitMax);
    let after: string | undefined;
    for (let scanned = 0; scanned < scanMax;) {
      const page = await this.#parts.store.list(prefix, 200, after);
      const views = await Promise.all(page.map(({ key }) => this.find(idOfKey(key))));
      for (const view of views) if (view !== undefined && isMeant(view)) found.push(view);
      after = page.at(-1)?.key;
      scanned += page.length;
      // What is open stands in no order of time: all of it is looked at before the newest are taken.
      if (after === undefined || page.length < 200 || (state !== 'open' && found.length >= most)) break;
    }
    return found.sort((a, b) => b.askedAt - a.askedAt).slice(0, most);
  }

  async vote(id: HoldId, vote: Vote): Promise<VoteResult> {
    const { holds } = this.#parts;
    return holds.alone(id, async () => {
      const facts = await holds.facts(id);
      if (facts === undefined) return { kind: 'notFound' };
      const asking = [{ ...vote, at: this.#parts.clock.now() }];
      const standing = standingOf(vote.person, facts.needs, this.#crowdOf(facts, asking));
      if (standing.kind === 'none') return { kind: 'forbidden', words: standing.words };
      const trouble = troubleOf(vote, facts);
      if (trouble !== undefined) return { kind: 'invalid', words: trouble };
      const need = stepUpOf(facts, this.#parts.catalog().levelByName);
      const missing = await stepUpTrouble(facts, vote, { need, passkeys: this.#passkeys });
      if (missing !== undefined) return { kind: 'forbidden', words: missing };
      return this.#cast(facts, vote, need);
    });
  }

  async #cast(facts: HeldFacts, vote: Vote, need: StepUpNeed): Promise<VoteResult> {
    const { holds, clock } = this.#parts;
    const reason = vote.reason?.trim().slice(0, reasonCharactersMax);
    let wasSettled = false;
    const life = await holds.move(facts.id, (before) => {
      const cast: CastVote = { ...vote, reason: reason === '' ? undefined : reason, at: clock.now() };
      const votes = [...before.votes, cast];
      const enough = (people: readonly string[]): boolean =>
        isEnough(facts.needs, this.#crowdOf(facts, votesInForce(votes)), people.filter(strongEnough(votes, need)));
      wasSettled = false;
      if (before.settled === undefined && isRepeated(before, cast)) return 'stay';
      if (before.votes.length >= votesMax) throw new ProxyError('RATE_LIMITED', 'this hold has too many votes already');
      const next = withVote(before, { vote: cast, enough });
      wasSettled = next === 'settled';
      return next === 'settled' ? 'stay' : next;
    });
    if (life === undefined) return { kind: 'notFound' };
    return { kind: wasSettled ? 'settled' : 'counted', hold: this.view(facts, life) };
  }

  /** Whether these people are still enough, by the files in force: an approval does not outlive those who gave it. */
  stands(facts: HeldFacts, by: readonly string[], votes: readonly CastVote[]): boolean {
    return isEnough(facts.needs, this.#crowdOf(facts, votesInForce(votes)), by);
  }

  watch(each: (hold: HoldView) => void): () => void {
    this.#watchers.add(each);
    return () => this.#watchers.delete(each);
  }

  /** In a later turn; several changes of one hold at once are told once. */
  tell(id: HoldId): void {
    if (this.#watchers.size === 0 || this.#toTell.has(id)) return;
    this.#toTell.add(id);
    setImmediate(() => {
      this.#toTell.delete(id);
      void this.#tell(id);
    });
  }

  async #tell(id: HoldId): Promise<void> {
    try {
      const hold = await this.find(id);
      if (hold === undefined) return;
      for (const each of [...this.#watchers]) each(hold);
    } catch (error) {
      // The next round tells it again.
      this.#parts.log.warn('a change of a hold could not be told', { hold: id, error });
    }
  }

  #crowdOf({ asker }: HeldFacts, votes: readonly CastVote[]): Crowd {
    const { clock, catalog, ownerOf } = this.#parts;
    const owner = ownerOf(asker.agent);
    const people = withVouched(catalog(), votes, clock.now());
    return { people, owners: owner === undefined ? [asker.owner] : [asker.owner, owner] };
  }
}

const strongEnough =
  (votes: readonly CastVote[], need: StepUpNeed) =>
  (person: string): boolean =>
    isStrongEnough(
      votes.findLast((vote) => vote.person === person),
      need,
    );

/** A click that is delivered twice is one vote. */
function isRepeated(life: HoldLife, cast: CastVote): boolean {
  const last = life.votes.findLast(({ person }) => person === cast.person);
  if (last === undefined) return false;
  const bare = ({ vote, reason, terms, castAt, passkey, vouched }: CastVote): string =>
    JSON.stringify([vote, reason, terms, castAt, passkey === undefined, vouched]);
  return bare(last) === bare(cast);
}

function troubleOf(vote: Vote, facts: HeldFacts): string | undefined {
  if (vote.vote === 'deny') {
    const isEmpty = vote.reason === undefined || vote.reason.trim() === '';
    return isEmpty ? 'a denial needs a reason: the agent gets it, and can do better with it' : undefined;
  }
  return vote.terms === undefined ? undefined : termsTrouble(vote.terms, offersOf(facts));
}

export function isHoldId(text: string): text is HoldId {
  return /^h_[0-9A-Za-z]{20}$/.test(text);
}
