// Goal: patterns match what DBAs mean, and none can keep the proxy busy.
// Method: a table of patterns that are taken and refused; for those taken, the worst names that their own alphabet makes.
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../src/catalog/pattern.ts';

const taken = [
  '(^|_)e?mail(_|$)',
  '^ssn$',
  '[a-z_]*ssn[a-z_]*',
  '(first|last|full|middle)_?name',
  '^(.*_)?iban(_.*)?$',
  '\\d{3}',
  'a{2,5}b',
  '(?:pass|pwd)(?:word|wd)?',
  '^\\w+_hash$',
  '\\u{61}[\\]a]+',
];
const refused = [
  '(a+)+$',
  '(a*)*',
  '(a|a)*b',
  '(_[a-z]+)*',
  '(?=a)b',
  '(a)\\1',
  '(?<n>a)\\k<n>',
  '.*.*.*.*=',
  'a?'.repeat(40) + 'a',
  '(a|a)'.repeat(39),
  '',
  'x'.repeat(201),
  '(a{1,9}){2,9}',
  '(?<!a)b',
];

describe('patterns over names', () => {
  test.each(taken)('takes %s', (text) => {
    expect(compilePattern(text).kind).toBe('good');
  });

  test.each(refused)('refuses %s', (text) => {
    expect(compilePattern(text).kind).toBe('bad');
  });

  test('matches in either case', () => {
    const pattern = compilePattern('(^|_)e?mail(_|$)');
    const matches = pattern.kind === 'good' ? pattern.matches : () => false;
    expect(['email', 'E_MAIL', 'work_email_2', 'mail'].map(matches)).toEqual([true, true, true, true]);
    expect(['emails', 'remailed'].map(matches)).toEqual([false, false]);
  });

  test('takes no pattern that needs long for any name', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '(',
      ')',
      '|',
      '*',
      '+',
      '?',
      '{1,3}',
      '{2}',
      '{0,}',
      '[ab]',
      '.',
      '^',
      '$',
      '\\w',
      '(?:',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 14 }), (pieces) => {
        const pattern = compilePattern(pieces.join(''));
        if (pattern.kind === 'bad') return;
        const begun = performance.now();
        for (const name of ['a'.repeat(63), `${'a'.repeat(62)}!`, `${'ab'.repeat(31)}!`]) pattern.matches(name);
        expect(performance.now() - begun).toBeLessThan(500);
      }),
      { numRuns: 3000 },
    );
  });
});
