// Finding things in a snapshot: by oid, by name, kin of relations. Made once per snapshot and kept with it; everything that is
// derived from the snapshot alone (columns of relations, opened views) is remembered here, so that a statement pays for none of it.
import type {
  CastInfo,
  ConstraintInfo,
  FunctionInfo,
  OperatorInfo,
  PolicyInfo,
  Relation,
  RuleInfo,
  Snapshot,
  TypeInfo,
} from './schema.ts';

/** FirstNormalObjectId: what came with the server has a lower oid. */
export const firstUserOid = 16_384;

export class SchemaIndex {
  readonly snapshot: Snapshot;
  readonly #relations = new Map<number, Relation>();
  readonly #relationsByName = new Map<string, Relation[]>();
  readonly #types = new Map<number, TypeInfo>();
  readonly #typesByName = new Map<string, TypeInfo[]>();
  readonly #functions = new Map<number, FunctionInfo>();
  readonly #functionsByName = new Map<string, FunctionInfo[]>();
  readonly #userOperators = new Map<string, OperatorInfo[]>();
  readonly #userCasts = new Map<number, CastInfo[]>();
  readonly #checked = new Set<number>();
  readonly #domainsIn = new Map<number, readonly number[]>();
  readonly #compared = new Map<number, number[]>();
  readonly #rules = new Map<number, RuleInfo[]>();
  readonly #policies = new Map<number, PolicyInfo[]>();
  readonly #constraints = new Map<number, ConstraintInfo[]>();
  readonly #parents = new Map<number, number[]>();
  readonly #children = new Map<number, number[]>();
  readonly #schemas: ReadonlySet<string>;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
    this.#schemas = new Set(snapshot.schemas.map((schema) => schema.name));
    for (const relation of snapshot.relations) {
      this.#relations.set(relation.oid, relation);
      push(this.#relationsByName, relation.name, relation);
    }
    for (const type of snapshot.types) {
      this.#types.set(type.oid, type);
      push(this.#typesByName, type.name, type);
    }
    for (const callee of snapshot.functions) {
      this.#functions.set(callee.oid, callee);
      push(this.#functionsByName, callee.name, callee);
    }
    for (const operator of snapshot.operators) {
      if (operator.schema !== 'pg_catalog') push(this.#userOperators, operator.name, operator);
    }
    for (const cast of snapshot.casts) if (cast.function >= firstUserOid) push(this.#userCasts, cast.target, cast);
    for (const rule of snapshot.rules) push(this.#rules, rule.relation, rule);
    for (const policy of snapshot.policies) push(this.#policies, policy.relation, policy);
    for (const constraint of snapshot.constraints) {
      push(this.#constraints, constraint.relation, constraint);
      if (constraint.kind === 'check' && constraint.domain !== 0) this.#checked.add(constraint.domain);
    }
    for (const each of snapshot.supportFunctions) {
      for (const type of new Set([each.left, each.right])) push(this.#compared, type, each.function);
    }
    for (const { child, parent } of snapshot.inheritance) {
      push(this.#parents, child, parent);
      push(this.#children, parent, child);
    }
  }

  relation(oid: number): Relation | undefined {
    return this.#relations.get(oid);
  }
  relationsNamed(name: string): readonly Relation[] {
    return this.#relationsByName.get(name) ?? [];
  }
  type(oid: number): TypeInfo | undefined {
    return this.#types.get(oid);
  }
  typesNamed(name: string): readonly TypeInfo[] {
    return this.#typesByName.get(name) ?? [];
  }
  function(oid: number): FunctionInfo | undefined {
    return this.#functions.get(oid);
  }
  functionsNamed(name: string): readonly FunctionInfo[] {
    return this.#functionsByName.get(name) ?? [];
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
  hasSchema(name: string): boolean {
    return this.#schemas.has(name);
  }

  /** Partition and inheritance parents and children of a relation, all the way up and all the way down; not the relation itself. */
  kin(relation: number): readonly Relation[] {
    const found = new Set<number>();
    climb(this.#parents, relation, found);
    climb(this.#children, relation, found);
    found.delete(relation);
    return [...found].flatMap((oid) => this.#relations.get(oid) ?? []);
  }

  /** A type and every type that its values are made of. */
  #within(type: number): ReadonlySet<number> {
    const found = new Set<number>([type]);
    for (const oid of found) {
      const info = this.#types.get(oid);
      if (info === undefined) continue;
      const fields = info.relation === 0 ? [] : (this.#relations.get(info.relation)?.attributes ?? []);
      for (const next of [info.base, info.element, info.subtype, ...fields.map((each) => each.type)]) {
        if (next !== 0) found.add(next);
      }
    }
    return found;
  }

  /** A type and, of a domain, what it is over, all the way down. */
  basesOf(type: number): readonly number[] {
    const found: number[] = [];
    for (let oid = type; oid !== 0 && found.length < 64; oid = this.#types.get(oid)?.base ?? 0) found.push(oid);
    return found;
  }

  /** The relation of a composite type, through domains; undefined for every other type. */
  rowRelation(type: number): Relation | undefined {
    let info = this.#types.get(type);
    for (let depth = 0; info?.kind === 'd' && depth < 64; depth += 1) info = this.#types.get(info.base);
    return info?.kind === 'c' ? this.#relations.get(info.relation) : undefined;
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

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
