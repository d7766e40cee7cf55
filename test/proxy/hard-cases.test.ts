// Goal: every case of test/sql/cases is read on the wire as the two witnesses read it: in a Query and in Parse and Bind, with every column.
// Method: the cases' own schema on real Postgres 15 and 18; each text is sent through a proxy that reads it and lets nothing run.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { ProxyError } from '../../src/core/errors.ts';
import { dotted } from '../../src/core/names.ts';
import type { Reading } from '../../src/sql/reading.ts';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { connectRaw, type Raw } from '../support/raw.ts';
import { waitFor } from '../support/wait.ts';

interface Case {
  readonly sql: string;
  readonly since?: number;
  readonly reads?: readonly string[];
  readonly unknown?: readonly string[];
}

const folder = new URL('../sql/cases/', import.meta.url).pathname;
const fixture = readFileSync(new URL('../sql/fixture/columns.sql', import.meta.url).pathname, 'utf8');
const files = readdirSync(folder)
  .filter((name) => /^columns-.*\.yaml$/.test(name))
  .map((name): { readonly name: string; readonly cases: readonly Case[] } => {
    return { name, cases: parseYaml(readFileSync(folder + name, 'utf8')).cases };
  });

/** Held on the wire though the static witness alone is sure. Whoever mends one finds it here: each must still be held. */
const heldToo: readonly string[] = [
  // The tripwire does not follow whole rows of views, nor a view behind CREATE TABLE AS.
  'create table t2 as select * from v_users',
  'select v from v_users v',
  'select (v).tax_id from v_users v',
  'select tax_id(v) from v_users v',
  'create recursive view v2 (n) as select 1 union all select n + 1 from v2',
  'select ssn into t2 from users union select card from orders',
  // A setting with a computed value.
  "select set_config('a.b', ssn, false) from users",
];

/** Row security is not for superusers. */
const agent = `create role an_agent login password 'an agent';
  grant all on schema shop, other, "Odd Place" to an_agent;
  grant all on all tables in schema shop, other, "Odd Place" to an_agent;`;

const messagesOf: Readonly<Record<'Query' | 'Parse and Bind', (sql: Buffer) => readonly ClientMessage[]>> = {
  Query: (sql) => [{ kind: 'query', sql }],
  'Parse and Bind': (sql) => [
    { kind: 'parse', statement: '', sql, types: [] },
    { kind: 'bind', portal: '', statement: '', formats: [], parameters: [], resultFormats: [] },
    { kind: 'execute', portal: '', maxRows: 0 },
    { kind: 'sync' },
  ],
};

describe.each([15, 18] as const)('hard cases on the wire of Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: TestProxy;
  let last: Reading | undefined;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), fixture);
    await query(postgres.url(), agent);
    proxy = await startProxy({
      databases: { db: postgres.url('postgres', 'an_agent', 'an agent') },
      admit: async (execution) => {
        last = await execution.reader.read(execution);
        return { kind: 'refuse', error: new ProxyError('POLICY', 'read, and no more') };
      },
    });
    const line = await Line.open();
    await waitFor('the first text to be read', async () => (await line.read('Query', 'select 1'))?.kind === 'read', {
      withinMs: 60_000,
    });
    line.close();
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  const open = (url: string): Promise<Raw> => connectRaw(url, { options: '-c search_path=shop' });

  /** One connection for many texts: nothing that is read here runs, so none of them changes it. */
  class Line {
    readonly #raw: Raw;
    #asked = 0;

    private constructor(raw: Raw) {
      this.#raw = raw;
    }

    static async open(): Promise<Line> {
      return new Line(await open(proxy.url('db')));
    }

    async read(protocol: keyof typeof messagesOf, sql: string): Promise<Reading | undefined> {
      last = undefined;
      this.#raw.send(...messagesOf[protocol](Buffer.from(sql)));
      await this.#raw.readies((this.#asked += 1));
      return last;
    }

    close(): void {
      this.#raw.close();
    }
  }

  /** What the server itself says about a text that it is only asked to parse, or, where that says nothing, to run: names that are not there. */
  async function isRefused(sql: string): Promise<boolean> {
    const raw = await open(postgres.url());
    try {
      const messages = messagesOf['Parse and Bind'](Buffer.from(sql));
      const runs = /^(?:execute|fetch)\b/.test(sql);
      const asked = runs ? messages : messages.filter(({ kind }) => kind === 'parse' || kind === 'sync');
      raw.socket.write(Buffer.concat(asked.map(encodeClientMessage)));
      await raw.readies(1);
      return raw.said.some((message) => message.kind === 'error');
    } finally {
      raw.close();
    }
  }

  describe.each(['Query', 'Parse and Bind'] as const)('in %s', (protocol) => {
    test.each(files)(
      '$name',
      async ({ cases }) => {
        const wrong: string[] = [];
        let read = 0;
        const line = await Line.open();
        for (const { sql, since, reads = [], unknown = [] } of cases) {
          if ((since ?? 0) > major) continue;
          const reading = await line.read(protocol, sql);
          if (reading?.kind !== 'read') {
            if (!(await isRefused(sql))) wrong.push(`${reading?.kind ?? 'not asked'}: ${sql}`);
            continue;
          }
          read += 1;
          const analyses = reading.statements.map((one) => one.analysis);
          const doubts = analyses.flatMap((one) => one.unknowns.map(({ why }) => why));
          const said = new Set(
            analyses.flatMap((one) =>
              one.reads.map(({ column: { relation, column } }) => dotted(relation.schema, relation.name, column)),
            ),
          );
          const missed = reads
            .map((line) => line.split(/ (?=output|filter|join|group|order|other)/)[0] ?? '')
            .filter((name) => !said.has(name));
          if (missed.length > 0 && doubts.length === 0) wrong.push(`missed ${missed.join(', ')}: ${sql}`);
          if (heldToo.includes(sql) !== (unknown.length === 0 && doubts.length > 0))
            wrong.push(`known or not (${doubts.join('; ')}): ${sql}`);
        }
        line.close();
        expect(wrong).toEqual([]);
        expect(read).toBeGreaterThan(0);
      },
      120_000,
    );
  });
});
