// Counting in one session: what each execution begins with.
import type { Clock } from '../core/clock.ts';
import type { Execution } from '../gate-data.ts';
import { allClaims, budgetClaims, type BudgetClaim } from '../policy/budget.ts';
import type { Purses } from '../policy/budget-purse.ts';
import type { Classification } from '../policy/classification.ts';
import type { MaskedRead } from '../policy/masking.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { ReadText } from '../sql/reading.ts';
import { bindFormats } from './bind-formats.ts';
import { CursorCount, CursorCounts, cursorsOf } from './cursor-counts.ts';
import { MaskedResult } from './mask-result.ts';
import type { RowAsking } from './rows-asking.ts';
import { BudgetTap } from './rows-budget.ts';
import { RunRows, type Counted } from './rows-run.ts';
import { FixedBound, RowMeter } from './rows.ts';
import type { Passed, Running } from './run.ts';

export interface RowDeskParts {
  readonly asking: RowAsking;
  readonly classification: () => Classification;
  readonly purses: Purses;
  readonly clock: Clock;
  /** 32 bytes for a database's hashes: the same for all sessions and proxies of the house; undefined: not known yet. */
  readonly maskKey: (database: string) => Buffer | undefined;
}

export class RowDesk {
  readonly #parts: RowDeskParts;
  /** Verdicts are remembered, so what follows from one is too. */
  #claims = new WeakMap<Verdict, ReadonlyMap<string, readonly BudgetClaim[]>>();

  constructor(parts: RowDeskParts) {
    this.#parts = parts;
  }

  /** What is in force now. */
  get classification(): () => Classification {
    return this.#parts.classification;
  }

  session(): SessionRows {
    return new SessionRows(this.#parts, (verdict, agent, masks) => this.#claimsOf(verdict, agent, masks));
  }

  #claimsOf(verdict: Verdict, agent: string, masks: readonly MaskedRead[]): readonly BudgetClaim[] {
    const classification = this.#parts.classification();
    if (classification.policy.budgets.length === 0) return none;
    const key = `${agent}\0${classification.catalog.version}`;
    const before = this.#claims.get(verdict)?.get(key);
    if (before !== undefined) return before;
    const isMasked = (column: Verdict['columns'][number]): boolean =>
      masks.some((mask) => isSame(mask.column, column.column));
    const levels = verdict.columns.filter((column) => !isMasked(column)).map((column) => column.level);
    const claims = isKnown(verdict) ? budgetClaims(classification, agent, levels) : allClaims(classification, agent);
    this.#claims.set(verdict, new Map([[key, claims]]));
    return claims;
  }
}

/** People have let it through without knowing what it reads, so its rows may be of any level: each of the agent's budgets pays for them. */
const isKnown = ({ reasons }: Verdict): boolean => reasons.every(({ action }) => action !== 'notKnown');

type ClaimsOf = (verdict: Verdict, agent: string, masks: readonly MaskedRead[]) => readonly BudgetClaim[];

const none: readonly BudgetClaim[] = [];

function isSame(a: MaskedRead['column'], b: MaskedRead['column']): boolean {
  return a.column === b.column && a.relation.name === b.relation.name && a.relation.schema === b.relation.schema;
}

type Begun = Pick<Running, 'rows' | 'onFirstEnd'>;

interface Counting {
  readonly count: CursorCount;
  readonly claims: readonly BudgetClaim[];
  readonly allowed: number | undefined;
}

export class SessionRows {
  readonly #parts: RowDeskParts;
  readonly #claimsOf: ClaimsOf;
  readonly #cursors = new CursorCounts();
  readonly #told = new Set<string>();

  constructor(parts: RowDeskParts, claimsOf: ClaimsOf) {
    this.#parts = parts;
    this.#claimsOf = claimsOf;
  }

  /** `onEnd`: whoever else wants to know how it went. */
  begin(execution: Execution, passed: Passed, onEnd: Running['onFirstEnd']): Begun {
    const { verdict, text, terms } = passed;
    if (verdict === undefined || text === undefined) return { rows: undefined, onFirstEnd: onEnd };
    const cursors = cursorsOf(text);
    let count: CursorCount | undefined;
    const ended = (how: 'done' | 'failed'): void => {
      if (cursors !== undefined) this.#cursors.ended(cursors, how, count);
      onEnd?.(how);
    };
    const onFirstEnd = cursors === undefined ? onEnd : ended;
    const masks = verdict.masks ?? [];
    const claims = this.#claimsOf(verdict, execution.agent, masks);
    const allowed = terms === undefined || terms.kind === 'once' ? undefined : terms.rowsMax;
    if (allowed === undefined && verdict.rowsMax === undefined && claims.length === 0 && masks.length === 0) {
      return { rows: undefined, onFirstEnd };
    }
    const counted = (): Counted => {
      count = cursors === undefined ? new CursorCount() : this.#cursors.of(cursors);
      return this.#counted(passed, { count, claims, allowed });
    };
    const masked = masks.length === 0 ? undefined : this.#masked(execution, text, masks);
    const folds = text.statements.some((one) => one.analysis.folds === true);
    const { asking } = this.#parts;
    return { rows: new RunRows({ execution, passed, asking, counted, masked, folds, told: this.#told }), onFirstEnd };
  }

  #counted(passed: Passed, { count, claims, allowed }: Counting): Counted {
    const { purses, clock } = this.#parts;
    // A number that people named is the bound; they are not asked again below it.
    const hard = allowed === undefined ? undefined : count.hard(passed.by?.hold.id, allowed);
    const soft = hard === undefined ? count.soft(() => softOf(passed)) : undefined;
    const taps = claims.map((claim) => new BudgetTap(claim, purses.of(claim), clock));
    const bounds = [soft, hard, ...taps].filter((bound) => bound !== undefined);
    return { meter: new RowMeter(bounds, count.sent), soft, taps };
  }

  #masked(execution: Execution, text: ReadText, masks: readonly MaskedRead[]): MaskedResult {
    return new MaskedResult({
      statements: text.statements.map((one) => one.analysis),
      index: text.index,
      masks,
      key: this.#parts.maskKey(execution.asker().database),
      formats: execution.parameters === undefined ? undefined : bindFormats(execution.parameters),
    });
  }
}

/** The planner is right about the order of magnitude. */
const expectedBy = 2;

/** People who said yes to a large result have seen how large; they are asked again only when it turns out to be more. */
function softOf({ terms, text, verdict }: Passed): FixedBound | undefined {
  if (verdict?.rowsMax === undefined) return undefined;
  const isApproved = terms !== undefined && verdict.reasons.some((reason) => reason.action === 'large');
  const expected = isApproved && text?.estimate?.known === true ? text.estimate.value : 0;
  return new FixedBound('rows of a level', Math.max(verdict.rowsMax, Math.ceil(expectedBy * expected)));
}
