// Finding things in a snapshot: by oid, by name, kin of relations. Made once per snapshot and kept with it; everything that is
// derived from the snapshot alone (columns of relations, opened views) is remembered here, so that a statement pays for none of it.
import type {
  CastInfo,
  ConstraintInfo,
  FunctionInfo,
  IndexInfo,
  OperatorInfo,
  PolicyInfo,
  Relation,
  RuleInfo,
  Snapshot,
  TypeInfo,
} from './schema.ts';

/** FirstNormalObjectId: what came with the server has a lower oid. */
export const firstUserOid = 16_384;

type Listed<K, V> = ReadonlyMap<K, readonly V[]>;

interface ByNameAndOid<T> {
  readonly byOid: ReadonlyMap<number, T>;
  readonly byName: Listed<string, T>;
}

export class SchemaIndex {
  readonly snapshot: Snapshot;
  readonly #relations: ByNameAndOid<Relation>;
  readonly #types: ByNameAndOid<TypeInfo>;
  readonly #functions: ByNameAndOid<FunctionInfo>;
  readonly #userOperators: Listed<string, OperatorInfo>;
  readonly #userCasts: Listed<number, CastInfo>;
  readonly #checked: ReadonlySet<number>;
  readonly #domainsIn = new Map<number, readonly number[]>();
  readonly #compared: Listed<number, number>;
  /** Whether any of those that compare is written in SQL or plpgsql. */
  readonly comparesByBody: boolean;
  readonly #rules: Listed<number, RuleInfo>;
  readonly #policies: Listed<number, PolicyInfo>;
  readonly #constraints: Listed<number, ConstraintInfo>;
  readonly #indexes: Listed<number, IndexInfo>;
  readonly #parents: Map<number, number[]>;
  readonly #children: Map<number, number[]>;
  readonly #schemas: ReadonlySet<string>;

  /** Of long lists that are the same objects in both, what `before` made of them is taken over: none of it is ever changed. */
  constructor(snapshot: Snapshot, before?: SchemaIndex) {
    this.snapshot = snapshot;
    const { relations, types, functions, operators, casts, constraints, inheritance } = snapshot;
    const keeping = (list: 'relations' | 'types' | 'functions'): SchemaIndex | undefined =>
      before?.snapshot[list] === snapshot[list] ? before : undefined;
    const [sameRelations, sameTypes, sameFunctions] = [keeping('relations'), keeping('types'), keeping('functions')];
    this.#relations = sameRelations === undefined ? byNameAndOid(relations) : sameRelations.#relations;
    this.#types = sameTypes === undefined ? byNameAndOid(types) : sameTypes.#types;
    this.#functions = sameFunctions === undefined ? byNameAndOid(functions) : sameFunctions.#functions;
    this.#schemas = new Set(snapshot.schemas.map((schema) => schema.name));
    const userOperators = operators.filter((each) => each.schema !== 'pg_catalog');
    this.#userOperators = listed(userOperators, (each) => each.name);
    const userCasts = casts.filter((each) => each.function >= firstUserOid);
    this.#userCasts = listed(userCasts, (each) => each.target);
    this.#rules = listed(snapshot.rules, (each) => each.relation);
    this.#policies = listed(snapshot.policies, (each) => each.relation);
    this.#constraints = listed(constraints, (each) => each.relation);
    this.#indexes = listed(snapshot.indexes, (each) => each.relation);
    this.#checked = checkedDomains(constraints);
    this.#compared = comparing(snapshot);
    this.comparesByBody = [...this.#compared.values()].some((oids) => oids.some((oid) => this.#isWritten(oid)));
    this.#parents = new Map();
    this.#children = new Map();
    for (const { child, parent } of inheritance) {
      push(this.#parents, child, parent);
      push(this.#children, parent, child);
    }
  }

  #isWritten(oid: number): boolean {
    const language = this.#functions.byOid.get(oid)?.language;
    return language !== 'c' && language !== 'internal';
  }

  relation(oid: number): Relation | undefined {
    return this.#relations.byOid.get(oid);
  }
  relationsNamed(name: string): readonly Relation[] {
    return this.#relations.byName.get(name) ?? [];
  }
  type(oid: number): TypeInfo | undefined {
    return this.#types.byOid.get(oid);
  }
  typesNamed(name: string): readonly TypeInfo[] {
    return this.#types.byName.get(name) ?? [];
  }
  function(oid: number): FunctionInfo | undefined {
    return this.#functions.byOid.get(oid);
  }
  functionsNamed(name: string): readonly FunctionInfo[] {
    return this.#functions.byName.get(name) ?? [];
  }
  /** Operators outside pg_catalog: the only ones that can run somebody's function. */
  userOperatorsNamed(name: string): readonly OperatorInfo[] {
    return this.#userOperators.get(name) ?? [];
  }
  /** Casts that run a function which is not the server's own. */
  userCastsTo(type: number): readonly CastInfo[] {
    return this.#userCasts.get(type) ?? [];
  }
  /** Whether any column's type could run somebody's function. */
  get hasUserTypes(): boolean {
    return this.#checked.size > 0 || this.#compared.size > 0;
  }
  /** Functions of users that comparing, hashing or indexing values of a type may run; of an array or domain, those of its element. */
  comparedBy(type: number): readonly number[] {
    if (this.#compared.size === 0) return [];
    return [...this.#within(type)].flatMap((each) => this.#compared.get(each) ?? []);
  }
  /** Domains with checks inside a type: itself, what it is over, the fields of a row, the elements of an array or range. */
  domainsIn(type: number): readonly number[] {
    if (this.#checked.size === 0 || type < firstUserOid) return [];
    const before = this.#domainsIn.get(type);
    if (before !== undefined) return before;
    const found = [...this.#within(type)].filter((each) => this.#checked.has(each));
    this.#domainsIn.set(type, found);
    return found;
  }
  rulesOf(relation: number): readonly RuleInfo[] {
    return this.#rules.get(relation) ?? [];
  }
  policiesOf(relation: number): readonly PolicyInfo[] {
    return this.#policies.get(relation) ?? [];
  }
  constraintsOf(relation: number): readonly ConstraintInfo[] {
    return this.#constraints.get(relation) ?? [];
  }
  /** With its partition key and its statistics over expressions. */
  indexesOf(relation: number): readonly IndexInfo[] {
    return this.#indexes.get(relation) ?? [];
  }
  hasSchema(name: string): boolean {
    return this.#schemas.has(name);
  }

  /** Partition and inheritance parents and children of a relation, all the way up and all the way down; not the relation itself. */
  kin(relation: number): readonly Relation[] {
    const found = new Set<number>();
    climb(this.#parents, relation, found);
    climb(this.#children, relation, found);
    found.delete(relation);
    return [...found].flatMap((oid) => this.#relations.byOid.get(oid) ?? []);
  }

  childrenOf(relation: number): readonly Relation[] {
    return (this.#children.get(relation) ?? []).flatMap((oid) => this.#relations.byOid.get(oid) ?? []);
  }

  /** A type and every type that its values are made of. */
  #within(type: number): ReadonlySet<number> {
    const found = new Set<number>([type]);
    for (const oid of found) {
      const info = this.#types.byOid.get(oid);
      if (info === undefined) continue;
      const fields = info.relation === 0 ? [] : (this.#relations.byOid.get(info.relation)?.attributes ?? []);
      for (const next of [info.base, info.element, info.subtype, ...fields.map((each) => each.type)]) {
        if (next !== 0) found.add(next);
      }
    }
    return found;
  }

  /** A type and, of a domain, what it is over, all the way down. */
  basesOf(type: number): readonly number[] {
    const found: number[] = [];
    for (let oid = type; oid !== 0 && found.length < 64; oid = this.#types.byOid.get(oid)?.base ?? 0) found.push(oid);
    return found;
  }

  /** The relation of a composite type, through domains; undefined for every other type. */
  rowRelation(type: number): Relation | undefined {
    let info = this.#types.byOid.get(type);
    for (let depth = 0; info?.kind === 'd' && depth < 64; depth += 1) info = this.#types.byOid.get(info.base);
    return info?.kind === 'c' ? this.#relations.byOid.get(info.relation) : undefined;
  }
}

/**
 * Relations whose rows one can also see through this one, or that this one's rows can be seen through: partitions and children
 * hold what their parents show. Siblings do not hold each other's rows and are no kin.
 */
export function relationKin(index: SchemaIndex, relation: number): readonly Relation[] {
  return index.kin(relation);
}

function climb(edges: ReadonlyMap<number, readonly number[]>, from: number, found: Set<number>): void {
  for (const next of edges.get(from) ?? []) {
    if (found.has(next)) continue;
    found.add(next);
    climb(edges, next, found);
  }
}

function byNameAndOid<T extends { readonly oid: number; readonly name: string }>(list: readonly T[]): ByNameAndOid<T> {
  return { byOid: new Map(list.map((each) => [each.oid, each])), byName: listed(list, (each) => each.name) };
}

function checkedDomains(constraints: readonly ConstraintInfo[]): ReadonlySet<number> {
  const checks = constraints.filter((each) => each.kind === 'check' && each.domain !== 0);
  return new Set(checks.map((each) => each.domain));
}

function comparing({ supportFunctions }: Snapshot): Listed<number, number> {
  const found = new Map<number, number[]>();
  for (const each of supportFunctions) {
    for (const type of new Set([each.left, each.right])) push(found, type, each.function);
  }
  return found;
}

function listed<K, V>(list: readonly V[], keyOf: (value: V) => K): Listed<K, V> {
  const found = new Map<K, V[]>();
  for (const value of list) push(found, keyOf(value), value);
  return found;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
