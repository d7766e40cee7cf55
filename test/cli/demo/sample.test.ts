// Goal: the sample database is what the demo promises: broad, large enough, the same everywhere, and nobody real in it.
// Method: make it on the oldest and the newest Postgres we support and ask both.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '../../support/client.ts';
import { startShop, type TestShop } from '../../support/shop.ts';

const tables = `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_|information_schema' order by 1, 2`;

/** One number for all that is in it. */
const checksum = (relations: readonly string[]): string =>
  relations
    .map(
      (name) => `select '${name}' as name, count(*)::int as rows, sum(hashtext(t::text)::bigint) as sum from ${name} t`,
    )
    .join(' union all ')
    .concat(' order by name'); // In parallel, the parts come in any order.

let oldest: TestShop;
let newest: TestShop;
let names: readonly string[];

beforeAll(async () => {
  [oldest, newest] = await Promise.all([startShop({ major: 15 }), startShop()]);
  names = (await query(newest.url('shop'), tables)).map((row) => `"${String(row['schema'])}"."${String(row['name'])}"`);
});
afterAll(async () => {
  await Promise.all([oldest?.stop(), newest?.stop()]);
});

describe('the sample database', () => {
  test('has twelve tables or more in three schemas or more, and 100,000 rows or more', async () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
    expect(new Set(names.map((name) => name.split('.')[0])).size).toBeGreaterThanOrEqual(3);
    const rows = await query(newest.url('shop'), checksum(names));
    expect(rows.reduce((sum, row) => sum + Number(row['rows']), 0)).toBeGreaterThanOrEqual(100_000);
  });

  test('is the same to the last byte on 15 and on 18', async () => {
    expect(await query(oldest.url('shop'), checksum(names))).toEqual(await query(newest.url('shop'), checksum(names)));
  });

  test.each([
    ['a view', "select 1 from pg_class where relkind = 'v'"],
    ['a materialized view', "select 1 from pg_class where relkind = 'm'"],
    ['a partitioned table with partitions', "select 1 from pg_class where relkind = 'p' and relhassubclass"],
    [
      'a function in SQL',
      "select 1 from pg_proc p join pg_language l on l.oid = prolang where lanname = 'sql' and p.oid > 16384",
    ],
    [
      'a function in plpgsql',
      "select 1 from pg_proc p join pg_language l on l.oid = prolang where lanname = 'plpgsql'",
    ],
    ['a trigger', 'select 1 from pg_trigger where not tgisinternal'],
    ['a table with row security', 'select 1 from pg_class where relrowsecurity'],
    ['a generated column', "select 1 from pg_attribute where attgenerated = 's'"],
    [
      'a domain',
      "select 1 from pg_type t join pg_namespace n on n.oid = typnamespace where typtype = 'd' and nspname = 'public'",
    ],
    ['an enum', 'select 1 from pg_enum'],
    ['a name that needs quotes', `select 1 from pg_class where relname = 'Customer Data'`],
  ])('has %s', async (_what, sql) => {
    expect(await query(newest.url('shop'), `${sql} limit 1`)).toHaveLength(1);
  });

  test('is served to an ordinary role that row security binds', async () => {
    expect(
      await query(
        newest.gateUrl,
        'select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as powers from pg_roles where rolname = current_user',
      ),
    ).toEqual([{ powers: false }]);
    expect(await query(newest.gateUrl, 'select count(*)::int as notes from support.messages where internal')).toEqual([
      { notes: 0 },
    ]);
    expect(await query(newest.gateUrl, 'select 1 from pg_class where relowner = current_user::regrole')).toEqual([]);
  });

  test('has cards and accounts whose check digits are right, so that a scan can find them, in test ranges only', async () => {
    const luhn = (digits: string): boolean =>
      [...digits]
        .reverse()
        .reduce((sum, digit, i) => sum + (i % 2 === 0 ? +digit : +digit > 4 ? +digit * 2 - 9 : +digit * 2), 0) %
        10 ===
      0;
    const cards = await query(newest.gateUrl, 'select pan from billing.cards');
    expect(cards.filter((row) => !luhn(String(row['pan'])) || !/^400000\d{10}$/.test(String(row['pan'])))).toEqual([]);
    const accounts = await query(
      newest.gateUrl,
      'select iban from billing.bank_accounts union all select iban from hr.employees',
    );
    const mod97 = (iban: string): bigint => BigInt(iban.slice(4) + '1314' + iban.slice(2, 4)) % 97n;
    expect(accounts.filter((row) => mod97(String(row['iban'])) !== 1n)).toEqual([]);
  });

  test('writes to nobody: every address is of an example domain, every number of the range for fiction', async () => {
    expect(
      await query(
        newest.gateUrl,
        "select email from customers where email !~ '@example\\.(com|org|net)$' or phone !~ '-555-01\\d\\d$'",
      ),
    ).toEqual([]);
  });
});
