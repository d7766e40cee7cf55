// What a DROP takes along that it does not name: partitions and children, what lies in a schema or belongs to a role, and with CASCADE
// whatever is made of it: views, columns of a type, and the rules, policies, defaults, checks and triggers of tables that go on without them.
//
// The attack: a rule that lets an agent drop what is in its own corner, and a CASCADE that reaches into everybody else's. So this is never
// too little: a definition counts as made of a thing when it only mentions its name.
import type { RelationName } from './analysis.ts';
import { namesOf, type Node } from './ast.ts';
import type { AlterTableStmt, DropStmt } from './ast-ddl.ts';
import type { DropOwnedStmt } from './ast-utility.ts';
import type { State } from './columns-state.ts';
import { firstUserOid, type SchemaIndex } from './schema-index.ts';
import { nameOf, type FunctionInfo, type Relation, type RuleInfo } from './schema.ts';

/** Views over views over more of them are not looked through. */
const roundsMax = 32;

const isCascade = (behavior: string | undefined): boolean => behavior === 'DROP_CASCADE';

export function dropped(state: State, { objects = [], removeType = '', behavior }: DropStmt): void {
  const gone = new Gone(state.names.index);
  const meant = meantBy[removeType];
  for (const object of objects) meant?.(state, namesIn(object), gone);
  if (isCascade(behavior) && meant === undefined && !barren.has(removeType))
    state.unknown(
      `what DROP ${removeType.replace(/^OBJECT_/, '').replaceAll('_', ' ')} … CASCADE takes along is not read`,
    );
  gone.tell(state, behavior);
}

/** Without CASCADE it fails where others hang on something; types are not known by their owners. */
export function ownedDropped(state: State, { roles = [], behavior }: DropOwnedStmt): void {
  if (isCascade(behavior)) state.unknown('what DROP OWNED … CASCADE takes along is not read');
  const { index, role } = state.names;
  const names = roles.map(({ RoleSpec: spec }) => (spec?.roletype === 'ROLESPEC_CSTRING' ? spec.rolename : role));
  const owners = new Set(index.snapshot.roles.filter(({ name }) => names.includes(name)).map(({ oid }) => oid));
  const gone = new Gone(index);
  for (const relation of index.snapshot.relations) if (owners.has(relation.owner)) gone.relation(relation);
  gone.tell(state, behavior);
}

/** A column goes from all that inherit it; with CASCADE, what is made of it goes as well. */
export function alteredAlong(state: State, { relation, cmds = [] }: AlterTableStmt): void {
  const commands = cmds.flatMap(({ AlterTableCmd: command }) => command ?? []);
  const behavior = commands.some((command) => isCascade(command.behavior)) ? 'DROP_CASCADE' : undefined;
  const isInherited = relation?.inh === true && commands.some(({ subtype }) => inherited.test(subtype ?? ''));
  if (behavior === undefined && !isInherited) return;
  const gone = new Gone(state.names.index);
  const due = [...state.names.relations(relation?.relname ?? '', relation?.schemaname)];
  for (const each of due) {
    gone.part(each, 'columns');
    if (isInherited) due.push(...state.names.index.childrenOf(each.oid));
  }
  gone.tell(state, behavior);
}

const inherited = /^AT_(?:DropColumn|AlterColumnType)$/;

function namesIn(object: Node): readonly string[] {
  const { List: list, ObjectWithArgs: called, TypeName: type } = object;
  return namesOf(list?.items ?? called?.objname ?? type?.names ?? [object]) ?? [];
}

/** Nothing is made of these. */
const barren: ReadonlySet<string> = new Set(
  ['CONVERSION', 'EVENT_TRIGGER', 'PUBLICATION', 'STATISTIC_EXT', 'SUBSCRIPTION'].map((kind) => `OBJECT_${kind}`),
);

type MeantBy = (state: State, names: readonly string[], gone: Gone) => void;

const relations: MeantBy = ({ names: known }, names, gone) => {
  for (const each of known.relations(names.at(-1) ?? '', names.at(-2))) gone.relation(each);
};

const functions: MeantBy = ({ names: { index } }, names, gone) => {
  for (const each of index.functionsNamed(names.at(-1) ?? '')) {
    if (names.length === 1 || each.schema === names.at(-2)) gone.function(each);
  }
};

const types: MeantBy = ({ names: { index } }, names, gone) => {
  for (const each of index.typesNamed(names.at(-1) ?? '')) {
    if (names.length === 1 || each.schema === names.at(-2)) gone.type(each.oid);
  }
};

/** The table comes first, and then what hangs on it. */
const onRelation: MeantBy = ({ names: known }, names, gone) => {
  for (const each of known.relations(names.at(-2) ?? '', names.at(-3))) gone.part(each, 'else');
};

const indexes: MeantBy = ({ names: { index } }, names, gone) => {
  for (const each of index.snapshot.indexes) {
    const relation = each.name === names.at(-1) ? index.relation(each.relation) : undefined;
    // A key over it, or a view that counts on it, goes as well.
    if (relation !== undefined) gone.part(relation, each.unique ? 'columns' : 'else');
  }
};

const schemas: MeantBy = ({ names: { index } }, [schema], gone) => {
  for (const each of index.snapshot.relations) if (each.schema === schema) gone.relation(each);
  for (const each of index.snapshot.functions) if (each.schema === schema) gone.function(each);
  for (const each of index.snapshot.types) if (each.schema === schema) gone.type(each.oid);
  for (const each of index.snapshot.operators) if (each.schema === schema) gone.operator(each.oid);
  for (const each of index.snapshot.extensions) if (each.schema === schema) gone.lose('an extension');
};

const meantBy: Readonly<Partial<Record<string, MeantBy>>> = {
  OBJECT_AGGREGATE: functions,
  OBJECT_DOMAIN: types,
  OBJECT_FOREIGN_TABLE: relations,
  OBJECT_FUNCTION: functions,
  OBJECT_INDEX: indexes,
  OBJECT_MATVIEW: relations,
  OBJECT_POLICY: onRelation,
  OBJECT_PROCEDURE: functions,
  OBJECT_ROUTINE: functions,
  OBJECT_RULE: onRelation,
  OBJECT_SCHEMA: schemas,
  OBJECT_SEQUENCE: relations,
  OBJECT_TABLE: relations,
  OBJECT_TRIGGER: onRelation,
  OBJECT_TYPE: types,
  OBJECT_VIEW: relations,
};

/** Rules of a snapshot are the same objects in the next one as long as they stand. */
const numbersIn = new WeakMap<RuleInfo, ReadonlySet<number>>();

function numbersOf(rule: RuleInfo): ReadonlySet<number> {
  const found =
    numbersIn.get(rule) ?? new Set(Array.from(rule.tree.matchAll(/ (\d{5,10})\b/g), ([, digits]) => Number(digits)));
  numbersIn.set(rule, found);
  return found;
}

class Gone {
  readonly #index: SchemaIndex;
  readonly #oids = new Set<number>();
  readonly #names = new Set<string>();
  readonly #relations = new Set<Relation>();
  #unread: string | undefined;

  constructor(index: SchemaIndex) {
    this.#index = index;
  }

  relation(relation: Relation): void {
    if (this.#oids.has(relation.oid)) return;
    this.part(relation, 'columns');
    if (relation.rowType !== 0) this.type(relation.rowType);
    for (const child of this.#index.childrenOf(relation.oid)) this.relation(child);
  }

  /** It stays, without something of it. Of its columns other things may be made. */
  part(relation: Relation, lost: 'columns' | 'else'): void {
    this.#relations.add(relation);
    if (lost === 'columns') this.#add(relation);
  }

  function(info: FunctionInfo): void {
    this.#add(info);
  }

  /** It may be part of an operator class, on which indexes and partition keys hang. */
  operator(oid: number): void {
    this.#oids.add(oid);
    this.lose('an operator');
  }

  /** What hangs on such a thing is not followed. */
  lose(what: string): void {
    this.#unread = what;
  }

  type(oid: number): void {
    const info = this.#index.type(oid);
    if (info === undefined || this.#oids.has(oid)) return;
    this.#add(info);
    for (const other of this.#index.snapshot.types) {
      if (other.element === oid || other.base === oid || other.subtype === oid) this.type(other.oid);
    }
    // A composite type that is gone by itself.
    const own = info.kind === 'c' ? this.#index.relation(info.relation) : undefined;
    if (own?.kind === 'c') this.part(own, 'columns');
  }

  tell(state: State, behavior: string | undefined): void {
    if (isCascade(behavior)) {
      if (!this.#followed()) state.unknown('CASCADE goes through more than is followed here');
      if (this.#unread !== undefined) state.unknown(`what CASCADE takes along with ${this.#unread} is not read`);
    }
    for (const relation of this.#relations) state.whole(nameOf(relation));
  }

  #add({ oid, schema, name }: RelationName & { readonly oid: number }): void {
    this.#oids.add(oid);
    this.#names.add(`${schema}.${name}`);
  }

  #followed(): boolean {
    for (let round = 0; round < roundsMax; round += 1) {
      const size = this.#oids.size;
      this.#follow();
      if (this.#oids.size === size) return true;
    }
    return false;
  }

  #follow(): void {
    const { snapshot } = this.#index;
    const mentions = mentioning(this.#names);
    const lose = (oid: number, isMade: boolean, lost: 'columns' | 'else' = 'else'): void => {
      const relation = isMade ? this.#index.relation(oid) : undefined;
      if (relation !== undefined) this.part(relation, lost);
    };
    for (const rule of snapshot.rules) {
      const relation = this.#isIn(numbersOf(rule)) ? this.#index.relation(rule.relation) : undefined;
      if (relation === undefined) continue;
      if (rule.event === 'select') this.relation(relation);
      else this.part(relation, 'else');
    }
    for (const { relation, foreignRelation, definition } of snapshot.constraints)
      lose(relation, this.#oids.has(foreignRelation) || mentions(definition));
    for (const each of snapshot.policies) lose(each.relation, mentions(each.using) || mentions(each.check));
    for (const each of snapshot.triggers)
      lose(each.relation, this.#oids.has(each.function) || mentions(each.definition));
    for (const each of snapshot.indexes) lose(each.relation, mentions(each.expressions) || mentions(each.predicate));
    for (const relation of snapshot.relations) {
      const { oid, attributes } = relation;
      lose(
        oid,
        attributes.some(({ expression }) => mentions(expression)),
      );
      lose(
        oid,
        attributes.some((each) => this.#oids.has(each.type) || (each.generated !== 'no' && mentions(each.expression))),
        'columns',
      );
    }
    for (const each of snapshot.functions) {
      if (each.oid < firstUserOid) continue;
      const isOf = each.arguments.some(({ type }) => this.#oids.has(type)) || this.#oids.has(each.returns);
      if (isOf || mentions(each.atomicBody) || mentions(each.defaultsText)) this.function(each);
    }
    for (const each of snapshot.aggregates) {
      const info = each.functions.some((oid) => this.#oids.has(oid)) ? this.#index.function(each.function) : undefined;
      if (info !== undefined) this.function(info);
    }
    for (const each of snapshot.operators) if (this.#oids.has(each.function)) this.operator(each.oid);
    if (snapshot.supportFunctions.some((each) => this.#oids.has(each.function))) this.lose('an operator class');
  }

  #isIn(numbers: ReadonlySet<number>): boolean {
    const [fewer, more] = numbers.size < this.#oids.size ? [numbers, this.#oids] : [this.#oids, numbers];
    for (const each of fewer) if (more.has(each)) return true;
    return false;
  }
}

const pair = /(?:"(?:[^"]|"")+"|[\w$]+)\.(?:"(?:[^"]|"")+"|[\w$]+)/g;

/** Definitions are printed with the schema before each name. */
function mentioning(names: ReadonlySet<string>): (text: string | undefined) => boolean {
  return (text) => text?.match(pair)?.some((each) => names.has(unquoted(each))) ?? false;
}

const unquoted = (pairText: string): string =>
  pairText.replace(/"((?:[^"]|"")+)"/g, (_, inside: string) => inside.replaceAll('""', '"'));
