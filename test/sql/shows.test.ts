// Goal: what once showed a column that nobody said is read stays said.
// Method: cases as data in test/sql/cases/shows.yaml, each in a schema of its own on a real server; both witnesses, joined as the proxy joins them.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { loadParser } from '../../src/sql/parser.ts';
import { Judge } from '../corpus/chance/judge.ts';
import { rolesSql, type Role } from '../corpus/chance/world.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

interface Case {
  readonly name: string;
  readonly schema: readonly string[];
  readonly sql: string;
  readonly role?: Role;
  readonly reads: readonly string[];
  /** Not among them. */
  readonly silent?: readonly string[];
}

const { cases }: { readonly cases: readonly Case[] } = parseYaml(
  readFileSync(new URL('cases/shows.yaml', import.meta.url).pathname, 'utf8'),
);

/** The oldest and the newest. */
describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let client: pg.Client;
  let judge: Judge;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    await client.query(rolesSql);
    judge = new Judge(client, await loadParser(major));
  });
  afterAll(async () => {
    await client.end();
    await postgres.stop();
  });

  test.each(cases)('$name', async ({ schema, sql, role = 'agent', reads, silent = [] }) => {
    await client.query(
      'SET client_min_messages = warning; DROP SCHEMA IF EXISTS w CASCADE; CREATE SCHEMA w; SET search_path = w',
    );
    for (const each of schema) await client.query(each);
    await client.query('GRANT ALL ON SCHEMA w TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA w TO PUBLIC');
    await judge.learn();
    const said = await judge.of(sql, role);
    if (said.kind !== 'known') throw new Error(JSON.stringify(said));
    expect([...said.read]).toEqual(expect.arrayContaining([...reads]));
    expect(silent.filter((each) => said.read.has(each))).toEqual([]);
  });
});
