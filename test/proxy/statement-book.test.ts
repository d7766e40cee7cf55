// Goal: a name always means what the server will run, or is said to be unsettled.
// Method: the orders in which an agent can try to make the two differ.
import { describe, expect, test } from 'vitest';
import { StatementBook, type PreparedText } from '../../src/proxy/statement-book.ts';

const sql = (text: string): PreparedText => ({ sql: Buffer.from(text), types: [], typesKey: '' });
const textOf = (book: StatementBook, name: string, batch: number): string => {
  const found = book.find(name, batch);
  return found.kind === 'found' ? found.text.sql.toString() : found.kind;
};

describe('the statement book', () => {
  test('knows a name at once in its own batch, and only when settled in a later one', () => {
    const book = new StatementBook();
    const parse = book.parse('s', sql('one'), 0);
    expect(textOf(book, 's', 0)).toBe('one');
    expect(textOf(book, 's', 1)).toBe('unsettled');
    parse.ended('done');
    expect(textOf(book, 's', 1)).toBe('one');
  });

  test('a Parse of a taken name that fails leaves the old text', () => {
    const book = new StatementBook();
    book.parse('s', sql('delete from t'), 0).ended('done');
    const second = book.parse('s', sql('select 1'), 1);
    expect(textOf(book, 's', 2)).toBe('unsettled');
    second.ended('failed');
    expect(textOf(book, 's', 2)).toBe('delete from t');
  });

  test('a failed Parse of the unnamed statement leaves none, a skipped one leaves the old', () => {
    const book = new StatementBook();
    book.parse('', sql('one'), 0).ended('done');
    book.parse('', sql('two'), 1).ended('skipped');
    expect(textOf(book, '', 2)).toBe('one');
    book.parse('', sql('three'), 2).ended('failed');
    expect(textOf(book, '', 3)).toBe('unknown');
  });

  test('several Parses that are undone in order lead back to the text before all of them', () => {
    const book = new StatementBook();
    book.parse('s', sql('zero'), 0).ended('done');
    const later = ['one', 'two', 'three'].map((text) => book.parse('s', sql(text), 1));
    later.forEach((parse, index) => parse.ended(index === 0 ? 'failed' : 'skipped'));
    expect(textOf(book, 's', 2)).toBe('zero');
  });

  test('a closed name is gone when the server says so, and back when it skipped the message', () => {
    const book = new StatementBook();
    book.parse('s', sql('one'), 0).ended('done');
    const close = book.close('s', 1);
    expect(textOf(book, 's', 1)).toBe('unknown');
    close?.ended('skipped');
    expect(textOf(book, 's', 2)).toBe('one');
    book.close('s', 2)?.ended('done');
    expect(textOf(book, 's', 3)).toBe('unknown');
    expect(book.size).toBe(0);
  });

  test('what SQL may have closed is in doubt until the server has said what it has; the unnamed statement is out of its reach', () => {
    const book = new StatementBook();
    book.doubt();
    expect(book.inDoubt('s')).toBe(false);
    for (const name of ['', 's', 't']) book.parse(name, sql(`text of ${name}`), 0).ended('done');
    book.doubt();
    expect([book.inDoubt('s'), book.inDoubt('')]).toEqual([true, false]);
    book.keepOnly(new Set(['t']));
    expect(['', 's', 't'].map((name) => textOf(book, name, 1))).toEqual(['text of ', 'unknown', 'text of t']);
    expect(book.inDoubt('t')).toBe(false);
  });
});
