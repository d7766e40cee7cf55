// Goal: check, scan and grants see what is in a live database, say nothing of its values, and are quick.
// Method: a real Postgres with the sample shop, a labelled schema and 500 more tables; commands run in this process.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { sampleFill } from '../../src/cli/demo/sample.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { labelledSchema, labelledSql } from './labelled-schema.ts';

let postgres: TestPostgres;
let folder: string;

beforeAll(async () => {
  postgres = await startPostgres({
    fill: [
      ...sampleFill('gatepassword'),
      { database: 'postgres', sql: 'create database labelled' },
      { database: 'labelled', sql: labelledSql(60) },
      { database: 'postgres', sql: 'create database wide' },
      { database: 'wide', sql: wideSql() },
    ],
  });
  folder = mkdtempSync(join(tmpdir(), 'dba-'));
  cpSync(new URL('../../classification', import.meta.url).pathname, join(folder, 'classification'), {
    recursive: true,
  });
  const url = (database: string): string =>
    `postgres://postgres:${postgres.password}@127.0.0.1:${postgres.port}/${database}?sslmode=disable`;
  const databases = ['shop', 'labelled', 'wide'].map((name) => `  ${name}: { url: "${url(name)}" }\n`);
  writeFileSync(join(folder, 'countersign.yaml'), `databases:\n${databases.join('')}`);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await postgres.stop();
});

/** 500 tables of ten columns with 50 rows each. */
function wideSql(): string {
  return `do $$ begin for i in 1..500 loop
    execute format('create table t%s as select n id, ''text ''||n a, n||''@example.com'' b, n*7 c, now() d, ''x'' e, n::numeric f, true g, ''y''||n h, md5(n::text) i from generate_series(1,50) n', i);
  end loop; end $$;`;
}

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

async function ran(...args: readonly string[]): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run([...args, '--config', join(folder, 'countersign.yaml')], {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    env: {},
  });
  return { out: out.join('\n'), err: err.join('\n'), code };
}

async function sql(database: string, text: string): Promise<void> {
  const client = new pg.Client(postgres.url(database, 'postgres'));
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

describe('countersign check', () => {
  test('finds no mistake in the sample', async () => {
    const { out, code } = await ran('check');
    expect(out).toMatch(/no mistakes \(5 levels/);
    expect(code).toBe(0);
  });

  test('finds the sample complete for the sample database, and pictures its schema', async () => {
    const { out, err, code } = await ran('check', '--database', 'shop', '--write-schema');
    expect(err).toBe('');
    expect(out).toMatch(/^100 % of 2\d tables and 100 % of \d+ columns are classified; no drift$/m);
    expect(out).toMatch(/note: function: public\.count_of/);
    expect(out).toMatch(/advice: log_min_messages is warning/);
    expect(code).toBe(0);
    expect(existsSync(join(folder, 'classification/schema/shop.json.gz'))).toBe(true);
  });

  test('says what was renamed, dropped, added, changed and is lower than it looks', async () => {
    await sql(
      'shop',
      `
      alter table public.customers rename column notes to remarks;
      alter table public.reviews rename to opinions;
      alter table public.customers alter column phone type varchar(40);
      alter table public.orders drop column gift_message;
      create table public.fresh (a int, "B c" text);
      alter table billing.invoices add column memo text;
      update billing.invoices set memo = 'somebody' || id || '@example.com';`,
    );
    const { out, err, code } = await ran('check', '--database', 'shop');
    expect(code).toBe(1);
    expect(err).toMatch(
      /shop\.yaml:\d+:7: renamed: public\.customers\.notes: is called public\.customers\.remarks now/,
    );
    expect(err).toMatch(/shop\.yaml:\d+:3: renamed: public\.reviews: is called public\.opinions now/);
    expect(err).toMatch(/shop\.yaml:\d+:7: dangling: public\.orders\.gift_message: is not there/);
    expect(err).toMatch(/unclassified: public\.fresh \(2 columns\): no entry, so restricted/);
    expect(err).toMatch(
      /scan: billing\.invoices\.memo: is internal, looks like restricted: \d+ of \d+ distinct values are e-mail addresses/,
    );
    expect(out).toMatch(/note: (?:\S+ )?type: public\.customers\.phone: was text, is varchar/);
    expect(out).toMatch(/^9\d(\.\d)? % of/m);
    expect(out + err).not.toMatch(/@example\.com/);
  });

  test('gives the same as JSON, and names a database that is not there', async () => {
    const { out } = await ran('check', '--database', 'shop', '--json');
    const seen = JSON.parse(out) as { findings: { kind: string }[]; coverage: object };
    expect(seen.findings.map((finding) => finding.kind)).toContain('renamed');
    const none = await ran('check', '--database', 'shoop');
    expect(none.err).toMatch(/no database 'shoop' \(it has: shop\)/);
    expect(none.code).toBe(1);
  });
});

describe('countersign scan', () => {
  test('finds what a labelled schema holds', async () => {
    const { out } = await ran('scan', '--database', 'labelled', '--json');
    const seen = JSON.parse(out) as { proposals: { column: string; kind: string }[] };
    const found = new Map(seen.proposals.map(({ column, kind }) => [column.replaceAll('"', ''), kind]));
    // Columns that the taxonomy's patterns name already are not proposed; for the measure they are switched off below.
    expect(found.size).toBeGreaterThan(40);
  });

  test('is right often enough, kind by kind', async () => {
    const taxonomy = join(folder, 'classification/taxonomy.yaml');
    const before = readFileSync(taxonomy, 'utf8');
    writeFileSync(taxonomy, before.slice(0, before.indexOf('patterns:')));
    const { out } = await ran('scan', '--database', 'labelled', '--json');
    writeFileSync(taxonomy, before);
    const seen = JSON.parse(out) as { proposals: { column: string; kind: string }[] };
    const found = new Map(seen.proposals.map(({ column, kind }) => [column.replaceAll('"', ''), kind]));
    const columns = labelledSchema.flatMap((table) =>
      table.columns.map((column) => ({ name: `${table.name}.${column.name}`, label: column.label })),
    );
    expect(columns.length).toBeGreaterThanOrEqual(200);
    const tally = { right: 0, otherKind: 0, missed: 0, extra: 0 };
    const rows = new Map<string, { right: number; missed: number; extra: number }>();
    const wrong: string[] = [];
    const rowOf = (kind: string) => {
      const row = rows.get(kind) ?? { right: 0, missed: 0, extra: 0 };
      rows.set(kind, row);
      return row;
    };
    for (const { name, label } of columns) {
      const kind = found.get(name);
      if (label === kind) {
        tally.right += 1;
        rowOf(label).right += 1;
      } else if (label !== '-' || kind !== undefined) {
        wrong.push(`${name}: is ${label}, found ${kind ?? 'nothing'}`);
        if (label !== '-') rowOf(label).missed += 1;
        if (kind !== undefined) rowOf(kind).extra += 1;
        if (label !== '-' && kind !== undefined) tally.otherKind += 1;
        else if (kind === undefined) tally.missed += 1;
        else tally.extra += 1;
      }
    }
    const labelled = columns.filter(({ label }) => label !== '-').length;
    if (process.env['SCAN_TABLE'] !== undefined)
      process.stdout.write(
        `${JSON.stringify({ columns: columns.length, labelled, ...tally, rows: [...rows], wrong }, null, 1)}\n`,
      );
    const precision = tally.right / (tally.right + tally.otherKind + tally.extra);
    const recall = tally.right / labelled;
    expect(precision).toBeGreaterThan(0.9);
    expect(recall).toBeGreaterThan(0.9);
  });

  test('prints no value, and YAML that check takes', async () => {
    const { out, err } = await ran('scan', '--database', 'labelled');
    const secrets = labelledSchema.flatMap((table) =>
      table.columns.filter((column) => column.label !== '-').map((column) => column.value(3)),
    );
    for (const value of secrets) if (value !== null && value.length > 5) expect(out + err).not.toContain(value);
    const file = join(folder, 'classification/labelled.yaml');
    expect((await ran('scan', '--database', 'labelled', '--write', file)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(`${out}\n`);
    expect((await ran('check')).code).toBe(0);
    expect((await ran('scan', '--database', 'labelled', '--write', file)).err).toMatch(/is there already/);
    rmSync(file);
  });

  test('looks at 500 tables in a few seconds', async () => {
    const begun = performance.now();
    const { err } = await ran('scan', '--database', 'wide', '--json');
    const ms = performance.now() - begun;
    process.stdout.write(`500 tables: ${ms.toFixed(0)} ms\n`);
    expect(err).toMatch(/^\d+ proposals/);
    expect(ms).toBeLessThan(20_000);
  });
});
