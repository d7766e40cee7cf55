// Goal: the fast serializers write exactly what RFC 8785 asks for.
// Method: compare them, on random records with hostile strings, with the general canonicalizer and with JSON's own reading.
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generalLine } from '../../src/audit/canonical.ts';
import { OpenBlock } from '../../src/audit/open-block.ts';
import { parseRecord } from '../../src/audit/reader.ts';
import type { LoggedBody, Stamp } from '../../src/audit/record.ts';
import { aJudged, type JudgedBody } from './fixtures.ts';

/** One for all: what it keeps of one record must not show in another. */
const block = new OpenBlock();

function canonicalLine(body: LoggedBody, stamp: Stamp): string {
  block.begin();
  block.take(body, stamp);
  return Buffer.from(block.waiting()).toString();
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('"', '\\', '\u2028', '\u0000', '\u007f'),
);
const stamp = fc.record({
  seq: fc.oneof(fc.nat(), fc.maxSafeNat()),
  prev: fc.constantFrom('0'.repeat(64), 'f'.repeat(64)),
  at: fc.constantFrom('2026-11-21T04:41:30.123Z', '2026-11-21T04:41:30.124Z', '+010000-01-01T00:00:00.000Z'),
});
const judged = fc.record(
  {
    kind: fc.constant('judged' as const),
    session: text,
    agent: text,
    owner: text,
    database: text,
    statement: fc.oneof(
      text,
      fc.constantFrom('a', 'b', '0').map((digit) => digit.repeat(64)),
      fc.string({ minLength: 64, maxLength: 64 }),
    ),
    text,
    parameters: text,
    sealed: text,
    path: fc.array(text),
    role: text,
    expected: fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })),
    verdict: fc.constantFrom('allow' as const, 'hold' as const, 'deny' as const),
    actions: fc.array(text),
    columns: fc.array(fc.record({ column: text, level: text })),
    rules: fc.array(text),
    catalog: text,
    schema: text,
    witness: fc.constant('static' as const),
  },
  {
    requiredKeys: [
      'kind',
      'session',
      'agent',
      'owner',
      'database',
      'statement',
      'verdict',
      'actions',
      'columns',
      'rules',
      'catalog',
      'schema',
    ],
  },
);
const finished = fc.record(
  {
    kind: fc.constant('finished' as const),
    session: text,
    of: fc.nat(),
    rows: fc.nat(),
    bytes: fc.maxSafeNat(),
    ms: fc.oneof(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      fc.constant(-0),
      fc.nat().map((micros) => micros / 1000),
      fc.maxSafeNat().map((micros) => micros / 1000),
    ),
    error: text,
  },
  { requiredKeys: ['kind', 'session', 'of', 'rows', 'bytes', 'ms'] },
);

describe('the serializer of its own', () => {
  test('knows every member that a judged record may have', () => {
    const whole: Required<JudgedBody> = {
      ...aJudged(),
      ...{ text: 't', parameters: 'p', sealed: 's', path: ['a'], role: 'r', expected: 1, witness: 'static' },
    };
    const line = canonicalLine(whole, { seq: 1, prev: '0'.repeat(64), at: '2026-11-21T04:41:30.123Z' });
    expect(Object.keys(JSON.parse(line))).toEqual([...Object.keys(whole), 'at', 'prev', 'seq'].sort());
  });
});

describe('a record as a line', () => {
  test('is the same from the fast serializer as from the general one', () => {
    fc.assert(
      fc.property(fc.oneof(judged, finished), stamp, (body, put) => {
        expect(canonicalLine(body, put)).toBe(`${canonicalize({ ...body, ...put })}\n`);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is the same when another record with the same lists came before, whatever else differs', () => {
    const lists = fc.subarray([
      'rules',
      'actions',
      'columns',
      'path',
      'agent',
      'owner',
      'database',
      'role',
      'text',
    ] as const);
    fc.assert(
      fc.property(fc.array(judged, { minLength: 2, maxLength: 4 }), lists, stamp, ([first, ...others], shared, put) => {
        const { rules } = first ?? aJudged({});
        const same = Object.fromEntries(
          shared.flatMap((name) => (first?.[name] === undefined ? [] : [[name, first[name]]])),
        );
        for (const body of [first, ...others.map((other) => ({ ...other, ...same, rules })), first]) {
          if (body !== undefined) expect(canonicalLine(body, put)).toBe(`${canonicalize({ ...body, ...put })}\n`);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('is read back as the record it was', () => {
    fc.assert(
      fc.property(fc.oneof(judged, finished), stamp, (body, put) => {
        const read = parseRecord(canonicalLine(body, put).slice(0, -1));
        expect(read).toEqual(JSON.parse(JSON.stringify({ ...body, ...put })));
      }),
    );
  });

  test.each(['\ud800', 'a\udfffb', '\udc00\ud800'])('has no lone surrogates, which have no UTF-8: %j', (lone) => {
    const put = { seq: 1, prev: '0'.repeat(64), at: '2026-11-21T04:41:30.123Z' };
    const body = aJudged({ text: lone });
    const line = canonicalLine(body, put);
    expect(line).toBe(`${generalLine(body, put)}\n`);
    expect(line).toContain('\ufffd');
    expect(Buffer.from(line).toString()).toBe(line);
  });

  test('refuses a number that JSON cannot say', () => {
    const put = { seq: 1, prev: '0'.repeat(64), at: '2026-11-21T04:41:30.123Z' };
    const body = { kind: 'finished', session: 's', of: 1, rows: 1, bytes: 1, ms: Number.NaN } as const;
    expect(() => canonicalLine(body, put)).toThrow('finite');
  });
});
