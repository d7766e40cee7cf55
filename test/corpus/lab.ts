// One database session in which statements are resolved by the static witness and by the server, and the two are compared.
// The oracle is asymmetric: equal, more than the server said, or not known are all safe; sure and less is a miss.
import pg from 'pg';
import type { Node } from '../../src/sql/ast.ts';
import { Callees } from '../../src/sql/callees.ts';
import { StaticWitness, type StaticFindings } from '../../src/sql/columns.ts';
import { loadParser, type Parser, type ParserMajor } from '../../src/sql/parser.ts';
import { buildSnapshot, groupText, type GroupTexts } from '../../src/sql/schema-build.ts';
import { SchemaIndex } from '../../src/sql/schema-index.ts';
import { snapshotQueries, type SnapshotPart } from '../../src/sql/schema-queries.ts';
import type { Relation, Snapshot } from '../../src/sql/schema.ts';
import type { Source } from '../../src/sql/scope.ts';
import { known, notKnown } from '../../src/core/known.ts';
import type { Analysis } from '../../src/sql/analysis.ts';
import { readTree } from '../../src/sql/tree.ts';
import { unite } from '../../src/sql/union.ts';
import { truthOf, truthSettings, type Truth } from './truth.ts';

export type Outcome = 'exact' | 'over' | 'notKnown' | 'missed';

export interface Compared {
  readonly outcome: Outcome;
  readonly sql: string;
  /** What was missed or over, or why it is not known. */
  readonly words: readonly string[];
  /** Not known, and yet everything the server reads was found. */
  readonly complete: boolean;
  /** What both witnesses come to. */
  readonly both?: Both;
}

/** `settled`: not known to the static witness alone. `notKnown`: not known to it, and the tree does not mend that. */
export interface Both {
  readonly outcome: 'agree' | 'settled' | 'notKnown' | 'noTree' | 'disagree';
  readonly words: string;
}

const settings = `SET client_min_messages = warning; SET statement_timeout = '3s'`;

export class Lab {
  readonly client: pg.Client;
  readonly #parser: Parser;
  #system: Snapshot | undefined;
  #witness: { readonly index: SchemaIndex; readonly witness: StaticWitness; readonly callees: Callees } | undefined;
  #path: readonly string[] = [];
  /** Whose row security is looked at. */
  #role: string | undefined;
  #current = 'postgres';
  learned = 0;

  private constructor(client: pg.Client, parser: Parser) {
    this.client = client;
    this.#parser = parser;
    client.on('error', () => undefined);
  }

  static async open(url: string, major: ParserMajor, system?: Snapshot): Promise<Lab> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const lab = new Lab(client, await loadParser(major));
    lab.#system = system;
    await client.query(truthSettings);
    await lab.#prove();
    return lab;
  }

  /** An oracle that sees nothing would agree with everything: it has to see what is certainly there. */
  async #prove(): Promise<void> {
    const answer = await truthOf(this.client, 'SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relkind = $1');
    const seen = answer.kind === 'truth' ? [...answer.truth.selected] : [];
    const names = await this.client.query<{ key: string }>(
      `SELECT 1259 || '.' || attnum AS key FROM pg_catalog.pg_attribute
       WHERE attrelid = 1259 AND attname IN ('relname', 'relkind') ORDER BY attnum`,
    );
    const wanted = names.rows.map((row) => row.key);
    if (wanted.join() !== seen.join())
      throw new Error(`the oracle is blind: it saw ${seen.join()}, not ${wanted.join()}`);
  }

  get index(): SchemaIndex | undefined {
    return this.#witness?.index;
  }

  /** Resolves as if somebody else asked; the server's tree stays the superuser's. */
  as(role: string): void {
    this.#role = role;
  }

  /** The server's own part of the schema, to be used again by the next session. */
  get system(): Snapshot | undefined {
    return this.#system;
  }

  parse(sql: string): readonly Node[] | undefined {
    const parsed = this.#parser.parse(sql);
    return parsed.kind === 'statements' ? parsed.statements.map((each) => each.node) : undefined;
  }

  /** After DDL, SET search_path and the like: the schema is read again before the next comparison. */
  forget(): void {
    this.#witness = undefined;
  }

  async analyse(node: Node): Promise<Ours> {
    if (this.#witness === undefined) await this.#learn();
    if (this.#witness === undefined) throw new Error('the schema cannot be read in a failed transaction');
    const { index, witness, callees } = this.#witness;
    const temp = index.snapshot.relations.filter((each) => each.persistence === 'temporary');
    const session = { searchPath: known(this.#path), role: this.#role ?? this.#current, temp: known(temp) };
    const findings = witness.analyse(node, session);
    const { domains } = callees.behind(findings, temp);
    return { findings, named: witness.named(node, session), index, temporary: temp, domains };
  }

  /** Undefined when the server refuses the statement or shows no tree of it. */
  async compare(sql: string, node: Node): Promise<Compared | undefined> {
    if (this.#witness === undefined) await this.#learn();
    if (this.#witness === undefined) return undefined;
    const answer = await truthOf(this.client, sql);
    if (answer.kind !== 'truth') return undefined;
    const ours = await this.analyse(node);
    return { ...compare(sql, ours, answer.truth), both: both(ours, answer.truth) };
  }

  async #learn(): Promise<void> {
    const inBlock = await this.client.query('SELECT 1').then(
      () => true,
      () => false,
    );
    if (!inBlock) return;
    this.learned += 1;
    const shown = await this.client.query<{ path: string; role: string }>(
      `SELECT pg_catalog.current_setting('search_path') AS path, current_user::pg_catalog.text AS role`,
    );
    this.#current = shown.rows[0]?.role ?? 'postgres';
    this.#path = pathOf(shown.rows[0]?.path ?? '');
    await this.client.query(settings);
    this.#system ??= buildSnapshot(await this.#rows(() => ''));
    const user = buildSnapshot(await this.#rows(ofUsers));
    await this.client.query(`SELECT pg_catalog.set_config('search_path', $1, false)`, [shown.rows[0]?.path]);
    await this.client.query(truthSettings);
    const snapshot = joined(this.#system, user);
    const index = new SchemaIndex(snapshot);
    const parse = (sql: string): Node | undefined => this.parse(sql)?.[0];
    const witness = new StaticWitness(index, parse);
    this.#witness = { index, witness, callees: new Callees({ index, witness, parse }) };
  }

  /** As `readSnapshot`, but within the session's own transaction, and with its own temporary relations. */
  async #rows(onlyUsers: (part: SnapshotPart) => string): Promise<GroupTexts> {
    await this.client.query(`SET search_path = ''`);
    const texts = new Map<SnapshotPart, ReturnType<typeof groupText>>();
    for (const [part, sql] of Object.entries(snapshotQueries)) {
      const own = sql
        .replace(/(?=ORDER BY)/, onlyUsers(part as SnapshotPart))
        .replaceAll(
          /n\.nspname ~ '\^pg_\(toast_\)\?temp_\[0-9\]\+\$'/g,
          '$& AND n.oid <> pg_catalog.pg_my_temp_schema()',
        );
      const result = await this.client.query<[string]>({ text: own, rowMode: 'array' });
      texts.set(part as SnapshotPart, groupText(part, result.rows[0]?.[0] ?? ''));
    }
    return texts;
  }
}

/** The server's own objects do not change while a corpus runs: reading them once saves most of the time. */
function ofUsers(part: SnapshotPart): string {
  const oids: Partial<Record<SnapshotPart, string>> = {
    functions: 'p.oid',
    types: 't.oid',
    operators: 'o.oid',
    relations: 'c.oid',
    attributes: 'a.attrelid',
  };
  const oid = oids[part];
  return oid === undefined ? '' : `AND ${oid} >= 16384 `;
}

function joined(system: Snapshot, user: Snapshot): Snapshot {
  const own = <T extends { readonly oid: number }>(list: readonly T[]): readonly T[] =>
    list.filter((each) => each.oid < 16384);
  return {
    ...user,
    relations: [...own(system.relations), ...user.relations],
    types: [...own(system.types), ...user.types],
    functions: [...own(system.functions), ...user.functions],
    operators: [...own(system.operators), ...user.operators],
  };
}

/** A search_path as it is shown: names with commas between them, quoted where need be. */
function pathOf(shown: string): readonly string[] {
  return [...shown.matchAll(/"((?:[^"]|"")*)"|[^\s,]+/g)].map((match) => match[1]?.replaceAll('""', '"') ?? match[0]);
}

export interface Ours {
  readonly findings: StaticFindings;
  /** Views not opened, as the server's parse tree has them. */
  readonly named: readonly Source[];
  readonly index: SchemaIndex;
  readonly temporary: readonly Relation[];
  /** Domains whose checks were looked at. */
  readonly domains: readonly number[];
}

export function compare(sql: string, { findings, named, index }: Ours, truth: Truth): Compared {
  const ours = new Set(named.map((source) => `${source.relation.oid}.${source.attribute.num}`));
  const missed = [...truth.selected].filter((each) => !covers(ours, each, index));
  const over = [...ours].filter(
    (each) => !truth.selected.has(each) && !truth.selected.has(each.replace(/\.\d+$/, '.0')),
  );
  const writes = new Set(findings.writes.map((each) => `${each.column.relation.name}.${each.column.column}`));
  const unwritten = [...truth.written].filter((each) => {
    const relation = index.relation(Number(each.split('.')[0]));
    return relation?.kind !== 'v' && !writes.has(wordsOf(each, index));
  });
  const words = (list: readonly string[]): readonly string[] => list.slice(0, 8).map((each) => wordsOf(each, index));
  const less = missed.length + unwritten.length > 0;
  if (findings.unknowns.length > 0) {
    return { outcome: 'notKnown', sql, words: findings.unknowns.map((each) => each.why), complete: !less };
  }
  if (missed.length > 0) return { outcome: 'missed', sql, words: words(missed), complete: false };
  if (unwritten.length > 0)
    return { outcome: 'missed', sql, words: ['written:', ...words(unwritten)], complete: false };
  if (over.length > 0) return { outcome: 'over', sql, words: words(over), complete: true };
  return { outcome: 'exact', sql, words: [], complete: true };
}

/** As the proxy joins them; functions are not looked at here. */
function both({ findings, index, temporary, domains }: Ours, { rewritten }: Truth): Both {
  const before = findings.unknowns[0]?.why;
  const tree = rewritten === undefined ? notKnown('no tree, or several') : readTree(rewritten, 'same');
  if (!tree.known) return { outcome: before === undefined ? 'noTree' : 'notKnown', words: tree.why };
  const analysis: Analysis = {
    ...findings,
    kinds: ['read'],
    command: 'QUERY',
    functions: [],
    domains,
  };
  const { analysis: united, disagreement } = unite(analysis, tree, index, temporary);
  if (disagreement !== undefined) return { outcome: 'disagree', words: disagreement };
  const after = united.unknowns[0]?.why;
  if (after === undefined) return { outcome: before === undefined ? 'agree' : 'settled', words: '' };
  return { outcome: before === undefined ? 'noTree' : 'notKnown', words: after };
}

/** The whole row is covered by all of its columns. */
function covers(ours: ReadonlySet<string>, wanted: string, index: SchemaIndex): boolean {
  if (ours.has(wanted)) return true;
  const [oid = '', num = ''] = wanted.split('.');
  if (num !== '0') return false;
  const relation = index.relation(Number(oid));
  return relation !== undefined && relation.attributes.every((each) => ours.has(`${oid}.${each.num}`));
}

function wordsOf(key: string, index: SchemaIndex): string {
  const [oid = '', num = ''] = key.split('.');
  const relation = index.relation(Number(oid));
  const attribute = relation?.attributes.find((each) => each.num === Number(num));
  return `${relation?.name ?? oid}.${num === '0' ? '*' : (attribute?.name ?? num)}`;
}
