// Counting in one session: what each execution begins with. A cursor that SQL declared is read by many executions, and they count as
// one: reading it a hundred rows at a time is no way around a bound.
import type { Clock } from '../core/clock.ts';
import type { Execution } from '../gate-data.ts';
import { budgetClaims, type BudgetClaim } from '../policy/budget.ts';
import type { Purses } from '../policy/budget-purse.ts';
import type { Classification } from '../policy/classification.ts';
import type { MaskedRead } from '../policy/masking.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { ReadText } from '../sql/reading.ts';
import { bindFormats } from './bind-formats.ts';
import { MaskedResult } from './mask-result.ts';
import type { RowAsking } from './rows-asking.ts';
import { BudgetTap } from './rows-budget.ts';
import { RunRows } from './rows-run.ts';
import { FixedBound, RowMeter, type Amount } from './rows.ts';
import type { Passed } from './run.ts';

export interface RowDeskParts {
  readonly asking: RowAsking;
  readonly classification: () => Classification;
  readonly purses: Purses;
  readonly clock: Clock;
  /** 32 bytes for a database's hashes: the same for all sessions and proxies of the house; undefined: not known yet. */
  readonly maskKey: (database: string) => Buffer | undefined;
}

/** What a cursor's executions share. */
interface CursorCount {
  readonly soft: FixedBound | undefined;
  readonly meter: RowMeter;
  /** What was approved for the cursor as a whole, and by which hold. */
  readonly hard: FixedBound | undefined;
  readonly hold: string | undefined;
}

/** Names come from the agent; the oldest count goes when there are more. */
const cursorsMax = 1000;

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
    const claims = budgetClaims(classification, agent, levels);
    this.#claims.set(verdict, new Map([[key, claims]]));
    return claims;
  }
}

type ClaimsOf = (verdict: Verdict, agent: string, masks: readonly MaskedRead[]) => readonly BudgetClaim[];

const none: readonly BudgetClaim[] = [];

function isSame(a: MaskedRead['column'], b: MaskedRead['column']): boolean {
  return a.column === b.column && a.relation.name === b.relation.name && a.relation.schema === b.relation.schema;
}

export class SessionRows {
  readonly #parts: RowDeskParts;
  readonly #claimsOf: ClaimsOf;
  readonly #cursors = new Map<string, CursorCount>();
  readonly #told = new Set<string>();

  constructor(parts: RowDeskParts, claimsOf: ClaimsOf) {
    this.#parts = parts;
    this.#claimsOf = claimsOf;
  }

  /** Undefined: nothing about its rows is of interest. */
  begin(execution: Execution, passed: Passed): RunRows | undefined {
    const { verdict, text, terms } = passed;
    if (verdict === undefined || text === undefined) return undefined;
    const masks = verdict.masks ?? [];
    const claims = this.#claimsOf(verdict, execution.agent, masks);
    const declared = text.effects.length > 0 ? this.#forgetCursors(text) : false;
    const allowed = terms === undefined || terms.kind === 'once' ? undefined : terms.rowsMax;
    if (allowed === undefined && verdict.rowsMax === undefined && claims.length === 0 && masks.length === 0) {
      return undefined;
    }
    const cursor = declared ? undefined : cursorOf(text);
    const before = cursor === undefined ? undefined : this.#cursors.get(cursor);
    const sent: Amount = before === undefined ? nothing : { rows: before.meter.rows, bytes: before.meter.bytes };
    // A number that people named is the bound; they are not asked again below it.
    const hold = passed.by?.hold.id;
    const hard = allowed === undefined ? undefined : this.#hardOf(before, hold, sent.rows + allowed);
    const soft = hard === undefined ? (before?.soft ?? softOf(passed, verdict)) : undefined;
    const { purses, clock, asking } = this.#parts;
    const taps = claims.map((claim) => new BudgetTap(claim, purses.of(claim), clock, sent));
    const meter = new RowMeter(
      [soft, hard, ...taps].filter((bound) => bound !== undefined),
      sent,
    );
    if (cursor !== undefined) this.#keepCursor(cursor, { soft, meter, hard, hold });
    const masked = masks.length === 0 ? undefined : this.#masked(execution, text, masks);
    const folds = text.statements.some((one) => one.analysis.folds === true);
    return new RunRows({ execution, passed, asking, meter, soft, hard, taps, masked, folds, told: this.#told });
  }

  /** One yes for a cursor is one number for all that is fetched from it. */
  #hardOf(before: CursorCount | undefined, hold: string | undefined, rowsMax: number): FixedBound {
    const same = hold !== undefined && before?.hold === hold ? before.hard : undefined;
    return same ?? new FixedBound('what was approved', rowsMax);
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

  /** Names are given anew, or all are gone. */
  #forgetCursors(text: ReadText): boolean {
    let some = false;
    for (const effect of text.effects) {
      if (effect.kind === 'declareCursor') this.#cursors.delete(effect.name);
      else if (effect.kind === 'discard' && effect.what === 'all') this.#cursors.clear();
      else continue;
      some = true;
    }
    return some;
  }

  #keepCursor(name: string, count: CursorCount): void {
    this.#cursors.delete(name);
    this.#cursors.set(name, count);
    if (this.#cursors.size <= cursorsMax) return;
    const [oldest] = this.#cursors.keys();
    if (oldest !== undefined) this.#cursors.delete(oldest);
  }
}

const nothing: Amount = { rows: 0, bytes: 0 };

/** The planner is right about the order of magnitude. */
const expectedBy = 2;

/** People who said yes to a large result have seen how large; they are asked again only when it turns out to be more. */
function softOf({ terms, text }: Passed, verdict: Verdict): FixedBound | undefined {
  if (verdict.rowsMax === undefined) return undefined;
  const isApproved = terms !== undefined && verdict.reasons.some((reason) => reason.action === 'large');
  const expected = isApproved && text?.estimate?.known === true ? text.estimate.value : 0;
  return new FixedBound('rows of a level', Math.max(verdict.rowsMax, Math.ceil(expectedBy * expected)));
}

/** One FETCH by itself; several in one text count as one result anyway. */
function cursorOf(text: ReadText): string | undefined {
  const [only, ...more] = text.statements.flatMap((one) => one.refersTo);
  return only?.kind === 'cursor' && more.length === 0 ? only.name : undefined;
}
