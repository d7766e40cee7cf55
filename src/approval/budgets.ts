// Budgets as people and agents see them, and more rows for one of them: a decision by those who may decide about its levels, never by
// the agent's owner, on the record before the counter moves. How rows are counted is in policy/budget-purse.ts.
import { createHash } from 'node:crypto';
import type { HoldId, NonEmpty } from '../core/brand.ts';
import { isNonEmpty } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Place } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import type { Recorder } from '../audit/recorder.ts';
import type { Level } from '../catalog/catalog.ts';
import { allClaims, budgetClaims, type BudgetClaim } from '../policy/budget.ts';
import type { BudgetStanding, Purses } from '../policy/budget-purse.ts';
import type { Classification } from '../policy/classification.ts';
import type { Need } from '../policy/verdict.ts';
import type { Store } from '../store/store.ts';
import { approversOf, isEnough, standingOf, type Crowd } from './approvers.ts';
import { pendingKey, pendingOf, pendingText, togetherRows, type PendingTopUp } from './budget-pending.ts';
import type { HeldFacts } from './hold.ts';
import { countText, termsLimits } from './terms.ts';

/** One budget of one agent as it stands now. */
export interface BudgetView {
  /** As in the file: `confidential+`. */
  readonly level: string;
  /** The window: `1d`. */
  readonly per: string;
  /** With what people added in this window. */
  readonly rowsMax: number;
  readonly used: number;
  readonly left: number;
  /** What people added. */
  readonly added: number;
  /** Its line in policy.yaml. */
  readonly place: Place;
  /** May let the agent have more, by name. */
  readonly approvers: readonly string[];
}

export interface TopUp {
  readonly agent: string;
  readonly level: string;
  readonly per: string;
  readonly rows: number;
  readonly person: string;
  /** For people and the record; nothing branches on it. */
  readonly channel: string;
  /** Said in the console, where levels with `step_up: console` are decided. */
  readonly castAt?: 'console';
  readonly reason: string | undefined;
  /** On whose card: its people decide. Without one, those of every level that the budget counts. */
  readonly hold: HoldId | undefined;
  /** The same asked twice (a click delivered again) is one; undefined: each is for itself. */
  readonly request: string | undefined;
}

export type TopUpResult =
  | { readonly kind: 'added'; readonly rows: number; readonly budget: BudgetView; readonly by: readonly string[] }
  /** More people have to say so as well, within an hour. */
  | { readonly kind: 'waiting'; readonly rows: number; readonly budget: BudgetView; readonly by: readonly string[] }
  | { readonly kind: 'forbidden'; readonly words: string }
  | { readonly kind: 'notFound'; readonly words: string }
  | { readonly kind: 'invalid'; readonly words: string };

/** What channels see of budgets. Throws UNAVAILABLE when state or record is away. */
export interface BudgetBook {
  /** In the order of the files. `hold`: those that its statement draws on. Empty: nothing bounds this agent, or the hold is not open. */
  of(agent: string, hold?: HoldId): Promise<readonly BudgetView[]>;
  topUp(asked: TopUp): Promise<TopUpResult>;
}

export interface BudgetDeskParts {
  readonly classification: () => Classification;
  readonly purses: Pick<Purses, 'standings' | 'of'>;
  readonly store: Pick<Store, 'read' | 'change'>;
  readonly recorder: Pick<Recorder, 'recordDurably'>;
  readonly clock: Clock;
  /** Undefined: no such agent. */
  readonly ownerOf: (agent: string) => string | undefined;
  /** Of a hold that is open: with a card that is settled its people have nothing to decide any more. */
  readonly holdFacts: (id: HoldId) => Promise<HeldFacts | undefined>;
}

const triesMax = 20;
const reasonCharactersMax = 1_000;

export class BudgetDesk implements BudgetBook {
  readonly #parts: BudgetDeskParts;

  constructor(parts: BudgetDeskParts) {
    this.#parts = parts;
  }

  async of(agent: string, hold?: HoldId): Promise<readonly BudgetView[]> {
    const { classification, purses, holdFacts } = this.#parts;
    const facts = hold === undefined ? undefined : await holdFacts(hold);
    const claims = hold === undefined ? allClaims(classification(), agent) : this.#claimsOf(agent, facts);
    const standings = claims.length === 0 ? [] : await purses.standings(claims);
    return standings.map((standing) => this.#view(standing));
  }

  /** For the card of a statement that reads these levels. */
  async lines(agent: string, levels: Iterable<string>): Promise<readonly string[]> {
    const claims = budgetClaims(this.#parts.classification(), agent, levels);
    const standings = claims.length === 0 ? [] : await this.#parts.purses.standings(claims);
    return standings.map((standing) => budgetLine(this.#view(standing)));
  }

  async topUp(asked: TopUp): Promise<TopUpResult> {
    const owner = this.#parts.ownerOf(asked.agent);
    const claims = owner === undefined ? [] : allClaims(this.#parts.classification(), asked.agent);
    const claim = claims.find(({ level, per }) => level === asked.level && per === asked.per);
    if (owner === undefined || claim === undefined) {
      return { kind: 'notFound', words: `${visible(asked.agent, 63)} has no budget of this level and window` };
    }
    if (!Number.isSafeInteger(asked.rows) || asked.rows < 1 || asked.rows > termsLimits.rowsMax) {
      return { kind: 'invalid', words: `rows must be 1 to ${termsLimits.rowsMax}` };
    }
    const facts = asked.hold === undefined ? undefined : await this.#parts.holdFacts(asked.hold);
    // Whoever is asked about one level would else decide about another one's budget, with any card of this agent.
    if (asked.hold !== undefined && !this.#claimsOf(asked.agent, facts).some(({ key }) => key === claim.key)) {
      return { kind: 'notFound', words: 'no open hold of this agent draws on this budget under that id' };
    }
    const needs = facts?.needs ?? this.#needsOf(claim);
    const crowd = this.#crowdOf(facts === undefined ? [owner] : [owner, facts.asker.owner]);
    const standing = standingOf(asked.person, needs, crowd);
    if (standing.kind === 'none')
      return { kind: 'forbidden', words: standing.words.replace('this hold', 'this budget') };
    const elsewhere = this.#elsewhere(claim, asked.castAt);
    if (elsewhere !== undefined) return { kind: 'forbidden', words: elsewhere };
    return this.#count(asked, { claim, owner, needs, crowd });
  }

  /** What the statement of this agent's card draws on, as it is judged now. */
  #claimsOf(agent: string, facts: HeldFacts | undefined): readonly BudgetClaim[] {
    if (facts?.asker.agent !== agent) return [];
    return budgetClaims(
      this.#parts.classification(),
      agent,
      facts.columns.map(({ level }) => level),
    );
  }

  /** Together with what others have said already: enough of them, or one more. */
  async #count(
    asked: TopUp,
    of: {
      readonly claim: BudgetClaim;
      readonly owner: string;
      readonly needs: readonly Need[];
      readonly crowd: Crowd;
    },
  ): Promise<TopUpResult> {
    const { store, clock, recorder, purses } = this.#parts;
    const key = pendingKey(of.claim.key, asked.hold);
    for (let tries = 0; tries < triesMax; tries++) {
      const stored = await store.read(key);
      const before = pendingOf(stored?.value);
      const pending: PendingTopUp = [
        ...before.filter(({ person }) => person !== asked.person),
        { person: asked.person, rows: asked.rows },
      ];
      const by = pending.map(({ person }) => person);
      const enough = isEnough(of.needs, of.crowd, by);
      const value = enough ? undefined : pendingText(pending);
      const changes: NonEmpty<Parameters<Store['change']>[0][number]> = [
        { key, expect: stored?.version ?? 'absent', value, expiresAt: clock.now() + pendingMs },
        ...onceOnly(asked.request, enough ? 'added' : 'waiting', clock.now()),
      ];
      if ((await store.change(changes)) === 'conflict') {
        const came = await this.#cameOf(asked.request);
        if (came === undefined) continue;
        return this.#result(came, of.claim, asked.rows, [asked.person]);
      }
      // The least of what they said, and only of those who count.
      const counted = pending.filter(({ person }) => standingOf(person, of.needs, of.crowd).kind === 'approver');
      const rows = enough ? togetherRows(counted) : asked.rows;
      const who = enough ? counted.map(({ person }) => person) : [asked.person];
      // Evidence first: no record, no rows.
      await recorder.recordDurably(bodyOf(asked, of, { state: enough ? 'approved' : 'asked', rows, by: who }));
      if (enough) await purses.of(of.claim).topUp(rows);
      return this.#result(enough ? 'added' : 'waiting', of.claim, rows, who);
    }
    throw new ProxyError('UNAVAILABLE', 'this budget is changed too often at once; try again');
  }

  /** Of the same request sent before. */
  async #cameOf(request: string | undefined): Promise<'added' | 'waiting' | undefined> {
    const before = request === undefined ? undefined : await this.#parts.store.read(requestKey(request));
    return before === undefined ? undefined : before.value === 'added' ? 'added' : 'waiting';
  }

  async #result(
    kind: 'added' | 'waiting',
    claim: BudgetClaim,
    rows: number,
    by: readonly string[],
  ): Promise<TopUpResult> {
    const [standing] = await this.#parts.purses.standings([claim]);
    if (standing === undefined) throw new Error('a budget without a standing');
    return { kind, rows, by, budget: this.#view(standing) };
  }

  #view({ claim, rowsMax, used }: BudgetStanding): BudgetView {
    const { level, per, place, agent } = claim;
    const owner = this.#parts.ownerOf(agent);
    const crowd = this.#crowdOf(owner === undefined ? [] : [owner]);
    const names = this.#needsOf(claim).flatMap((need) => approversOf(need, crowd).map(({ name }) => name));
    const [left, added] = [Math.max(0, rowsMax - used), rowsMax - claim.rowsMax];
    return { level, per, rowsMax, used, left, added, place, approvers: [...new Set(names)].sort() };
  }

  /** The people of every level that the budget counts; where none of them names any, those of the strictest that does. */
  #needsOf(claim: BudgetClaim): readonly Need[] {
    const asking = this.#levelsOf(claim).filter((level) => level.approvers.length > 0);
    const { levels } = this.#parts.classification().catalog;
    const strictest = levels.findLast((level) => level.approvers.length > 0);
    const asked = asking.length > 0 || strictest === undefined ? asking : [strictest];
    return asked.flatMap(({ approvers, quorum }) => {
      const groups = [...new Set(approvers)].sort();
      return isNonEmpty(groups) ? [{ groups, quorum }] : [];
    });
  }

  #levelsOf({ place }: BudgetClaim): readonly Level[] {
    const { policy, catalog } = this.#parts.classification();
    const budget = policy.budgets.find((each) => each.place === place);
    if (budget === undefined) return [];
    return catalog.levels.filter(({ rank }) => rank >= budget.rankFrom && rank <= budget.rankTo);
  }

  /** Where a yes takes a passkey, a form without one must not be the way around it: the card that asks to go on is approved instead. */
  #elsewhere(claim: BudgetClaim, castAt: TopUp['castAt']): string | undefined {
    const levels = this.#levelsOf(claim);
    const signed = levels.find(({ stepUp }) => stepUp === 'passkey');
    if (signed !== undefined) {
      return `rows of level ${signed.name} take a passkey: approve the hold that asks to go on at the end of the budget`;
    }
    const level = levels.find(({ stepUp }) => stepUp === 'console');
    if (level === undefined || castAt === 'console') return undefined;
    return `rows of level ${level.name} are decided about in the console only`;
  }

  #crowdOf(owners: readonly string[]): Crowd {
    return { people: this.#parts.classification().catalog, owners };
  }
}

const pendingMs = 60 * 60 * 1000;
const requestMs = 24 * 60 * 60 * 1000;

const requestKey = (request: string): string =>
  `topped/${createHash('sha256').update(request).digest('base64url').slice(0, 32)}`;

function onceOnly(
  request: string | undefined,
  came: 'added' | 'waiting',
  now: number,
): readonly Parameters<Store['change']>[0][number][] {
  if (request === undefined) return [];
  return [{ key: requestKey(request), expect: 'absent', value: came, expiresAt: now + requestMs }];
}

function bodyOf(
  { agent, level, per, channel, hold, reason }: TopUp,
  { owner }: { readonly owner: string },
  so: { readonly state: 'asked' | 'approved'; readonly rows: number; readonly by: readonly string[] },
): Parameters<Recorder['recordDurably']>[0] {
  const words = reason?.trim() ?? '';
  return {
    kind: 'budget',
    ...{ state: so.state, agent, owner, level, per, rows: so.rows, by: so.by, channel },
    ...(hold === undefined ? {} : { hold }),
    ...(words === '' ? {} : { reason: visible(words, reasonCharactersMax) }),
  };
}

/** A budget as a line of a card: `confidential+: 120 of 500 rows used in 1d, 380 left`. */
export function budgetLine({ level, per, used, rowsMax, left }: Omit<BudgetView, 'place' | 'approvers'>): string {
  const shown = (count: number): string => count.toLocaleString('en-US');
  return `${level}: ${shown(used)} of ${countText(rowsMax, 'row')} used in ${per}, ${shown(left)} left`;
}

/** What came of it, in one sentence. */
export function topUpText(result: TopUpResult, agent: string): string {
  switch (result.kind) {
    case 'added':
      return `${agent} may read ${countText(result.rows, 'row')} more; by ${result.by.join(' and ')}. Now ${budgetLine(result.budget)}.`;
    case 'waiting':
      return `Counted: ${countText(result.rows, 'row')} more for ${agent}, when the others who have to agree say so within an hour.`;
    case 'forbidden':
    case 'notFound':
    case 'invalid':
      return result.words;
  }
}
