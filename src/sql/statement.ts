// What a statement *is*: its kinds, its command in words, what is inside it, and what it does to its session. One table with a row
// for every statement of the grammar of 15 to 18; a tag without a row is "not known", which is held. Columns are the resolver's.
import { isNonEmpty, type NonEmpty } from '../core/brand.ts';
import { tagOf, type Node } from './ast.ts';
import type { StatementKind, Unknown } from './analysis.ts';
import { namesDefinedBy } from './defined-names.ts';
import { expressionFacts, queryFacts } from './statement-query.ts';
import type { SessionEffect } from './statement-effects.ts';
import { statementRows } from './statement-rows.ts';

/** Why a query stands inside a statement. */
export type InnerRole = 'explained' | 'prepared' | 'cursor' | 'copied' | 'source' | 'view' | 'body' | 'element';

export interface Inner {
  readonly role: InnerRole;
  readonly node: Node;
}

/** What a statement runs that was named before: only the session knows what the name means. */
export interface Reference {
  readonly kind: 'prepared' | 'cursor';
  readonly name: string;
}

export interface StatementFacts {
  readonly kinds: NonEmpty<StatementKind>;
  /** In capitals: `SELECT`, `COPY TO STDOUT`, `ALTER TABLE`, `EXPLAIN DELETE`. */
  readonly command: string;
  /** Statements that must be resolved for this one; a plain query is not its own inner. */
  readonly inner: readonly Inner[];
  /** Objects meant as a whole, as written: `['public', 'customers']`, `['customers']`. */
  readonly wholes: readonly (readonly string[])[];
  readonly effects: readonly SessionEffect[];
  readonly refersTo: readonly Reference[];
  readonly unknowns: readonly Unknown[];
  /** Of a query: whether its text makes one value of many rows (folding.ts). */
  readonly folds?: boolean;
}

/** What a row of the table says; everything left out is "none". */
export interface RowFacts {
  readonly kinds: readonly StatementKind[];
  readonly command: string;
  readonly inner?: readonly Inner[];
  readonly wholes?: readonly (readonly string[])[];
  readonly effects?: readonly SessionEffect[];
  readonly refersTo?: readonly Reference[];
  readonly unknowns?: readonly Unknown[];
}

export function statementFacts(node: Node): StatementFacts {
  const row = rowOf(tagOf(node));
  if (row === undefined) return unknownStatement(node);
  const said = row(node);
  const below = belowOf(node, said);
  const kinds = unique([...said.kinds, ...below.kinds]);
  if (!isNonEmpty(kinds)) return unknownStatement(node);
  return {
    kinds,
    command: said.command,
    inner: said.inner ?? [],
    wholes: [...(said.wholes ?? []), ...below.wholes],
    effects: [...below.effects, ...(said.effects ?? [])].map((effect) => withNames(effect, node)),
    refersTo: [...(said.refersTo ?? []), ...below.refersTo],
    unknowns: [...(said.unknowns ?? []), ...below.unknowns],
    ...(below.folds === undefined ? {} : { folds: below.folds }),
  };
}

function withNames(effect: SessionEffect, node: Node): SessionEffect {
  if (effect.kind !== 'definitions' || effect.names !== undefined) return effect;
  const names = namesDefinedBy(node);
  return names === undefined ? effect : { ...effect, names };
}

type Below = Pick<StatementFacts, 'wholes' | 'effects' | 'refersTo' | 'unknowns' | 'folds'> & {
  readonly kinds: readonly StatementKind[];
};

/**
 * What the inside adds. Preparing a query runs nothing, and its EXECUTE is judged; what a definition holds runs when it is used, and
 * is judged then: of it only what must never be, or cannot be known, counts now.
 */
function belowOf(node: Node, said: RowFacts): Below {
  const inner = said.inner ?? [];
  const parts = inner.filter((one) => one.role !== 'prepared').map((one) => statementFacts(one.node));
  const isQuery = queries.includes(tagOf(node));
  const own = isQuery
    ? queryFacts(node)
    : expressionFacts(
        node,
        inner.map((one) => one.node),
      );
  const kinds = [...own.kinds, ...parts.flatMap((part) => part.kinds)];
  const defines = said.kinds.includes('schema') && !inner.some((one) => one.role === 'element');
  return {
    kinds: defines ? kinds.filter((kind) => kind === 'escape' || kind === 'notKnown') : kinds,
    wholes: parts.flatMap((part) => part.wholes),
    effects: defines ? [] : [...own.effects, ...parts.flatMap((part) => part.effects)],
    refersTo: parts.flatMap((part) => part.refersTo),
    unknowns: [...own.unknowns, ...parts.flatMap((part) => part.unknowns)],
    ...(isQuery ? { folds: own.folds } : {}),
  };
}

const queries: readonly string[] = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'];

function rowOf(tag: string): ((node: Node) => RowFacts) | undefined {
  return Object.hasOwn(statementRows, tag) ? statementRows[tag] : undefined;
}

function unknownStatement(node: Node): StatementFacts {
  const tag = tagOf(node);
  const why = `a kind of statement that is not known: ${tag}`;
  return {
    kinds: ['notKnown'],
    command: tag.replace(/Stmt$/, '').toUpperCase(),
    inner: [],
    wholes: [],
    effects: [{ kind: 'unsure', why }],
    refersTo: [],
    unknowns: [{ why, at: undefined }],
  };
}

function unique<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)];
}
