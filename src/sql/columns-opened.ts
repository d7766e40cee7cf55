// What stands behind a relation: a view's query, a table's row security. Each is resolved once per snapshot, under an empty
// search_path, because the server prints them with qualified names; what cannot be read makes the statement not known.
import { namesOf, walk, type Node } from './ast.ts';
import { known } from '../core/known.ts';
import { Names } from './columns-names.ts';
import { State, uses, type Parts, type Shapes } from './columns-state.ts';
import { isSystemSchema, type PolicyInfo, type Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';
import { inSight, makeItem, Shape, type Column, type Scope, type Source } from './scope.ts';

/** One statement's text to its tree; undefined when it is not exactly one statement. */
export type ParseOne = (sql: string) => Node | undefined;

export interface Opened {
  /** By place: what each column of the view is made of. Empty for policies. */
  readonly columns: readonly Column[];
  readonly state: State;
  /** What a view selects from, where that is one relation: a write to the view ends there. */
  readonly base?: Relation | undefined;
  /** Of a policy: the columns of the row that it guards. The same table's other rows, which a sub-select looks at, are not among them. */
  readonly guarded?: ReadonlySet<Source>;
}

export class Openings implements Shapes {
  readonly #index: SchemaIndex;
  readonly #parts: Parts;
  readonly #parse: ParseOne;
  // Weak, because temporary relations come and go with statements; the others live as long as the snapshot does.
  readonly #shapes = new WeakMap<Relation, Shape>();
  readonly #views = new WeakMap<Relation, Opened>();
  readonly #policies = new WeakMap<PolicyInfo, Opened>();

  constructor(index: SchemaIndex, parts: Parts, parse: ParseOne) {
    this.#index = index;
    this.#parts = parts;
    this.#parse = parse;
  }

  /** The relation's columns as a FROM item has them; the same objects each time. */
  of(relation: Relation): Shape {
    const before = this.#shapes.get(relation);
    if (before !== undefined) return before;
    const shape = shapeOf(relation);
    this.#shapes.set(relation, shape);
    return shape;
  }

  /** Views and materialized views of users. The server's own views are relations like any other: the policy knows which leak. */
  view(relation: Relation): Opened | undefined {
    if ((relation.kind !== 'v' && relation.kind !== 'm') || isSystemSchema(relation.schema)) return undefined;
    const before = this.#views.get(relation);
    if (before !== undefined) return before;
    const opened = this.#openView(relation);
    this.#views.set(relation, opened);
    return opened;
  }

  #openView(relation: Relation): Opened {
    const state = this.#state();
    const rule = this.#index.rulesOf(relation.oid).find((each) => each.event === 'select');
    const node = rule === undefined ? undefined : this.#parse(rule.definition);
    if (node === undefined) {
      state.unresolved(`the definition of the view ${relation.schema}.${relation.name} cannot be read`);
      return { columns: [], state };
    }
    const shape = state.query(node, { outer: undefined, withs: undefined, use: uses.output });
    if (shape.rest !== undefined || shape.columns.length !== relation.attributes.length) {
      state.unresolved(`the columns of the view ${relation.schema}.${relation.name} cannot be told apart`);
    }
    this.#markKept(node, shape, state);
    return { columns: shape.columns, state, base: this.#baseOf(node, state) };
  }

  /**
   * The planner drops what nobody asks a view for, but not what gives rows of its own (`generate_series(1, secret)` in the list: as many as that
   * says), nor what may do something else each time. So that is read by whoever names the view.
   */
  #markKept({ SelectStmt: select }: Node, shape: Shape, state: State): void {
    if (select === undefined) return;
    for (const arm of [select.larg, select.rarg])
      if (arm !== undefined) this.#markKept({ SelectStmt: arm }, shape, state);
    for (const [at, target] of (select.targetList ?? []).entries()) {
      let kept = false;
      walk(target, (each, tag) => {
        const names = tag === 'FuncCall' ? namesOf(each.FuncCall?.funcname) : undefined;
        kept ||= state.names
          .functions(names ?? [], undefined)
          .some((one) => one.returnsSet || one.volatility === 'volatile');
        return tag === 'SubLink' ? 'skip' : 'deeper';
      });
      if (kept) state.mark(shape.columns[at]?.sources ?? [], uses.other);
    }
  }

  #baseOf(node: Node, state: State): Relation | undefined {
    const [from, ...more] = node.SelectStmt?.fromClause ?? [];
    const range = more.length === 0 ? from?.RangeVar : undefined;
    return range === undefined ? undefined : state.names.relations(range.relname ?? '', range.schemaname)[0];
  }

  policy(relation: Relation, policy: PolicyInfo): Opened {
    const before = this.#policies.get(policy);
    if (before !== undefined) return before;
    const state = this.#state();
    const row = shapeOf(relation);
    const item = { ...makeItem(relation.name, row, relation.rowType), unaliased: relation, system: true };
    const scope: Scope = { sights: [inSight(item)], outer: undefined, withs: undefined };
    for (const text of [policy.using, policy.check]) {
      const value = text === undefined ? undefined : this.#parse(`SELECT ${text}`)?.SelectStmt?.targetList?.[0];
      if (value?.ResTarget?.val !== undefined) {
        state.expression(value.ResTarget.val, { scope, use: uses.filter, into: undefined });
      } else if (text !== undefined) {
        state.unresolved(`the policy "${policy.name}" of ${relation.schema}.${relation.name} cannot be read`);
      }
    }
    const opened = { columns: [], state, guarded: new Set(row.sources()) };
    this.#policies.set(policy, opened);
    return opened;
  }

  #state(): State {
    const names = new Names(this.#index, { searchPath: known([]), role: '', temp: known([]) });
    return new State(this.#parts, names, this);
  }
}

function shapeOf(relation: Relation): Shape {
  const columns = relation.attributes.map((attribute): Column => {
    const source: Source = { relation, attribute };
    return { name: attribute.name, sources: [source], origin: source, type: attribute.type, row: undefined };
  });
  return new Shape(columns);
}
