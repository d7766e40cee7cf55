// The part of a tree's facts that needs no scopes: every function, operator, type, relation and sequence that is named anywhere,
// by walking all nodes and fields without exception.
import type { Layout } from './node-layout.ts';
import { TreeNode, type NodeValue } from './node-text.ts';
import { commandOf, listOf, nodeTable, numberOf, numbersOf } from './tree-nodes.ts';
import { rteKind } from './tree-scope.ts';

export interface Gathered {
  readonly functions: readonly number[];
  /** Operators whose function the tree does not name beside them: of sorts, groups and row comparisons. */
  readonly operators: readonly number[];
  /** Types whose input or output function, domain checks or comparison may run. */
  readonly types: readonly number[];
  /** Relations in any range table; opened views are in `views`, not here. */
  readonly relations: readonly number[];
  readonly views: readonly number[];
  readonly sequences: readonly number[];
  readonly cursors: 'none' | 'positioned';
  readonly rowSecurity: 'none' | 'applied';
  readonly unknowns: readonly string[];
}

const functionFields = [
  'funcid',
  'opfuncid',
  'aggfnoid',
  'winfnoid',
  'hashfuncid',
  'negfuncid',
  'tsmhandler',
  'startInRangeFunc',
  'endInRangeFunc',
];
const operatorFields = ['opno', 'eqop', 'sortop', 'cycle_mark_neop'];

/** Places of the fields above, looked for once in each layout. */
interface NamedBy {
  readonly functions: readonly number[];
  readonly operators: readonly number[];
}

const namedByLayout = new WeakMap<Layout, NamedBy>();

function namedBy(layout: Layout): NamedBy {
  const known = namedByLayout.get(layout);
  if (known !== undefined) return known;
  const placesOf = (fields: readonly string[]): readonly number[] =>
    fields.flatMap((field) => layout.placeOf(field) ?? []);
  const made = { functions: placesOf(functionFields), operators: placesOf(operatorFields) };
  namedByLayout.set(layout, made);
  return made;
}

function addTo(set: Set<number>, value: NodeValue | undefined): void {
  const oid = numberOf(value);
  if (oid > 0) set.add(oid);
}

export function gather(queries: readonly TreeNode[]): Gathered {
  const found = new Sieve();
  const open: NodeValue[] = [...queries];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (item instanceof TreeNode) {
      found.node(item);
      for (const value of item.values) if (typeof value === 'object' && value !== null) open.push(value);
    } else {
      for (const value of listOf(item)) if (typeof value === 'object' && value !== null) open.push(value);
    }
  }
  return found.result();
}

class Sieve {
  readonly #functions = new Set<number>();
  readonly #operators = new Set<number>();
  readonly #types = new Set<number>();
  readonly #relations = new Set<number>();
  readonly #views = new Set<number>();
  readonly #sequences = new Set<number>();
  readonly #unknowns = new Set<string>();
  #cursors: Gathered['cursors'] = 'none';
  #rowSecurity: Gathered['rowSecurity'] = 'none';

  node(node: TreeNode): void {
    const row = nodeTable[node.tag];
    if (row === undefined) {
      this.#unknowns.add(`node type ${node.tag === '' ? 'not printed by this server' : node.tag} in the server’s tree`);
      return;
    }
    const named = namedBy(node.layout);
    for (const place of named.functions) addTo(this.#functions, node.values[place]);
    for (const place of named.operators) addTo(this.#operators, node.values[place]);
    this.#byTag(node);
  }

  result(): Gathered {
    return {
      functions: [...this.#functions],
      operators: [...this.#operators],
      types: [...this.#types],
      relations: [...this.#relations].filter((relid) => !this.#views.has(relid)),
      views: [...this.#views],
      sequences: [...this.#sequences],
      cursors: this.#cursors,
      rowSecurity: this.#rowSecurity,
      unknowns: [...this.#unknowns],
    };
  }

  #add(set: Set<number>, node: TreeNode, field: string): void {
    addTo(set, node.get(field));
  }

  #byTag(node: TreeNode): void {
    switch (node.tag) {
      case 'QUERY':
        if (commandOf(node) === 'unknown') this.#unknowns.add('a query without a command in the server’s tree');
        if (node.get('hasRowSecurity') === 'true') this.#rowSecurity = 'applied';
        return;
      case 'RANGETBLENTRY':
      case 'RTE':
        return this.#entry(node);
      case 'RANGETBLFUNCTION':
        for (const oid of numbersOf(node.get('funccoltypes'))) this.#types.add(oid);
        return;
      case 'TABLEFUNC':
        for (const oid of numbersOf(node.get('coltypes'))) this.#types.add(oid);
        return;
      case 'ROWCOMPAREEXPR':
      case 'ROWCOMPARE':
        for (const oid of numbersOf(node.get('opnos'))) this.#operators.add(oid);
        return;
      case 'NEXTVALUEEXPR':
        return this.#add(this.#sequences, node, 'seqid');
      case 'CURRENTOFEXPR':
        this.#cursors = 'positioned';
        return;
      case 'COERCEVIAIO':
        this.#add(this.#types, node, 'resulttype');
        return this.#typeOf(node.get('arg'));
      // A parameter's input function, and the checks of a domain, run at Bind.
      case 'PARAM':
      case 'MINMAXEXPR':
      case 'MINMAX':
      case 'COERCETODOMAIN':
      case 'JSONRETURNING':
      case 'SUBSCRIPTINGREF':
      case 'CONVERTROWTYPEEXPR':
        return this.#typeOf(node);
      default:
        return;
    }
  }

  #entry(rte: TreeNode): void {
    const kind = rteKind(rte);
    if (kind === undefined || kind === 'tuplestore')
      this.#unknowns.add('a relation of an unknown kind in the server’s tree');
    const relid = numberOf(rte.get('relid'));
    if (relid === 0) return;
    // An opened view is a sub-select that keeps its relid (16 and up) or leaves its OLD and NEW entries (15).
    if (rte.get('relkind') === 'v') this.#views.add(relid);
    else this.#relations.add(relid);
  }

  #typeOf(value: NodeValue | undefined): void {
    if (!(value instanceof TreeNode)) return;
    const field = nodeTable[value.tag]?.type;
    if (field !== undefined) this.#add(this.#types, value, field);
  }
}
