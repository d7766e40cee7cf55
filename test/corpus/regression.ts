// Postgres's regression suite, played in order into a database of its own; each query is compared in the state it would run in.
import pg from 'pg';
import { tagOf, type Node } from '../../src/sql/ast.ts';
import type { ParserMajor } from '../../src/sql/parser.ts';
import type { Snapshot } from '../../src/sql/schema.ts';
import { Lab } from './lab.ts';
import { splitScript } from './split.ts';
import type { Suite } from './sources.ts';
import type { Tally } from './tally.ts';
import { truthSettings } from './truth.ts';

export interface Place {
  /** A connection string for a database of that server. */
  readonly url: (database: string) => string;
  readonly major: ParserMajor;
}

export const database = 'regression';
const queries = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** Scripts about the server as a whole: they need its superuser's files, other sessions or take minutes. */
const left =
  /^(tablespace|subscription|publication|stats_import|database|copy_encoding|maintain_every|predicate|test_setup|stats|vacuum_parallel|brin)$/;
const dangerous =
  /pg_terminate|pg_sleep|pg_reload|pg_cancel|dblink|satisfies_hash_partition|IS JSON|wait_for|CREATE DATABASE|DROP DATABASE/i;

export async function playRegression(place: Place, suite: Suite, tally: Tally, deadlineMs: number): Promise<string[]> {
  await freshDatabase(place);
  let system: Snapshot | undefined;
  const seen: string[] = [];
  const scripts = [...suite.scripts].sort((a, b) => Number(b.name === 'test_setup') - Number(a.name === 'test_setup'));
  for (const script of scripts) {
    if (left.test(script.name) && script.name !== 'test_setup') continue;
    const started = performance.now();
    const late = performance.now() > deadlineMs;
    const lab = await Lab.open(place.url(database), place.major, system);
    try {
      for (const sql of splitScript(script.text)) {
        if (dangerous.test(sql)) continue;
        await playOne(lab, sql, late ? undefined : tally, seen);
      }
    } catch (thrown) {
      process.stderr.write(`${script.name}: ${String(thrown)}\n`);
    }
    const took = Math.round(performance.now() - started);
    if (process.argv.includes('--slow'))
      process.stderr.write(`${script.name} ${took} ms, learned ${lab.learned} times\n`);
    system = lab.system;
    await lab.client.end().catch(() => undefined);
  }
  return seen;
}

async function freshDatabase(place: Place): Promise<void> {
  const client = new pg.Client({ connectionString: place.url('postgres') });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${database}`);
  await client.query(`CREATE DATABASE ${database} TEMPLATE template0 LOCALE 'C'`);
  await client.query(`ALTER DATABASE ${database} SET timezone TO 'America/Los_Angeles'`);
  await client.query(`ALTER DATABASE ${database} SET datestyle TO 'Postgres, MDY'`);
  await client.end();
}

/** Compare first, then run: what it changes is for the next one. */
async function playOne(lab: Lab, sql: string, tally: Tally | undefined, seen: string[]): Promise<void> {
  const nodes = lab.parse(sql);
  const [node] = nodes ?? [];
  if (nodes === undefined || node === undefined) return;
  const isQuery = nodes.length === 1 && queries.has(tagOf(node));
  if (isQuery && node.SelectStmt?.intoClause === undefined) {
    if (sql.length < 1000) seen.push(sql);
    if (tally !== undefined) tally.add(await lab.compare(sql, node));
  }
  await lab.client.query(sql).catch(() => undefined);
  for (const each of nodes) if (changesNames(each, sql)) lab.forget();
  if (!isQuery) await lab.client.query(truthSettings).catch(() => undefined);
}

const harmless = new Set([
  ...queries,
  'ExplainStmt',
  'FetchStmt',
  'ClosePortalStmt',
  'DeclareCursorStmt',
  'VariableShowStmt',
  'CopyStmt',
  'VacuumStmt',
  'PrepareStmt',
  'DeallocateStmt',
  'CommentStmt',
]);

function changesNames(node: Node, sql: string): boolean {
  const tag = tagOf(node);
  if (tag === 'VariableSetStmt') return /search_path|role|session|schema/i.test(sql);
  if (tag === 'TransactionStmt')
    return !/BEGIN|START|SAVEPOINT_?$|TRANS_STMT_SAVEPOINT/.test(node.TransactionStmt?.kind ?? '');
  return (
    !harmless.has(tag) ||
    (/\bcreate|set_config|execute|into\b/i.test(sql.slice(0, 4000)) &&
      tag === 'SelectStmt' &&
      node.SelectStmt?.intoClause !== undefined)
  );
}
