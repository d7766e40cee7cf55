// The static witness: which columns a statement reads, writes and passes on, said from its tree and a schema snapshot alone.
// It never guesses: whatever it cannot resolve is in `unknowns`, and then the statement is not known.
import type { Analysis } from './analysis.ts';
import type { Node } from './ast.ts';
import { tagOf } from './ast.ts';
import { expression } from './columns-expr.ts';
import { Finish } from './columns-finish.ts';
import { Names, type SessionNames } from './columns-names.ts';
import { Openings, type ParseOne } from './columns-opened.ts';
import { select, setOperationTail } from './columns-query.ts';
import { State, type CallSite, type Parts, type QuerySpot } from './columns-state.ts';
import { statement } from './columns-utility.ts';
import { scopeOf, type Variables } from './columns-variables.ts';
import { insert, merge, remove, update } from './columns-write.ts';
import type { ColumnName } from './analysis.ts';
import { copyLayoutOf } from './copy-layout.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { Relation } from './schema.ts';
import { Shape, type Source } from './scope.ts';

/** Everything of an analysis but what is done (the kinds table) and what functions do (the functions table). */
export interface StaticFindings extends Omit<Analysis, 'kinds' | 'command' | 'functions'> {
  /** Functions named, and those that operators and casts outside pg_catalog run; views and row security included. */
  readonly calls: readonly CallSite[];
  /** Types that values are turned into by name: casts, column definitions, `type(value)`. */
  readonly types: readonly number[];
  /** Types of columns that are handed to functions and operators. */
  readonly worked: readonly number[];
  /** Whose stored expressions run over the rows that are there. */
  readonly evaluates: ReadonlyMap<Relation, 'indexes' | 'all'>;
  readonly truncates: ReadonlySet<Relation>;
}

export class StaticWitness {
  readonly #index: SchemaIndex;
  readonly #openings: Openings;
  readonly #kin = new WeakMap<Source, readonly ColumnName[]>();

  /** One per snapshot: opened views are remembered here. `parse` must be of the server's own major. */
  constructor(index: SchemaIndex, parse: ParseOne) {
    this.#index = index;
    this.#openings = new Openings(index, parts, parse);
  }

  /** `variables`: what is in sight around the statement, inside a function's body. */
  analyse(node: Node, session: SessionNames, variables?: Variables): StaticFindings {
    const state = new State(parts, new Names(this.#index, session), this.#openings);
    if (variables !== undefined) state.around = scopeOf(state, variables);
    let shape = new Shape([]);
    try {
      shape = statement(state, node);
    } catch (thrown) {
      // A text nested deeper than the stack, or a defect of ours: what was not seen must count as not known.
      state.unknown(
        thrown instanceof RangeError ? 'the statement is nested too deeply' : `a defect: ${wordsOf(thrown)}`,
      );
    }
    const finish = new Finish(this.#index, this.#openings, state, this.#kin);
    const reads = finish.reads();
    return {
      reads,
      writes: finish.writes(),
      flows: finish.flows(),
      calls: finish.calls(),
      types: [...state.types],
      worked: [...state.worked],
      evaluates: state.evaluated,
      truncates: state.truncated,
      wholeTables: [...state.wholeTables.values()],
      relations: finish.relations(),
      outputs: finish.outputs(shape),
      rowsMax: rowsMaxOf(node),
      ...(node.CopyStmt === undefined || node.CopyStmt.is_from === true ? {} : { copy: copyLayoutOf(node.CopyStmt) }),
      unknowns: state.unknowns,
    };
  }

  /** Columns as the statement itself names them, views not opened: what the server's parse tree lists as selected. */
  named(node: Node, session: SessionNames): readonly Source[] {
    return [...this.#walk(node, session).state.reads.keys()];
  }

  /** What ran when a materialized view was filled. */
  callsBehind(relation: Relation): readonly CallSite[] {
    return this.#openings.view(relation)?.state.calls ?? [];
  }

  #walk(node: Node, session: SessionNames): { readonly state: State; readonly shape: Shape } {
    const state = new State(parts, new Names(this.#index, session), this.#openings);
    try {
      return { state, shape: statement(state, node) };
    } catch (thrown) {
      // A text nested deeper than the stack, or a defect of ours: what was not seen must count as not known.
      state.unknown(
        thrown instanceof RangeError ? 'the statement is nested too deeply' : `a defect: ${wordsOf(thrown)}`,
      );
      return { state, shape: new Shape([], []) };
    }
  }
}

const wordsOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const parts: Parts = { expression, query, sorted: setOperationTail };

function query(state: State, node: Node, spot: QuerySpot): Shape {
  if (node.SelectStmt !== undefined) return select(state, node.SelectStmt, spot);
  if (node.InsertStmt !== undefined) return insert(state, node.InsertStmt, spot);
  if (node.UpdateStmt !== undefined) return update(state, node.UpdateStmt, spot);
  if (node.DeleteStmt !== undefined) return remove(state, node.DeleteStmt, spot);
  if (node.MergeStmt !== undefined) return merge(state, node.MergeStmt, spot);
  state.unknown(`a query of a kind that is not known: ${tagOf(node)}`);
  return new Shape([], []);
}

/** A literal LIMIT or FETCH of the statement itself; WITH TIES may give more. */
function rowsMaxOf(node: Node): number | undefined {
  const body = node.SelectStmt ?? node.CopyStmt?.query?.SelectStmt;
  if (body?.limitCount?.A_Const?.ival === undefined || body.limitOption === 'LIMIT_OPTION_WITH_TIES') return undefined;
  return body.limitCount.A_Const.ival.ival ?? 0;
}
