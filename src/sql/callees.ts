// Which functions stand behind what was found: those that are named, those behind casts, comparisons and domains, and those that a
// write sets off (triggers and their conditions, checks, defaults, indexes). What each of them does is function-bodies.ts's to say.
import { known } from '../core/known.ts';
import type { ColumnRead, ColumnUse, ColumnWrite, RelationName } from './analysis.ts';
import type { Node } from './ast.ts';
import type { SessionNames } from './columns-names.ts';
import type { StaticFindings, StaticWitness } from './columns.ts';
import { natureByCatalog } from './functions.ts';
import { firstUserOid, type SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Relation } from './schema.ts';
import { closureOf, inIndexes, inRows, type Closure } from './writes-closure.ts';
import { asksForChange } from './trigger-conditions.ts';
import { checkText, toldReads } from './writes-telling.ts';

export interface Callee {
  readonly function: FunctionInfo;
  /** `named`: a name or operator of the text could mean it, and the server's tree says whether. `surely`: it stands in no tree. */
  readonly how: 'named' | 'surely';
}

export interface Behind {
  readonly callees: readonly Callee[];
  /** Writes that foreign keys make in other tables. */
  readonly writes: readonly ColumnWrite[];
  /** Domains whose checks are among the callees. */
  readonly domains: readonly number[];
  /** Columns about whose values it says something that a write succeeds or fails. */
  readonly tells: readonly ColumnRead[];
  readonly complete: 'yes' | 'no';
}

export interface CalleeTools {
  readonly index: SchemaIndex;
  readonly witness: StaticWitness;
  parse(sql: string): Node | undefined;
}

interface Expression {
  /** Columns of the row that it looks at. */
  readonly columns: readonly string[];
  readonly functions: readonly FunctionInfo[];
  readonly types: readonly number[];
}

/** One per snapshot: expressions of the schema's own are read once. */
export class Callees {
  readonly #tools: CalleeTools;
  readonly #expressions = new Map<string, Expression | undefined>();
  readonly #implicit: readonly FunctionInfo[];
  /** What event triggers run when anything is defined. Those that an extension brought in compiled code are the server's machinery. */
  readonly onDefinitions: readonly Callee[];

  constructor(tools: CalleeTools) {
    this.#tools = tools;
    const { index } = tools;
    this.#implicit = index.snapshot.casts
      .filter((each) => each.context !== 'explicit' && each.function >= firstUserOid)
      .flatMap((each) => index.function(each.function) ?? [])
      .filter((each) => natureByCatalog(each, index) !== 'pure');
    this.onDefinitions = index.snapshot.eventTriggers
      .filter(({ enabled, event }) => enabled && event !== 'login')
      .flatMap((each) => index.function(each.function) ?? [])
      .filter(({ language, extension }) => language !== 'c' || extension === '')
      .map((callee) => ({ function: callee, how: 'surely' }));
  }

  /** `within`: the function whose body this was found in; it does not cast its own casting. */
  behind(found: StaticFindings, temporary: readonly Relation[], within?: FunctionInfo): Behind {
    const { index } = this.#tools;
    const closure = closureOf(index, found.writes, temporary);
    const one = new Gathering(index);
    one.functions(
      found.calls.flatMap((call) => call.candidates),
      'named',
    );
    // A value is cast on its way (an argument, an assignment, a comparison) where no text says so.
    one.functions(
      this.#implicit.filter((each) => each !== within),
      'named',
    );
    one.functions(closure.triggers, 'surely');
    one.types([...found.types, ...closure.types, ...(populates(found) ? typesOf(index, found.reads, temporary) : [])]);
    const compared = found.reads.filter(isCompared);
    for (const type of [...typesOf(index, compared, temporary), ...closure.types]) one.compared(type);
    if (one.hasBodies)
      for (const type of [...found.worked, ...found.types, ...handed(found), ...keyTypes(index, found)])
        one.touched(type);
    for (const relation of found.truncates) one.functions(truncating(index, relation), 'surely');
    let complete = closure.complete;
    const expressions = closure.expressions.map(({ text, relation }) => rowExpression(text, relation));
    for (const [named, what] of found.evaluates) {
      for (const relation of [named, ...index.kin(named.oid)]) {
        const texts = [...inIndexes(index, relation), ...(what === 'all' ? inRows(index, relation) : [])];
        expressions.push(...texts.map((text) => rowExpression(text, relation)));
        const types = relation.attributes.map(({ type }) => type);
        if (what === 'all') one.types(types);
        for (const type of types) one.compared(type);
      }
    }
    const take = (inside: Expression | undefined): void => {
      // An expression that cannot be read may run anything: skipping it would take "not known" for "none".
      if (inside === undefined) complete = 'no';
      one.functions(inside?.functions ?? [], 'surely');
      one.types(inside?.types ?? []);
    };
    for (const { definition, relation } of closure.conditions) take(this.#condition(definition, relation));
    for (;;) {
      expressions.push(...one.checksDue());
      const sql = expressions.pop();
      if (sql === undefined) break;
      take(this.#expression(sql));
    }
    return {
      callees: one.callees(),
      writes: closure.writes,
      domains: one.domains(),
      tells: this.#tells(closure),
      complete,
    };
  }

  /** Functions that the checks of domains inside these types call. */
  checking(types: readonly number[]): readonly FunctionInfo[] | 'not known' {
    const one = new Gathering(this.#tools.index);
    one.types(types);
    for (const sql of one.checksDue()) {
      const inside = this.#expression(sql);
      if (inside === undefined) return 'not known';
      one.functions(inside.functions, 'surely');
      one.types(inside.types);
    }
    // A check that makes values of further domains is followed no further.
    return one.checksDue().length > 0 ? 'not known' : one.callees().map((callee) => callee.function);
  }

  /** A check tells about the columns that stand there when it also sees one that was given. */
  #tells(closure: Closure): readonly ColumnRead[] {
    const told = new Map(closure.tells.map((each) => [`${each.relation.oid} ${each.attribute.num}`, each]));
    for (const { text, relation, given, filled, more = [] } of closure.tellingChecks) {
      const seen = this.#expression(rowExpression(text, relation))?.columns ?? [];
      const attributes = relation.attributes.filter((each) => seen.includes(each.name));
      if (filled.size > 0 && !attributes.some((each) => filled.has(each.num))) continue;
      for (const attribute of [...attributes, ...relation.attributes.filter(({ num }) => more.includes(num))])
        if (!given.has(attribute.num)) told.set(`${relation.oid} ${attribute.num}`, { relation, attribute });
    }
    for (const { definition, relation, event, filled } of closure.conditions) {
      // Of a new row the asker knows everything.
      if (event === 'insert') continue;
      const isChange = event === 'update' && asksForChange(this.#whenOf(definition));
      const seen = this.#condition(definition, relation)?.columns ?? [];
      for (const attribute of relation.attributes)
        if (seen.includes(attribute.name) && (!isChange || filled.has(attribute.num)))
          told.set(`${relation.oid} ${attribute.num}`, { relation, attribute });
    }
    return toldReads([...told.values()], this.#tools.index);
  }

  /** The columns there belong to the row that is written; what matters is what runs. Undefined: not readable for sure. */
  #expression(sql: string): Expression | undefined {
    if (this.#expressions.has(sql)) return this.#expressions.get(sql);
    const node = this.#tools.parse(sql);
    const made = node === undefined ? undefined : expressionOf(this.#tools.witness.analyse(node, nobody));
    this.#expressions.set(sql, made);
    return made;
  }

  #whenOf(definition: string): Node | undefined {
    return this.#tools.parse(definition)?.CreateTrigStmt?.whenClause;
  }

  /** WHEN of a trigger, from its printed definition. */
  #condition(definition: string, relation: Relation): Expression | undefined {
    if (this.#expressions.has(definition)) return this.#expressions.get(definition);
    const clause = this.#whenOf(definition);
    const node: Node | undefined =
      clause === undefined ? undefined : { SelectStmt: { targetList: [{ ResTarget: { val: clause } }] } };
    const rows = ['old', 'new'].map((name) => ({ name, relations: [relation] }));
    const made =
      node === undefined
        ? undefined
        : expressionOf(this.#tools.witness.analyse(node, nobody, { scalars: [], qualifiers: [], rows }));
    this.#expressions.set(definition, made);
    return made;
  }
}

/** Printed expressions have qualified names. */
const nobody: SessionNames = { searchPath: known([]), role: '', temp: known([]) };

function expressionOf(found: StaticFindings): Expression | undefined {
  if (found.unknowns.length > 0) return undefined;
  const functions = found.calls.flatMap((call) => call.candidates);
  return { columns: found.reads.map((read) => read.column.column), functions, types: found.types };
}

/** One statement's callees and domains, each once. */
class Gathering {
  readonly #index: SchemaIndex;
  readonly #callees = new Map<number, Callee>();
  readonly #domains = new Set<number>();
  readonly #due: number[] = [];

  constructor(index: SchemaIndex) {
    this.#index = index;
  }

  functions(list: readonly FunctionInfo[], how: Callee['how']): void {
    for (const callee of list) {
      const before = this.#callees.get(callee.oid);
      if (before !== undefined && (before.how === 'surely' || how === 'named')) continue;
      this.#callees.set(callee.oid, { function: callee, how });
      // A value becomes an argument or a result of a domain by passing its checks.
      if (before === undefined) this.types(typesAt(callee));
    }
  }

  types(list: readonly number[]): void {
    for (const type of list) {
      for (const domain of this.#index.domainsIn(type)) {
        if (this.#domains.has(domain)) continue;
        this.#domains.add(domain);
        this.#due.push(domain);
      }
    }
  }

  /** Comparing, sorting, hashing and indexing values of such a type runs its operator class's functions. */
  compared(type: number): void {
    const compared = this.#index.comparedBy(type).flatMap((oid) => this.#index.function(oid) ?? []);
    this.functions(compared, 'surely');
  }

  /** Whether comparing any type runs what somebody wrote in SQL or plpgsql: hardly any database has such a class. */
  get hasBodies(): boolean {
    return this.#index.comparesByBody;
  }

  /**
   * `greatest(a, b)`, `max(row)`, `array @> array` compare where no clause says so. Code in C that an extension's class brings is left
   * out here: it computes, and no value of PostGIS could be shown without its word.
   */
  touched(type: number): void {
    const compared = this.#index.comparedBy(type).flatMap((oid) => this.#index.function(oid) ?? []);
    const written = compared.filter((each) => natureByCatalog(each, this.#index) === 'body');
    this.functions(written, 'surely');
  }

  checksDue(): readonly string[] {
    const due = this.#due.splice(0);
    if (due.length === 0) return [];
    const checks = this.#index.snapshot.constraints.filter(
      (each) => each.kind === 'check' && due.includes(each.domain),
    );
    // A definition that is not read as a check becomes a text that does not parse, and so is not known.
    return checks.map((check) => `SELECT (${checkText(check) ?? ''}) FROM (SELECT NULL) AS checked(value)`);
  }

  callees(): readonly Callee[] {
    return [...this.#callees.values()];
  }

  domains(): readonly number[] {
    return [...this.#domains];
  }
}

function rowExpression(text: string, relation: RelationName): string {
  return `SELECT (${text}) FROM ${quoted(relation.schema)}.${quoted(relation.name)}`;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const comparing: ReadonlySet<ColumnUse> = new Set(['filter', 'join', 'group', 'order']);

function isCompared(read: ColumnRead): boolean {
  return read.uses.some((use) => comparing.has(use));
}

/** `json_populate_record(row, …)` and kin make values of the row's own types. */
function populates(found: StaticFindings): boolean {
  return found.calls.some((call) => /populate_record(?:set)?$/.test(call.names.at(-1) ?? ''));
}

function typesOf(index: SchemaIndex, reads: readonly ColumnRead[], temporary: readonly Relation[]): readonly number[] {
  if (!index.hasUserTypes) return [];
  return reads.flatMap(({ column }) =>
    namedBy(index, column.relation, temporary).flatMap(
      ({ attributes }) => attributes.find((each) => each.name === column.column)?.type ?? [],
    ),
  );
}

const typesAt = (callee: FunctionInfo): readonly number[] => [
  callee.returns,
  ...callee.arguments.map((argument) => argument.type),
];

/** Of what the text calls; casts that might stand between are of any type, and would make every text compare everything. */
const handed = (found: StaticFindings): readonly number[] =>
  found.calls.flatMap((call) => call.candidates).flatMap(typesAt);

/** Of partition keys: the server sorts the bounds of the partitions when it looks at the table at all. */
function keyTypes(index: SchemaIndex, found: StaticFindings): readonly number[] {
  const named = [...found.reads, ...found.writes].map(({ column }) => column.relation);
  return [...named, ...found.relations, ...found.wholeTables].flatMap((name) =>
    namedBy(index, name, []).flatMap(({ oid, kind, attributes }) => {
      const key = kind === 'p' ? index.indexesOf(oid).filter((each) => each.name === '') : [];
      const columns = new Set(key.flatMap((each) => each.columns));
      return attributes.filter(({ num }) => columns.has(num)).map(({ type }) => type);
    }),
  );
}

function namedBy(index: SchemaIndex, name: RelationName, temporary: readonly Relation[]): readonly Relation[] {
  return [...index.relationsNamed(name.name), ...temporary].filter(
    (each) => each.schema === name.schema && each.name === name.name,
  );
}

/** pg_trigger.tgtype. */
const truncateBit = 32;

function truncating(index: SchemaIndex, relation: Relation): readonly FunctionInfo[] {
  return index.snapshot.triggers
    .filter((each) => each.relation === relation.oid && each.enabled && (each.bits & truncateBit) !== 0)
    .flatMap((each) => index.function(each.function) ?? []);
}
