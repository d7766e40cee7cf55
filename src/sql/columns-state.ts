// What one statement's resolving has found so far, and the ports by which its parts call each other (expressions hold queries,
// queries hold expressions). Marks only: what is read is written down where it is met, and never taken back.
import type { Node } from './ast.ts';
import type { SelectStmt } from './ast-query.ts';
import type { ColumnWrite, RelationName, Unknown } from './analysis.ts';
import type { Names } from './columns-names.ts';
import type { FunctionInfo, Relation } from './schema.ts';
import type { Column, Scope, Shape, Source, Typed, WithScope } from './scope.ts';

/**
 * Uses as bits, so that one column's many uses cost one number. `named`: written, and looked at by nobody (see `subLink`). `worked`: an
 * argument or operand, so something may be done with the value that its type says how to do; never kept with a column. `exposed`: what is
 * computed from it tells of it whatever is shown (columns-total.ts).
 */
export const uses = {
  ...{ output: 1, filter: 2, join: 4, group: 8, order: 16, other: 32 },
  ...{ named: 64, worked: 128, exposed: 256 },
} as const;

/** One is enough to hold; a person reads no more than these. */
const unknownsMax = 20;
/** A statement people write has a handful. */
const passesMax = 300;

/** A function that the statement names, or that an operator or cast in it may run. */
export interface CallSite {
  readonly how: 'function' | 'operator' | 'cast' | 'attribute';
  readonly names: readonly string[];
  /** Every overload that could be meant. */
  readonly candidates: readonly FunctionInfo[];
  readonly at: number | undefined;
}

/** Where an expression stands: what it can see, what its columns are used for, and who wants to know what it is made of. */
export interface Spot {
  readonly scope: Scope;
  readonly use: number;
  readonly into: Set<Source> | undefined;
}

export interface QuerySpot {
  readonly outer: Scope | undefined;
  readonly withs: WithScope | undefined;
  /** What the columns of the result are used for. */
  readonly use: number;
}

/** The parts of the resolver as they see each other. */
export interface Parts {
  expression(state: State, node: Node, spot: Spot): Typed;
  query(state: State, node: Node, spot: QuerySpot): Shape;
  /** ORDER BY and LIMIT of a set operation whose columns are known already. */
  sorted(state: State, query: SelectStmt, shape: Shape, spot: QuerySpot): void;
}

/** Relations' columns, made once per snapshot. */
export interface Shapes {
  of(relation: Relation): Shape;
}

export interface Written {
  readonly relation: RelationName;
  readonly column: string;
  readonly how: ColumnWrite['how'];
  /** Nothing is copied: the column itself will be called that. */
  readonly stays?: true;
}

export class State {
  readonly parts: Parts;
  readonly names: Names;
  /** What is in sight around the whole statement: the variables of a body. */
  around: Scope | undefined;
  readonly shapes: Shapes;
  readonly reads = new Map<Source, number>();
  readonly writes = new Map<string, Written>();
  readonly flows = new Map<string, { readonly from: Source; readonly to: Written }>();
  readonly calls: CallSite[] = [];
  readonly types = new Set<number>();
  /** Types of columns that are handed to functions and operators. */
  readonly worked = new Set<number>();
  readonly relations = new Set<Relation>();
  /** Whose stored expressions run over the rows that are there: those of indexes and kin, or defaults and checks besides. */
  readonly evaluated = new Map<Relation, 'indexes' | 'all'>();
  /** Those too that go along with what is named. */
  readonly truncated = new Set<Relation>();
  /** Relations that row security is applied to, by command. */
  readonly commands = new Map<Relation, Set<'select' | 'insert' | 'update' | 'delete'>>();
  /** FOR UPDATE and its kin anywhere: the server then looks at policies for UPDATE too. */
  locks: 'nothing' | 'rows' = 'nothing';
  /** EXPLAIN ANALYZE says of each partition how many rows it gave. */
  counted: 'no' | 'by partition' = 'no';
  readonly wholeTables = new Map<string, RelationName>();
  readonly unknowns: Unknown[] = [];
  #passes = 0;

  constructor(parts: Parts, names: Names, shapes: Shapes) {
    this.parts = parts;
    this.names = names;
    this.shapes = shapes;
  }

  expression(node: Node | undefined, spot: Spot): Typed | undefined {
    return node === undefined ? undefined : this.parts.expression(this, node, spot);
  }

  expressions(nodes: readonly Node[] | undefined, spot: Spot): void {
    if (nodes !== undefined) for (const node of nodes) this.parts.expression(this, node, spot);
  }

  query(node: Node, spot: QuerySpot): Shape {
    return this.parts.query(this, node, spot);
  }

  mark(sources: readonly Source[], use: number): void {
    const kept = use & ~uses.worked;
    for (const source of sources) this.reads.set(source, (this.reads.get(source) ?? 0) | kept);
    if (kept !== use) for (const source of sources) this.worked.add(source.attribute.type);
  }

  markColumn(column: Column, spot: Spot): void {
    this.mark(column.sources, spot.use);
    if (spot.into !== undefined) for (const source of column.sources) spot.into.add(source);
  }

  markShape(shape: Shape, spot: Spot): void {
    for (const column of shape.columns) this.markColumn(column, spot);
    if (shape.rest === undefined) return;
    this.mark(shape.rest, spot.use);
    if (spot.into !== undefined) for (const source of shape.rest) spot.into.add(source);
  }

  touch(relation: Relation, command: 'select' | 'insert' | 'update' | 'delete'): void {
    this.relations.add(relation);
    const commands = this.commands.get(relation);
    if (commands === undefined) this.commands.set(relation, new Set([command]));
    else commands.add(command);
  }

  write(written: Written): void {
    this.writes.set(`${keyOf(written)} ${written.how}`, written);
  }

  flow(from: Iterable<Source>, to: Written): void {
    for (const source of from) {
      this.flows.set(`${source.relation.oid}.${source.attribute.num} ${keyOf(to)}`, { from: source, to });
    }
  }

  whole(relation: RelationName): void {
    this.wholeTables.set(`${relation.schema}\0${relation.name}`, relation);
  }

  /**
   * One more pass over the recursive arm of a WITH query. Such queries inside each other multiply their passes, so all of a
   * statement's passes have one bound.
   */
  pass(): boolean {
    this.#passes += 1;
    return this.#passes <= passesMax;
  }

  unknown(why: string, at?: number): void {
    this.add({ why, at });
  }

  /** A name that was not resolved, and that the server's own tree resolves. */
  unresolved(why: string, at?: number): void {
    this.add({ why, at, settledBy: 'tree' });
  }

  /** Those that no tree mends are never crowded out by those that one does. */
  add(unknown: Unknown): void {
    const same = this.unknowns.filter((each) => each.settledBy === unknown.settledBy);
    if (same.length >= unknownsMax) return;
    if (!same.some((each) => each.why === unknown.why && each.at === unknown.at)) this.unknowns.push(unknown);
  }
}

const keyOf = (written: Written): string => `${written.relation.schema}\0${written.relation.name}\0${written.column}`;
