// Goal: the `options` start-up parameter is split as Postgres splits it.
// Method: rows of text and what pg_split_opts and getopt of the backend make of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseOptions, splitWords } from '../../src/wire/startup-options.ts';

/** pg_split_opts, character by character. */
function asPostgresDoes(text: string): readonly string[] {
  const words: string[] = [];
  const isSpace = (character: string | undefined): boolean =>
    character !== undefined && ' \t\n\v\f\r'.includes(character);
  let at = 0;
  for (;;) {
    while (isSpace(text[at])) at += 1;
    if (at >= text.length) return words;
    let word = '';
    let escaped = false;
    for (; at < text.length; at += 1) {
      if (isSpace(text[at]) && !escaped) break;
      if (!escaped && text[at] === '\\') escaped = true;
      else {
        escaped = false;
        word += text[at];
      }
    }
    words.push(word);
  }
}

describe('options', () => {
  test.each<[string, readonly unknown[]]>([
    ['', []],
    ['-c work_mem=4MB', [{ kind: 'setting', name: 'work_mem', value: '4MB' }]],
    ['-cwork_mem=4MB', [{ kind: 'setting', name: 'work_mem', value: '4MB' }]],
    ['--work-mem=4MB', [{ kind: 'setting', name: 'work_mem', value: '4MB' }]],
    [String.raw`-c search_path=a,\ b\\c`, [{ kind: 'setting', name: 'search_path', value: String.raw`a, b\c` }]],
    ['-c a=b=c', [{ kind: 'setting', name: 'a', value: 'b=c' }]],
    [
      '-c a= -c b=1',
      [
        { kind: 'setting', name: 'a', value: '' },
        { kind: 'setting', name: 'b', value: '1' },
      ],
    ],
    ['-c', [{ kind: 'unknown', text: '-c' }]],
    ['-c work_mem', [{ kind: 'unknown', text: '-c work_mem' }]],
    ['-e', [{ kind: 'unknown', text: '-e' }]],
    ['--', [{ kind: 'unknown', text: '--' }]],
    ['word', [{ kind: 'unknown', text: 'word' }]],
  ])('%j', (text, expected) => {
    expect(parseOptions(text)).toEqual(expected);
  });

  test('words are those of pg_split_opts for any text', () => {
    const piece = fc.constantFrom('\\', ' ', '\t', '\n', '-c', 'a=b', "'", 'é', '\\ ', '\u00a0');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(splitWords(pieces.join(''))).toEqual(asPostgresDoes(pieces.join('')));
      }),
      { numRuns: 3000 },
    );
  });
});
