// Goal: a masked value is a value of its column's type, in the format that was asked for, and says no more than its style.
// Method: a real Postgres gives values in text and binary; each is masked and handed back to it as a parameter of the same type.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maskStyles, type MaskStyle } from '../../src/core/mask-style.ts';
import { typeOids } from '../../src/proxy/mask-types.ts';
import { valueMask } from '../../src/proxy/mask-values.ts';
import { connectRaw, type Raw } from '../support/raw.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const key = Buffer.alloc(32, 7);
let postgres: TestPostgres;
let raw: Raw;
let asked = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  raw = await connectRaw(postgres.url('postgres'), { TimeZone: 'UTC' });
}, 60_000);

afterAll(async () => {
  raw.close();
  await postgres.stop();
});

interface Asked {
  readonly sql: string;
  readonly types?: readonly number[];
  readonly parameters?: readonly (Buffer | null)[];
  readonly format?: 0 | 1;
  readonly result: 0 | 1;
}

async function value({ sql, types = [], parameters = [], format = 0, result }: Asked): Promise<Buffer | null> {
  const from = raw.said.length;
  raw.send(
    { kind: 'parse', statement: '', sql: Buffer.from(sql), types },
    { kind: 'bind', portal: '', statement: '', formats: [format], parameters, resultFormats: [result] },
    { kind: 'execute', portal: '', maxRows: 0 },
    { kind: 'sync' },
  );
  await raw.readies((asked += 1));
  const said = raw.said.slice(from);
  const row = said.find((message) => message.kind === 'dataRow');
  if (row === undefined) throw new Error(`${sql}: ${JSON.stringify(said)}`);
  return row.values[0] ?? null;
}

function masked(style: MaskStyle, column: { typeOid: number; typeModifier?: number; binary: boolean }, given: Buffer) {
  const { typeOid, typeModifier = -1, binary } = column;
  const mask = valueMask({ style, typeOid, typeModifier, format: binary ? 'binary' : 'text' }, key);
  const target = Buffer.alloc(mask.bytesMax + 2, 0xee);
  const length = mask.write(target, 1, given, 0, given.length);
  expect(length).toBeLessThanOrEqual(mask.bytesMax);
  expect([target[0], target.at(-1)]).toEqual([0xee, 0xee]);
  return length < 0 ? null : target.subarray(1, 1 + length);
}

/** What is shown in the end, by text and by binary clients alike. */
const cases: readonly (readonly [
  type: keyof typeof typeOids,
  value: string,
  style: MaskStyle,
  shown: string | null,
])[] = [
  ['text', 'Grace Hopper', 'fixed', '***'],
  ['text', 'Grace Hopper', 'null', null],
  ['text', '4111 1111 1111 1234', 'last4', '****1234'],
  ['text', '1234567', 'last4', '****'],
  ['text', 'ends in ä', 'last4', '****'],
  ['varchar', 'DE89370400440532013000', 'last4', '****3000'],
  ['text', 'grace.hopper@navy.mil', 'email', 'g***@n***.mil'],
  ['text', 'a@b', 'email', 'a***@b***'],
  ['text', '@navy.mil', 'email', '***'],
  ['text', 'no address', 'email', '***'],
  ['text', 'ä@ö.de', 'email', '***@***.de'],
  ['text', 'x@y.secret-in-the-end-of-it', 'email', 'x***@y***'],
  ['text', '1906-12-09', 'year', '1906'],
  ['text', '19061209', 'year', '***'],
  ['date', '1906-12-09', 'year', '1906-01-01'],
  ['date', '0044-03-15 BC', 'year', '0044-01-01 BC'],
  ['timestamp', '1999-12-31 23:59:59.999999', 'year', '1999-01-01 00:00:00'],
  ['timestamp', '2024-02-29 12:00:00', 'year', '2024-01-01 00:00:00'],
  ['timestamptz', '1969-07-20 20:17:40+00', 'year', '1969-01-01 00:00:00+00'],
  ['int4', '7', 'fixed', '0'],
  ['int8', '4111111111111234', 'last4', '1234'],
  ['int4', '1234567', 'last4', '0'],
  ['int8', '-4111111111111234', 'last4', '0'],
  ['numeric', '12.50', 'fixed', '0'],
  ['float8', '1.5', 'fixed', '0'],
  ['bool', 'true', 'fixed', 'f'],
  ['date', '1906-12-09', 'fixed', '2000-01-01'],
  ['timetz', '12:00:00+02', 'fixed', '00:00:00+00'],
  ['jsonb', '{"a":1}', 'fixed', 'null'],
  ['json', '{"a":1}', 'fixed', 'null'],
  ['inet', '10.1.2.3', 'fixed', '0.0.0.0'],
  ['bytea', '\\x0102', 'fixed', '\\x'],
  ['uuid', '2f7e0b0a-6a1d-4a57-8d6f-3c8e4f1a2b3c', 'fixed', '00000000-0000-0000-0000-000000000000'],
  ['xml', '<a/>', 'fixed', null],
  ['numeric', '12.50', 'hash', null],
  ['time', '12:00:00', 'year', null],
  ['bool', 'true', 'email', null],
];

describe('a masked value', () => {
  test.each(cases)('%s %s by %s is shown as %s', async (type, given, style, shown) => {
    for (const binary of [false, true]) {
      const result = binary ? 1 : 0;
      const own = await value({ sql: `select '${given}'::${type}`, result });
      const typeOid = typeOids[type];
      const instead = own === null ? null : masked(style, { typeOid, binary }, own);
      const seen = await value({
        sql: 'select $1',
        types: [typeOid],
        parameters: [instead],
        format: result,
        result: 0,
      });
      expect(seen === null ? null : seen.toString().replace(/^t$/, 'true'), binary ? 'binary' : 'text').toBe(shown);
    }
  });

  test.each(['text', 'int2', 'int4', 'int8', 'uuid'] as const)(
    'a hashed %s is equal for equals, in both formats',
    async (type) => {
      const values =
        type === 'uuid'
          ? ['2f7e0b0a-6a1d-4a57-8d6f-3c8e4f1a2b3c', '00000000-0000-0000-0000-000000000001']
          : ['12345', '-31'];
      const shown: string[] = [];
      for (const given of values) {
        for (const binary of [false, true]) {
          const result = binary ? 1 : 0;
          const own = await value({ sql: `select '${given}'::${type}`, result });
          const instead = own === null ? null : masked('hash', { typeOid: typeOids[type], binary }, own);
          const parameters = [instead];
          const seen = await value({
            sql: 'select $1',
            types: [typeOids[type]],
            parameters,
            format: result,
            result: 0,
          });
          shown.push(String(seen));
        }
      }
      expect(shown[0]).toBe(shown[1]);
      expect(shown[2]).toBe(shown[3]);
      expect(new Set([...shown, ...values]).size).toBe(4);
    },
  );

  test('another key gives another hash', () => {
    const mask = (of: Buffer) => {
      const one = valueMask({ style: 'hash', typeOid: typeOids.text, typeModifier: -1, format: 'text' }, of);
      const target = Buffer.alloc(one.bytesMax);
      return target.toString('latin1', 0, one.write(target, 0, Buffer.from('same'), 0, 4));
    };
    expect(mask(key)).not.toBe(mask(Buffer.alloc(32, 8)));
    expect(mask(key)).toMatch(/^h_[0-9a-f]{16}$/);
  });

  test('fits into varchar(n)', () => {
    for (const style of maskStyles) {
      const given = Buffer.from('grace.hopper@navy.mil');
      const shown = masked(style, { typeOid: typeOids.varchar, typeModifier: 4 + 3, binary: false }, given);
      expect(shown?.length ?? 0, style).toBeLessThanOrEqual(3);
    }
  });

  test('of a type that is not known is NULL', () => {
    for (const style of maskStyles) {
      for (const binary of [false, true]) {
        expect(masked(style, { typeOid: 0, binary }, Buffer.from('x')), style).toBeNull();
        expect(masked(style, { typeOid: 99_999, binary }, Buffer.from('x')), style).toBeNull();
      }
    }
  });

  test.each(['ISO, DMY', 'SQL, DMY', 'SQL, MDY', 'German', 'Postgres, MDY'])(
    'a year in DateStyle %s',
    async (style) => {
      raw.send({ kind: 'query', sql: Buffer.from(`set datestyle to ${style}`) });
      await raw.readies((asked += 1));
      const own = await value({ sql: `select '1906-12-09'::date`, result: 0 });
      const instead = own === null ? null : masked('year', { typeOid: typeOids.date, binary: false }, own);
      const parameters = [instead];
      const sql = `select to_char($1::date, 'YYYY-MM-DD')`;
      expect(String(await value({ sql, types: [typeOids.date], parameters, result: 0 }))).toBe('1906-01-01');
      raw.send({ kind: 'query', sql: Buffer.from('reset datestyle') });
      await raw.readies((asked += 1));
    },
  );
});
