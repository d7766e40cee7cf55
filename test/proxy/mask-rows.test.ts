// Goal: of a row only the masked columns change, in every form in which Postgres sends rows; a row of another shape never passes.
// Method: a real Postgres sends the same odd rows as DataRow and by COPY in many layouts; the masked rows are read back by it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CopyMasker } from '../../src/proxy/mask-copy.ts';
import { RowMasker } from '../../src/proxy/mask-rows.ts';
import { typeOids, type ValueMask } from '../../src/proxy/mask-types.ts';
import { nullMask, valueMask } from '../../src/proxy/mask-values.ts';
import { copyLayoutOf } from '../../src/sql/copy-layout.ts';
import { loadParser, type Parser } from '../../src/sql/parser.ts';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { message } from '../../src/wire/cursor.ts';
import { fromServer } from '../../src/wire/message-types.ts';
import { decodeServerMessage, encodeServerMessage, type ServerMessage } from '../../src/wire/server-messages.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw, type Raw } from '../support/raw.ts';

let postgres: TestPostgres;
let raw: Raw;
let parser: Parser;
let asked = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  raw = await connectRaw(postgres.url('postgres'));
  parser = await loadParser(18);
}, 60_000);

afterAll(async () => {
  raw.close();
  await postgres.stop();
});

async function said(sql: string, ...more: readonly ClientMessage[]): Promise<readonly ServerMessage[]> {
  const from = raw.said.length;
  raw.send({ kind: 'query', sql: Buffer.from(sql) }, ...more);
  await raw.readies((asked += 1));
  const all = raw.said.slice(from);
  const error = all.find((one) => one.kind === 'error');
  if (error !== undefined) throw new Error(`${sql}: ${JSON.stringify(error)}`);
  return all;
}

const style = (name: 'email' | 'last4' | 'fixed'): ValueMask =>
  valueMask({ style: name, typeOid: typeOids.text, typeModifier: -1, format: 'text' }, Buffer.alloc(32));

const values = [
  ['1', 'grace@navy.mil', 'plain'],
  ['2', null, 'tab\tand\\slash'],
  ['3', '', '\\.'],
  ['4', 'a,b"c"\nd@e.fr', 'two\r\nlines "quoted", with comma'],
  ['5', 'back\\slash\t@tab.de', null],
  ['6', '\\N', 'NULL'],
  ['7', 'NULL', "|;'"],
] as const;
const shown = ['g***@n***.mil', null, '***', 'a***@e***.fr', 'b***@t***.de', '***', '***'];

const literal = (text: string | null): string => (text === null ? 'null' : `E'${[...text].map(escaped).join('')}'`);
const escaped = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
const rows = `(values ${values.map((row) => `(${row.map(literal).join(',')})`).join(',')}) as t(id, mail, note)`;
const expected = values.map(([id, , note], index) => [id, shown[index], note]);

describe('rows of a SELECT', () => {
  test('change in the masked column only', async () => {
    const masker = new RowMasker([undefined, style('email'), undefined]);
    const sent = (await said(`select * from ${rows}`)).filter((one) => one.kind === 'dataRow');
    const got = sent.map((one) => {
      const frame = encodeServerMessage(one);
      const { bytes, start, end } = masker.row(frame, 0, frame.length);
      const back = decodeServerMessage(bytes[start] ?? 0, bytes.subarray(start + 5, end));
      return back.kind === 'dataRow' ? back.values.map((value) => value?.toString() ?? null) : back;
    });
    expect(got).toEqual(expected);
  });

  test.each([
    ['fewer columns', message(fromServer.dataRow, Buffer.from([0, 1, 0, 0, 0, 1, 65]))],
    ['more columns', message(fromServer.dataRow, Buffer.from([0, 3]), Buffer.alloc(12))],
    ['a value longer than the row', message(fromServer.dataRow, Buffer.from([0, 2, 0, 0, 0, 9, 65, 0, 0, 0, 0]))],
    ['bytes behind the last value', message(fromServer.dataRow, Buffer.from([0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1]))],
    ['a negative length', message(fromServer.dataRow, Buffer.from([0, 2, 0, 0, 0, 0, 255, 255, 255, 254]))],
    ['no room for a count', message(fromServer.dataRow, Buffer.from([0]))],
  ])('with %s do not pass', (_, frame) => {
    const masker = new RowMasker([nullMask, undefined]);
    expect(() => masker.row(frame, 0, frame.length)).toThrow();
  });

  test('lie one behind the other, and a slab is never written twice', () => {
    const masker = new RowMasker([style('fixed'), undefined]);
    const frame = encodeServerMessage({ kind: 'dataRow', values: [Buffer.from('secret'), Buffer.alloc(100, 65)] });
    const all = Array.from({ length: 2000 }, () => masker.row(frame, 0, frame.length));
    for (const { bytes, start, end } of all) {
      expect(bytes.toString('latin1', start + 5, end)).toBe(`\0\x02\0\0\0\x03***\0\0\0\x64${'A'.repeat(100)}`);
    }
    expect(all[1]?.start).toBe(all[0]?.end);
  });
});

const layouts = [
  '',
  'with (header)',
  'with (format csv)',
  'with (format csv, header true, force_quote *)',
  `with (format csv, delimiter ';', quote '''', escape '\\', null 'NULL')`,
  `with (delimiter '|', null 'nil')`,
  `with (delimiter '|', null '\\NIL')`,
  `with (delimiter '*')`,
  `with (null '***')`,
  `with (format csv, delimiter '*')`,
  `with (format csv, null '***')`,
  'csv header',
  'with (format binary)',
];

describe('rows of a COPY', () => {
  test.each(layouts)('change in the masked column only: %s', async (options) => {
    const sql = `copy (select * from ${rows}) to stdout ${options}`;
    const parsed = parser.parse(sql);
    const statement = parsed.kind === 'statements' ? parsed.statements[0]?.node.CopyStmt : undefined;
    const layout = copyLayoutOf(statement ?? {});
    if (!layout.known) throw new Error(layout.why);
    const isBinary = layout.value.kind === 'binary';
    const columns = [undefined, isBinary ? nullMask : style('email'), undefined];
    const masker = isBinary ? new RowMasker(columns) : undefined;
    const copyMasker = layout.value.kind === 'binary' ? undefined : new CopyMasker(layout.value, columns);
    const out = (await said(sql)).flatMap((one) => {
      if (one.kind !== 'copyData') return [];
      const frame = encodeServerMessage(one);
      const masked = masker?.copyRow(frame, 0, frame.length) ?? copyMasker?.row(frame, 0, frame.length);
      if (masked === undefined) throw new Error('no masker');
      const back = decodeServerMessage(
        masked.bytes[masked.start] ?? 0,
        masked.bytes.subarray(masked.start + 5, masked.end),
      );
      return back.kind === 'copyData' ? [{ kind: 'copyData' as const, data: Buffer.from(back.data) }] : [];
    });
    await said('create temp table back (id text, mail text, note text)');
    await said(`copy back from stdin ${options.replace(', force_quote *', '')}`, ...out, { kind: 'copyDone' });
    const read = (await said('select * from back order by id')).filter((one) => one.kind === 'dataRow');
    await said('drop table back');
    const got = read.map((one) => one.values.map((value) => value?.toString() ?? null));
    // In the text form a value may look like any NULL but a capital letter behind a backslash: then all do.
    const looksNull = options.includes('null ') && !options.includes('\\N') && !options.includes('csv');
    const wanted = expected.map(([id, mail, note]) => [id, isBinary || looksNull ? null : mail, note]);
    expect(got).toEqual(wanted);
  });

  test.each([`with (encoding 'SJIS')`, `with (format 'xml')`, `with (format csv, null E'\\x01')`])(
    'are not known to lie anywhere: %s',
    (options) => {
      const parsed = parser.parse(`copy t to stdout ${options}`);
      const statement = parsed.kind === 'statements' ? parsed.statements[0]?.node.CopyStmt : undefined;
      expect(statement).toBeDefined();
      expect(copyLayoutOf(statement ?? {}).known).toBe(false);
    },
  );
});
