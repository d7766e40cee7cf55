// Goal: tools look at a database through us as they do without us: nothing of it is held, and it shows no value of a table.
// Method: the sample database with the demo's own catalog, on Postgres 15 and 18; the tools' texts, in both protocols, against the same
// texts sent directly. People are there, and asking them fails the test.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query as queryAt } from '../support/client.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { startShop, type TestShop } from '../support/shop.ts';
import { introspection, type AskedText } from './introspection-texts.ts';
import { shown, tour } from './introspection-tour.ts';

const folder = new URL('../../classification/', import.meta.url).pathname;

/** The demo's catalog, for the name that the proxy of the tests gives the database. */
const files = Object.fromEntries(
  ['taxonomy.yaml', 'approvers.yaml', 'policy.yaml', 'shop.yaml'].map((name) => [
    name,
    readFileSync(folder + name, 'utf8')
      .replace(/^database: shop\b/m, 'database: db')
      .replaceAll('shop.public.', 'db.public.'),
  ]),
);

const oldRows = `SELECT a.attrelid::regclass::text, CASE WHEN a.atthasmissing AND NOT a.attisdropped THEN a.attmissingval ELSE null END AS attmissingval
  FROM pg_catalog.pg_attribute a WHERE a.attnum > 0 ORDER BY a.attrelid, a.attnum`;

describe.each([15, 18] as const)('a look at a database on Postgres %i', (major) => {
  let shop: TestShop;
  let proxy: RowsProxy;
  let direct: pg.Client;
  let through: pg.Client;
  const held = new Map<string, string>();

  beforeAll(async () => {
    shop = await startShop({ major });
    proxy = await startRowsProxy({ url: shop.gateUrl, files, waitMs: 300 });
    proxy.desk.watch((hold) => held.set(hold.id, hold.reasons[0].words));
    direct = new pg.Client(shop.gateUrl);
    through = new pg.Client(proxy.url('db'));
    for (const client of [direct, through]) {
      client.on('error', () => undefined);
      await client.connect();
    }
  }, 120_000);

  afterAll(async () => {
    await direct.end();
    await through.end();
    await proxy.stop();
    await shop.stop();
  });

  async function rowsOf(client: pg.Client, { sql, values }: AskedText, name?: string): Promise<number> {
    const named = name === undefined ? {} : { name };
    const result = await client.query({
      text: sql,
      ...(values === undefined ? {} : { values: [...values] }),
      ...named,
    });
    return [result].flat().reduce((sum, one) => sum + (one.rowCount ?? 0), 0);
  }

  test.each(Object.entries({ ...introspection, ...tour }))('%s is not held', async (tool, texts) => {
    held.clear();
    for (const [at, text] of texts.entries()) {
      const wanted = await rowsOf(direct, text);
      const said = text.sql.slice(0, 300);
      expect(await rowsOf(through, text).catch(String), said).toBe(wanted);
      if (text.sql.includes(';')) continue;
      expect(await rowsOf(through, text, `${tool} ${at}`).catch(String), said).toBe(wanted);
    }
    expect([...held.values()]).toEqual([]);
  });

  test.each(shown)('what it shows of others is asked about: %s', async (sql) => {
    expect(await rowsOf(direct, { sql })).toBeGreaterThanOrEqual(0);
    await expect(rowsOf(through, { sql })).rejects.toThrow(/nobody decided in time/);
  });

  test('the values that old rows have are read by pg_dump, and held only where they are of a column that is', async () => {
    const ask = async (): Promise<string> => {
      return await rowsOf(through, { sql: oldRows }).then(() => 'passed', String);
    };
    const becomes = async (words: RegExp): Promise<unknown> => waitFor(`${words}`, async () => words.test(await ask()));
    expect(await ask()).toBe('passed');
    await queryAt(shop.url('shop'), "alter table public.categories add column kind text default 'harmless'");
    await queryAt(shop.url('shop'), "alter table hr.salaries add column thanks text default 'canary'");
    await becomes(/nobody decided in time/);
    // The harmless one still has its value: what was held was the other.
    await queryAt(shop.url('shop'), 'alter table hr.salaries drop column thanks');
    await becomes(/^passed$/);
    expect((await queryAt(shop.url('shop'), 'select 1 from pg_attribute where attmissingval is not null')).length).toBe(
      1,
    );
  });
});
