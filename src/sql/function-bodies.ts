// Functions of users, read by their bodies: what a body in SQL or plpgsql reads is read by whoever calls it. A body that cannot be read whole
// (another language, dynamic SQL, a name that does not resolve) makes the function not known; nothing is guessed.
import { known, notKnown } from '../core/known.ts';
import type { ColumnRead, ColumnWrite, Flow, RelationName } from './analysis.ts';
import type { Callees } from './callees.ts';
import type { Node } from './ast.ts';
import type { SessionNames } from './columns-names.ts';
import type { Variables } from './columns-variables.ts';
import type { StaticWitness } from './columns.ts';
import { natureByCatalog, type Nature } from './functions.ts';
import { readPlpgsql } from './plpgsql.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Relation } from './schema.ts';
import { parseNameList, settingJudged } from './settings.ts';
import type { StatementFacts } from './statement.ts';

/** What calling a function comes to. */
export interface Called {
  readonly nature: Nature;
  readonly reads: readonly ColumnRead[];
  readonly relations: readonly RelationName[];
  /** Of a trigger: rows that it writes elsewhere, and what of its own row goes there. */
  readonly writes: readonly ColumnWrite[];
  readonly flows: readonly Flow[];
  /** Of these writes: columns about whose values it says something that they succeed. */
  readonly tells: readonly ColumnRead[];
}

export interface BodyTools {
  readonly index: SchemaIndex;
  readonly witness: StaticWitness;
  readonly callees: Callees;
  /** Of the server's own major; undefined when the text does not parse. */
  parse(sql: string): readonly Node[] | undefined;
  facts(node: Node): StatementFacts;
}

interface Statement {
  readonly node: Node;
  readonly variables: Variables | undefined;
}

/** With transition tables; or put off until COMMIT, when names may lead elsewhere than where the write was judged. */
const runsUnread = /\bREFERENCING\b|(?<!\bNOT )\bDEFERRABLE INITIALLY\b/;

/** What plpgsql gives a trigger. */
const triggerVariables =
  'new old tg_name tg_when tg_level tg_op tg_relid tg_relname tg_table_name tg_table_schema tg_nargs tg_argv'.split(
    ' ',
  );

const unknown: Called = { nature: 'unknown', reads: [], relations: [], writes: [], flows: [], tells: [] };

/** Functions calling functions: deeper than this nobody looked. */
const depthMax = 16;

/** One per snapshot, so what was learned about a body is forgotten with it; a changed function is a changed snapshot. */
export class FunctionBodies {
  readonly #tools: BodyTools;
  readonly #learned = new Map<string, Called>();
  /** By the catalog alone; undefined: by its body. Every statement calls something, and asking the lists takes dozens of patterns. */
  readonly #byCatalog = new Map<FunctionInfo, Called | undefined>();

  constructor(tools: BodyTools) {
    this.#tools = tools;
  }

  called(callee: FunctionInfo, session: SessionNames, depth = 0): Called {
    const said = this.#saidOf(callee);
    if (said !== undefined) return said;
    const readable = callee.language === 'sql' || callee.language === 'plpgsql';
    if (!readable || depth >= depthMax) return unknown;
    const names = this.#names(callee, session);
    const key = `${callee.oid} ${names.role} ${JSON.stringify(names.searchPath)}`;
    const before = this.#learned.get(key);
    if (before !== undefined) return before;
    // A function that calls itself: not known while it is being read.
    this.#learned.set(key, unknown);
    const learned = this.#read(callee, names, depth);
    this.#learned.set(key, learned);
    // Temporary relations are the session's own and change under the same key.
    if (session.temp.known && session.temp.value.length > 0) this.#learned.delete(key);
    return learned;
  }

  #saidOf(callee: FunctionInfo): Called | undefined {
    const before = this.#byCatalog.get(callee);
    if (before !== undefined || this.#byCatalog.has(callee)) return before;
    const nature = natureByCatalog(callee, this.#tools.index);
    const said = nature === 'body' ? undefined : { ...unknown, nature };
    this.#byCatalog.set(callee, said);
    return said;
  }

  /** The names in a body mean what its own search_path says, else the caller's; printed bodies are qualified. */
  #names(callee: FunctionInfo, session: SessionNames): SessionNames {
    if (callee.atomicBody !== undefined) return { ...session, searchPath: known([]) };
    const own = callee.config.find((each) => each.startsWith('search_path='));
    const path = own === undefined ? undefined : parseNameList(own.slice('search_path='.length));
    if (own === undefined) return session;
    return { ...session, searchPath: path === undefined ? notKnown('search_path of the function') : known(path) };
  }

  #read(callee: FunctionInfo, names: SessionNames, depth: number): Called {
    const statements = this.#statements(callee);
    const reads: ColumnRead[] = [];
    const relations: RelationName[] = [];
    if (statements.length === 0) return unknown;
    const [writes, flows]: [ColumnWrite[], Flow[]] = [[], []];
    const tells: ColumnRead[] = [];
    const calls: FunctionInfo[] = [];
    for (const { node, variables } of statements) {
      const facts = this.#tools.facts(node);
      const found = this.#tools.witness.analyse(node, names, variables);
      if (facts.unknowns.length > 0 || found.unknowns.length > 0 || found.wholeTables.length > 0) return unknown;
      if (found.writes.length > 0 || facts.kinds.some((kind) => kind !== 'read')) {
        // A trigger that keeps a record of its row. Every other write is more than a function says by its name.
        if ((variables?.rows.length ?? 0) === 0 || !keepsRow(node)) return unknown;
      }
      if (found.calls.some((call) => call.candidates.length === 0)) return unknown;
      const behind = this.#tools.callees.behind(found, names.temp.known ? names.temp.value : [], callee);
      if (behind.complete === 'no') return unknown;
      const moved = found.writes.length === 0 ? [] : found.flows;
      writes.push(...found.writes, ...behind.writes);
      flows.push(...moved);
      tells.push(...behind.tells);
      reads.push(...found.reads.filter((read) => !isOnlyMoved(read, moved)));
      relations.push(...found.relations);
      calls.push(...behind.callees.map((each) => each.function));
    }
    for (const inner of new Set(calls)) {
      const called = this.called(inner, names, depth + 1);
      if (called.nature !== 'pure' && called.nature !== 'reads') return unknown;
      reads.push(...called.reads);
      relations.push(...called.relations);
      writes.push(...called.writes);
      flows.push(...called.flows);
      tells.push(...called.tells);
    }
    const touches = reads.length + relations.length + writes.length > 0;
    return { nature: touches ? 'reads' : 'pure', reads, relations, writes, flows, tells };
  }

  /** The statements of the body and the defaults of its arguments; none: it cannot be read. */
  #statements(callee: FunctionInfo): readonly Statement[] {
    // A definer's rights change which row security applies; settings of its own may change how its text is read.
    if (callee.securityDefiner && this.#hasRowSecurity()) return [];
    if (!callee.config.every(isPlainSetting)) return [];
    const body = callee.language === 'plpgsql' ? this.#plpgsql(callee) : this.#sql(callee);
    const defaults = callee.defaultsText === '' ? [] : this.#tools.parse(`SELECT ${callee.defaultsText}`);
    if (body.length === 0 || defaults === undefined) return [];
    return [...body, ...defaults.map((node) => ({ node, variables: undefined }))];
  }

  /** A column comes before a parameter of its name; what is neither does not resolve, and such a body is not known. */
  #sql(callee: FunctionInfo): readonly Statement[] {
    const scalars = callee.arguments.map((argument) => argument.name).filter((name) => name !== '');
    const variables: Variables = { scalars, qualifiers: [callee.name], rows: [] };
    return (this.#tools.parse(bodyText(callee)) ?? []).map((node) => ({ node, variables }));
  }

  #plpgsql(callee: FunctionInfo): readonly Statement[] {
    const trigger = this.#triggerOf(callee);
    if (trigger === 'not known') return [];
    const names = callee.arguments.map((argument) => argument.name);
    const isTrigger = trigger.length > 0;
    const read = readPlpgsql({
      body: callee.body,
      parameters: isTrigger ? [...names, ...triggerVariables] : names,
      returns: isTrigger ? 'row of a trigger' : 'value',
    });
    if (!read.known) return [];
    const rows = isTrigger ? ['new', 'old'].map((name) => ({ name, relations: trigger })) : [];
    const qualifiers = [callee.name, ...read.value.labels];
    const variables: Variables = { scalars: read.value.variables, qualifiers, rows };
    const statements: Statement[] = [];
    for (const sql of read.value.sql) {
      const [node, more] = this.#tools.parse(sql) ?? [];
      if (node === undefined || more !== undefined) return [];
      statements.push({ node, variables });
    }
    // A body of nothing but NULL reads nothing, and that is known.
    return statements.length > 0 ? statements : [{ node: { SelectStmt: {} }, variables }];
  }

  /** The tables that a trigger's function is put on; none: it is no trigger's. Transition tables hide tables of the same name. */
  #triggerOf(callee: FunctionInfo): readonly Relation[] | 'not known' {
    const { index } = this.#tools;
    if (index.type(callee.returns)?.name === 'event_trigger') return 'not known';
    if (index.type(callee.returns)?.name !== 'trigger') return [];
    const triggers = index.snapshot.triggers.filter((each) => each.function === callee.oid);
    if (triggers.length === 0 || triggers.some((each) => runsUnread.test(each.definition))) return 'not known';
    const relations = triggers.map((each) => index.relation(each.relation));
    const known = relations.filter((each) => each !== undefined);
    return known.length === relations.length ? known : 'not known';
  }

  #hasRowSecurity(): boolean {
    return this.#tools.index.snapshot.relations.some((relation) => relation.rowSecurity !== 'no');
  }
}

/** INSERT … VALUES and nothing around it: what stands there goes into the row, and nowhere else. */
function keepsRow(node: Node): boolean {
  const insert = node.InsertStmt;
  if (insert?.selectStmt?.SelectStmt?.valuesLists === undefined) return false;
  const more = ['withClause', 'onConflictClause', 'returningList', 'returningClause'];
  return !Object.keys(insert).some((key) => more.includes(key));
}

/** Read for nothing but to be written elsewhere. Whether it may stand there is a question of levels, and so the judge's. */
function isOnlyMoved(read: ColumnRead, flows: readonly Flow[]): boolean {
  const same = (flow: Flow): boolean =>
    flow.from.column === read.column.column &&
    flow.from.relation.name === read.column.relation.name &&
    flow.from.relation.schema === read.column.relation.schema;
  return read.uses.every((use) => use === 'other') && flows.some(same);
}

/** `BEGIN ATOMIC … END` and `RETURN …` are not statements by themselves. */
function bodyText(callee: FunctionInfo): string {
  const atomic = callee.atomicBody?.trim();
  if (atomic === undefined) return callee.body;
  const inner = /^BEGIN ATOMIC\b([^]*)\bEND$/i.exec(atomic)?.[1];
  return inner ?? atomic.replace(/^RETURN\b/i, 'SELECT');
}

function isPlainSetting(setting: string): boolean {
  const name = setting.slice(0, setting.indexOf('='));
  return settingJudged({ name, value: undefined }).kind === 'session';
}
