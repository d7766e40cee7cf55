// Goal: a Parse is read as what its own bytes say, also when the one before it is remembered.
// Method: messages that differ in one thing each from the one before; what is kept beside the text shows whether it was read anew.
import { describe, expect, test } from 'vitest';
import { ParsedText } from '../../src/proxy/parsed-text.ts';
import { encodeClientMessage } from '../../src/wire/client-messages.ts';

interface Parse {
  readonly sql: string;
  readonly types: readonly number[];
}

const query: Parse = { sql: 'select a from t where id = $1', types: [23] };
const long = `select '${'x'.repeat(5000)}'`;

/** In the middle of a chunk, as frames are. */
function read(parsed: ParsedText, { sql, types }: Parse, cut = 0) {
  const frame = encodeClientMessage({ kind: 'parse', statement: '', sql: Buffer.from(sql), types });
  const chunk = Buffer.concat([Buffer.from('before'), frame, Buffer.from('\0behind\0')]);
  const nameBytes = 1;
  const text = parsed.of(chunk, 6 + 5 + nameBytes, 6 + frame.length - cut);
  chunk.fill('#');
  return text;
}

describe('the text of a Parse', () => {
  test('is that of its bytes, and stays when the chunk is gone', () => {
    const text = read(new ParsedText(), query);
    expect(text?.sql.toString()).toBe(query.sql);
    expect(text?.types).toEqual([23]);
    expect(text?.typesKey).toBe('(23)');
  });

  test('is the same one, with what is kept beside it, when the same comes again', () => {
    const parsed = new ParsedText();
    const first = read(parsed, query);
    expect(read(parsed, query)).toBe(first);
    expect(read(parsed, query)).toBe(first);
  });

  const others: readonly { readonly what: string; readonly other: Parse }[] = [
    { what: 'a letter differs', other: { ...query, sql: 'select b from t where id = $1' } },
    { what: 'it is shorter', other: { ...query, sql: 'select a from t' } },
    { what: 'it goes on', other: { ...query, sql: `${query.sql} or true` } },
    { what: 'a type differs', other: { ...query, types: [25] } },
    { what: 'it has no types', other: { ...query, types: [] } },
    { what: 'it has one type more', other: { ...query, types: [23, 23] } },
    { what: 'it is empty', other: { sql: '', types: [] } },
    { what: 'it is long', other: { sql: long, types: [] } },
  ];

  for (const { what, other } of others) {
    test(`is read anew when ${what}, and nothing of the other one is kept beside it`, () => {
      const parsed = new ParsedText();
      for (const each of [query, other, query, other, other]) {
        const text = read(parsed, each);
        expect(text?.sql.toString()).toBe(each.sql);
        expect(text?.types).toEqual(each.types);
        expect(text?.kept?.of).toBe(text?.sql);
      }
    });
  }

  test('of many bytes is not held for the next one', () => {
    const parsed = new ParsedText();
    expect(read(parsed, { sql: long, types: [] })).not.toBe(read(parsed, { sql: long, types: [] }));
  });

  test('does not exist where the message is not as long as it says, whatever came before', () => {
    const parsed = new ParsedText();
    read(parsed, query);
    for (let cut = 1; cut < query.sql.length + 7; cut += 1) expect(read(parsed, query, cut)).toBeUndefined();
    expect(read(parsed, query)?.sql.toString()).toBe(query.sql);
  });
});
