// What judging looks at: the statement's facts in the policy's words, each column with its level. Made once per statement, so
// that conditions are look-ups.
import type { Known } from '../core/known.ts';
import { functionWordOf, levelOfRead, levelOfRelation, levelOfWhole } from '../catalog/levels.ts';
import { type Catalog, type FunctionWord } from '../catalog/catalog.ts';
import { noFloors, raised, wordSaid, type Floors, type RaisedLevel } from './floors.ts';
import type { Analysis, ColumnName, ColumnRead, ColumnUse, Flow, FunctionUse, RelationName } from '../sql/analysis.ts';
import type { Asker } from './asker.ts';
import type { Action } from './verdict.ts';

/** One thing that a statement touches. `column` undefined: the relation itself. */
export interface Touch {
  readonly relation: RelationName;
  readonly column: string | undefined;
  readonly how: 'read' | 'exists' | 'write' | 'whole';
  readonly uses: readonly ColumnUse[];
  /** Whatever is shown, something is learned of its values. */
  readonly exposed?: true;
  readonly found: RaisedLevel;
}

export interface CalledFunction {
  readonly use: FunctionUse;
  readonly word: FunctionWord | undefined;
}

export interface Facts {
  readonly analysis: Analysis;
  readonly asker: Asker;
  readonly now: number;
  /** Rows that the planner expects. */
  readonly estimate: Known<number>;
  readonly actions: ReadonlySet<Action>;
  /** Something in the statement is not understood: it may touch anything. */
  readonly isUnknown: boolean;
  readonly reads: readonly Touch[];
  /** Writes, and relations meant as a whole. */
  readonly others: readonly Touch[];
  readonly functions: readonly CalledFunction[];
}

export interface FactsInput {
  readonly catalog: Catalog;
  readonly floors?: Floors | undefined;
  readonly asker: Asker;
  readonly now: number;
  readonly estimate: Known<number>;
}

export function factsOf(analysis: Analysis, input: FactsInput): Facts {
  const { catalog, asker, floors = noFloors } = input;
  const levels: Levels = { catalog, database: asker.database, floors };
  const reads = [
    ...readsOf(analysis, levels),
    ...existsOf(analysis, catalog, asker.database),
    ...loweredOf(analysis, levels),
    ...toldOf(analysis, levels),
  ];
  const functions = analysis.functions.filter(needsWord).map((use) => ({
    use,
    word: functionWordOf(catalog, asker.database, use),
  }));
  const isUnknown =
    analysis.unknowns.length > 0 ||
    analysis.kinds.length === 0 ||
    analysis.kinds.includes('notKnown') ||
    functions.some((called) => called.word === undefined);
  const actions = new Set<Action>(analysis.kinds);
  if (reads.length > 0) actions.add('read');
  if (isUnknown) actions.add('notKnown');
  if (isLarge(analysis, input.estimate, rowsBoundOf(reads))) actions.add('large');
  const others = othersOf(analysis, levels);
  return { analysis, asker, now: input.now, estimate: input.estimate, actions, isUnknown, reads, others, functions };
}

/** The rows that the touched levels let through in one statement. */
export function rowsBoundOf(reads: readonly Touch[]): number | undefined {
  let bound: number | undefined;
  for (const { found } of reads) {
    const rows = found.level.rows;
    if (rows !== undefined && (bound === undefined || rows < bound)) bound = rows;
  }
  return bound;
}

function isLarge(analysis: Analysis, estimate: Known<number>, bound: number | undefined): boolean {
  if (bound === undefined || !estimate.known || estimate.value <= bound) return false;
  return analysis.folds === true || analysis.rowsMax === undefined || analysis.rowsMax > bound;
}

function needsWord(use: FunctionUse): boolean {
  return use.nature === 'listed' || use.nature === 'unknown';
}

interface Levels {
  readonly catalog: Catalog;
  readonly database: string;
  readonly floors: Floors;
}

/** By the files, and not below what was carried into it. */
function levelIn(levels: Levels, read: ColumnRead): RaisedLevel {
  const found = levelOfRead(levels.catalog, levels.database, read);
  return levels.floors.version === 0 ? found : raised(found, [read.column, ...read.kin], levels);
}

function readsOf(analysis: Analysis, levels: Levels): readonly Touch[] {
  return analysis.reads.map((read) => ({
    relation: read.column.relation,
    column: read.column.column,
    how: 'read' as const,
    uses: read.uses,
    ...(read.exposed === true ? { exposed: true as const } : {}),
    found: levelIn(levels, read),
  }));
}

const asRows: readonly ColumnUse[] = ['other'];

/**
 * A trigger may keep a copy of a row that the asker does not read. Where the copy is classed lower than what it was made of, the asker
 * could read it there: then the statement is as good as a reading. Flows of what is read anyway are judged as that.
 */
function loweredOf(analysis: Analysis, levels: Levels): readonly Touch[] {
  if (analysis.flows.length === 0) return [];
  const key = ({ relation, column }: ColumnName): string => JSON.stringify([relation.schema, relation.name, column]);
  const said = new Set(analysis.reads.map((read) => key(read.column)));
  const levelOf = (column: ColumnName, by: Levels): RaisedLevel =>
    levelIn(by, { column, uses: asRows, via: [], kin: [] });
  const lowered = analysis.flows.filter((flow) => !said.has(key(flow.from)));
  return lowered
    .map((flow) => ({ flow, from: levelOf(flow.from, staying(flow, levels)), to: levelOf(flow.to, levels) }))
    .filter(({ from, to }) => to.level.rank < from.level.rank)
    .map(({ flow, from }) => ({
      relation: flow.from.relation,
      column: flow.from.column,
      how: 'read',
      uses: asRows,
      found: from,
    }));
}

/** What was carried into a column goes with it under whatever name, unless the files say something of that name. */
function staying({ stays, to }: Flow, levels: Levels): Levels {
  return stays === true && wordSaid(levels.catalog, levels.database, to) === ''
    ? { ...levels, floors: noFloors }
    : levels;
}

/** What a write tells by failing is a reading only where reading is not free: else every INSERT would read its own key. */
function toldOf(analysis: Analysis, levels: Levels): readonly Touch[] {
  return (analysis.tells ?? [])
    .map((told) => ({ told, found: levelIn(levels, told) }))
    .filter(({ found }) => found.level.read !== 'allow')
    .map(({ told: { column }, found }) => ({
      relation: column.relation,
      column: column.column,
      how: 'read',
      uses: asRows,
      found,
    }));
}

/**
 * A witness names here only relations of which no column is named. One that names both is taken at its word: leaving the relation
 * out because a column of it is read would let one more read loosen a verdict (a column may share the level of a relative).
 */
function existsOf(analysis: Analysis, catalog: Catalog, database: string): readonly Touch[] {
  return analysis.relations.map((relation) => ({
    relation,
    column: undefined,
    how: 'exists' as const,
    uses: asRows,
    found: levelOfRelation(catalog, database, relation),
  }));
}

function othersOf(analysis: Analysis, levels: Levels): readonly Touch[] {
  const writes = analysis.writes.map(({ column }) => ({
    relation: column.relation,
    column: column.column,
    how: 'write' as const,
    uses: asRows,
    found: levelIn(levels, { column, uses: asRows, via: [], kin: [] }),
  }));
  const whole = analysis.wholeTables.map((relation) => ({
    relation,
    column: undefined,
    how: 'whole' as const,
    uses: asRows,
    found: levelOfWhole(levels.catalog, levels.database, relation),
  }));
  return [...writes, ...whole];
}
