// What a statement runs: the functions it names, those behind its casts, comparisons and domains, and those that a write sets off
// (triggers, checks, defaults, indexes), each with what its body reads. Nothing here is seen by the server's tree but the names.
import { known } from '../core/known.ts';
import type { Analysis, ColumnRead, ColumnUse, FunctionUse, RelationName, Unknown } from './analysis.ts';
import type { Node } from './ast.ts';
import type { SessionNames } from './columns-names.ts';
import type { StaticFindings, StaticWitness } from './columns.ts';
import type { FunctionBodies } from './function-bodies.ts';
import { signatureOf } from './functions.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { FunctionInfo } from './schema.ts';
import { checkText, closureOf } from './writes-closure.ts';

/** What a statement's functions come to, its triggers and checks included. */
export interface Run {
  readonly functions: readonly FunctionUse[];
  readonly reads: readonly ColumnRead[];
  readonly relations: readonly RelationName[];
  readonly writes: Analysis['writes'];
  readonly domains: readonly number[];
  readonly unknowns: readonly Unknown[];
}

export interface RunTools {
  readonly index: SchemaIndex;
  readonly witness: StaticWitness;
  readonly bodies: FunctionBodies;
  parse(sql: string): Node | undefined;
}

interface Expression {
  readonly functions: readonly FunctionInfo[];
  readonly types: readonly number[];
}

/** One per snapshot: expressions of the schema's own are read once. */
export class Runs {
  readonly #tools: RunTools;
  readonly #expressions = new Map<string, Expression | undefined>();

  constructor(tools: RunTools) {
    this.#tools = tools;
  }

  of(found: StaticFindings, session: SessionNames): Run {
    const { index, bodies } = this.#tools;
    const temporary = session.temp.known ? session.temp.value : [];
    const closure = closureOf(index, found.writes, temporary);
    const one = new OneRun(index);
    one.functions(
      found.calls.flatMap((call) => call.candidates),
      'named',
    );
    one.functions(closure.triggers, 'surely');
    one.types([...found.types, ...closure.types, ...(populates(found) ? typesOf(index, found.reads) : [])]);
    for (const type of [...typesOf(index, found.reads.filter(isCompared)), ...closure.types]) one.compared(type);
    let complete = closure.complete;
    const expressions = closure.expressions.map(({ text, relation }) => rowExpression(text, relation));
    for (;;) {
      expressions.push(...one.checksDue());
      const sql = expressions.pop();
      if (sql === undefined) break;
      const inside = this.#expression(sql);
      // An expression that cannot be read may run anything: skipping it would take "not known" for "none".
      if (inside === undefined) complete = 'no';
      one.functions(inside?.functions ?? [], 'surely');
      one.types(inside?.types ?? []);
    }
    const reads: ColumnRead[] = [];
    const relations: RelationName[] = [];
    const functions = one.callees().map((callee): FunctionUse => {
      const called = bodies.called(callee, session);
      reads.push(...called.reads);
      relations.push(...called.relations);
      const use = {
        schema: callee.schema,
        name: callee.name,
        signature: signatureOf(callee, index),
        nature: called.nature,
      };
      return one.isSure(callee) ? use : { ...use, settledBy: 'tree' };
    });
    const why = found.writes.length > 0 ? 'what the write sets off' : 'what the values are checked by';
    const unknowns = complete === 'yes' ? [] : [{ why: `${why} cannot be followed to its end`, at: undefined }];
    return { functions, reads, relations, writes: closure.writes, domains: one.domains(), unknowns };
  }

  /** The columns there belong to the row that is written; what matters is what runs. Undefined: not readable for sure. */
  #expression(sql: string): Expression | undefined {
    if (this.#expressions.has(sql)) return this.#expressions.get(sql);
    const node = this.#tools.parse(sql);
    const names: SessionNames = { searchPath: known([]), role: '', temp: known([]) };
    const found = node === undefined ? undefined : this.#tools.witness.analyse(node, names);
    const readable = found !== undefined && found.unknowns.length === 0;
    const made = readable
      ? { functions: found.calls.flatMap((call) => call.candidates), types: found.types }
      : undefined;
    this.#expressions.set(sql, made);
    return made;
  }
}

/** One statement's callees and domains, each once. */
class OneRun {
  readonly #index: SchemaIndex;
  readonly #callees = new Map<number, FunctionInfo>();
  readonly #sure = new Set<number>();
  readonly #domains = new Set<number>();
  readonly #due: number[] = [];

  constructor(index: SchemaIndex) {
    this.#index = index;
  }

  /** `named`: could be meant by a name of the text. `surely`: runs, and stands in no tree. */
  functions(list: readonly FunctionInfo[], how: 'named' | 'surely'): void {
    for (const callee of list) {
      if (how === 'surely') this.#sure.add(callee.oid);
      if (this.#callees.has(callee.oid)) continue;
      this.#callees.set(callee.oid, callee);
      // A value becomes an argument or a result of a domain by passing its checks.
      this.types([callee.returns, ...callee.arguments.map((argument) => argument.type)]);
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

  checksDue(): readonly string[] {
    const due = this.#due.splice(0);
    if (due.length === 0) return [];
    const checks = this.#index.snapshot.constraints.filter(
      (each) => each.kind === 'check' && due.includes(each.domain),
    );
    // A definition that is not read as a check becomes a text that does not parse, and so is not known.
    return checks.map((check) => `SELECT (${checkText(check) ?? ''}) FROM (SELECT NULL) AS checked(value)`);
  }

  isSure(callee: FunctionInfo): boolean {
    return this.#sure.has(callee.oid);
  }

  callees(): readonly FunctionInfo[] {
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

function typesOf(index: SchemaIndex, reads: readonly ColumnRead[]): readonly number[] {
  if (!index.hasUserTypes) return [];
  return reads.flatMap(({ column }) => {
    const relation = index.relationsNamed(column.relation.name).find((each) => each.schema === column.relation.schema);
    return relation?.attributes.find((each) => each.name === column.column)?.type ?? [];
  });
}
