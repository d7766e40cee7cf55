// Goal: a column that our reading missed reaches nobody: the server's own description of the rows stops them, before the first passes.
// Method: a gate that lets statements pass with a reading from which the watched column was struck, as if we had missed it; every way of
// reading rows, byte by byte; and beside each the same way with the reading whole, which must bring the rows.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReadText } from '../../src/sql/reading.ts';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { bind, describeOf, execute, parse, simple as query, sync } from '../support/agent-messages.ts';
import { query as queryAt } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { connectRaw } from '../support/raw.ts';

let postgres: TestPostgres;
let proxy: TestProxy;
let isBlind = false;

/** As if neither witness had seen the column. */
function blinded(text: ReadText): ReadText {
  const statements = text.statements.map((one) => ({
    ...one,
    analysis: {
      ...one.analysis,
      reads: one.analysis.reads.filter(({ column }) => column.column !== 'ssn'),
      outputs: one.analysis.outputs.filter(({ origin }) => origin?.column !== 'ssn'),
    },
  }));
  return { ...text, statements };
}

beforeAll(async () => {
  postgres = await startPostgres();
  for (const sql of [
    'create table people (id int, ssn text)',
    "insert into people values (1, 'canary'), (2, 'canary')",
    'create view shown as select id, ssn from people',
  ])
    await queryAt(postgres.url(), sql);
  proxy = await startProxy({
    databases: { db: postgres.url() },
    admit: async (_execution, usual) => {
      const admission = await usual();
      if (!isBlind || admission.kind !== 'pass' || admission.text === undefined) return admission;
      return { ...admission, text: blinded(admission.text) };
    },
  });
});

afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

const ways: Readonly<Record<string, readonly ClientMessage[]>> = {
  'a simple query': [query('select ssn from people')],
  'a star': [query('select * from people')],
  'a view': [query('select ssn from shown')],
  'the second of two': [query('select id from people; select ssn from people')],
  RETURNING: [query('update people set id = id returning ssn')],
  'a described portal': [parse('select ssn from people'), bind(), describeOf('portal'), execute(), sync],
  'a portal row by row': [
    parse('select ssn from people'),
    bind(),
    describeOf('portal'),
    execute('', 1),
    execute('', 1),
    sync,
  ],
  'a portal that nobody describes': [parse('select ssn from people'), bind(), execute(), sync],
  'a statement described before': [parse('select ssn from people'), describeOf('statement'), bind(), execute(), sync],
};

async function heard(messages: readonly ClientMessage[]): Promise<string> {
  const raw = await connectRaw(proxy.url('db'));
  const bytes: Buffer[] = [];
  raw.socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  try {
    raw.send(...messages);
    await raw.readies(1);
    return Buffer.concat(bytes).toString('latin1');
  } finally {
    raw.close();
  }
}

describe.each(Object.entries(ways))('through %s', (_name, messages) => {
  test('the rows come where the reading has the column', async () => {
    isBlind = false;
    expect(await heard(messages)).toContain('canary');
  });

  test('nothing of it comes where the reading missed it, and the session ends', async () => {
    isBlind = true;
    const all = await heard(messages);
    expect(all).not.toContain('canary');
    expect(all).toContain('TRIPWIRE');
    expect(all).toContain('FATAL');
  });
});
