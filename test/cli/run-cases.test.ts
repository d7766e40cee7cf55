// Goal: the worked sample keeps its own promises, and a case that does not hold says why.
// Method: run classification/cases against the pictured schema; then cases that are wrong on purpose.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { explain } from '../../src/cli/explain.ts';
import { testCases } from '../../src/cli/test-cases.ts';

const sample = new URL('../../classification', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'classification-'));
cpSync(sample, folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly said: readonly string[];
  readonly complaints: readonly string[];
  readonly exit: number;
}

async function ran(work: (ports: Parameters<typeof testCases>[1]) => Promise<void>): Promise<Ran> {
  const said: string[] = [];
  const complaints: string[] = [];
  let exit = 0;
  await work({
    say: (line) => said.push(line),
    complain: (line) => complaints.push(line),
    exit: (code) => (exit = code),
    env: {},
  });
  return { said, complaints, exit };
}

describe('countersign test', () => {
  test('finds that every case of the sample holds', async () => {
    const { said, complaints, exit } = await ran((ports) => testCases({ classification: sample }, ports));
    expect(complaints).toEqual([]);
    expect(said.join()).toMatch(/^(\d+) of \1 cases hold$/);
    expect(exit).toBe(0);
  });

  test('says which case does not hold, where it stands, and what came instead', async () => {
    const wrong =
      'version: 1\ncases:\n  - { agent: a, database: shop, sql: "select email from customers", expect: allow }\n  - { agent: a, database: shop, sql: "select 1", expect: allow, columns: [public.customers.id], rule: none }\n';
    writeFileSync(join(folder, 'cases', 'wrong.yaml'), wrong);
    const { complaints, exit } = await ran((ports) => testCases({ classification: folder }, ports));
    rmSync(join(folder, 'cases', 'wrong.yaml'));
    const text = complaints.join('\n');
    expect(exit).toBe(1);
    expect(text).toMatch(
      /wrong\.yaml:3:5: a: select email from customers\n {2}expected allow, is hold \(level restricted: reads customers\.email \(restricted\)\)/,
    );
    expect(text).toMatch(/does not use public\.customers\.id \(uses nothing\)/);
    expect(text).toMatch(/the rule none is not among the reasons/);
  });
});

describe('countersign explain', () => {
  const asked = { agent: 'report-bot', database: 'shop', classification: sample };

  test('names the verdict, the rule, the column and the line of its entry', async () => {
    const { said } = await ran((ports) => explain('select email from customers limit 3', asked, ports));
    const text = said.join('\n');
    expect(text).toMatch(/^HOLD: SELECT by report-bot in shop is held for approval\n/);
    expect(text).toMatch(/hold {3}level restricted \(.*shop\.yaml:\d+:7\): reads customers\.email \(restricted\)/);
    expect(text).toMatch(/asked: 2 of security/);
    expect(text).toMatch(
      /public\.customers\.email {2}restricted personal\.contact\.email {2}output {2}.*shop\.yaml:\d+:7/,
    );
  });

  test('gives the same as JSON', async () => {
    const { said } = await ran((ports) =>
      explain('select email from customers; select 1', { ...asked, json: true }, ports),
    );
    const whole: unknown = JSON.parse(said.join(''));
    expect(whole).toMatchObject({
      verdict: 'hold',
      statements: [
        { verdict: 'hold', columns: [{ column: 'public.customers.email', level: 'restricted' }] },
        { verdict: 'allow' },
      ],
    });
  });

  test('says that what cannot be read is not known', async () => {
    const { said } = await ran((ports) => explain('selec 1', asked, ports));
    expect(said.join('\n')).toMatch(/HOLD.*\n.*syntax error/);
  });

  test.each([
    [
      'select id, email, country from customers where id = 7',
      /this would pass: select id, country from customers where \(?id = 7\)?$/im,
    ],
    ['select email from customers', /this would pass: select \(?count\(\*\)\)? from customers$/im],
  ])('offers what would pass instead of %s', async (sql, expected) => {
    const { said } = await ran((ports) => explain(sql, asked, ports));
    expect(said.join('\n')).toMatch(expected);
  });

  test.each(['select id from customers where email = $1', 'drop table orders', "select count_of('customers')"])(
    'offers nothing for %s',
    async (sql) => {
      const { said } = await ran((ports) => explain(sql, asked, ports));
      expect(said.join('\n')).toMatch(/^HOLD/);
      expect(said.join('\n')).not.toMatch(/would pass/);
    },
  );

  test('offers fewer rows where a rule allows a few', async () => {
    const { said } = await ran((ports) =>
      explain('select email from customers', { ...asked, agent: 'support-bot' }, ports),
    );
    expect(said.join('\n')).toMatch(/this would pass: select email from customers limit \(?5\)?$/im);
  });
});
