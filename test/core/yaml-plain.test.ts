// Goal: the quick reading of plain files and the library's are one: same values, same places, and never a file that only one of them takes.
// Method: every YAML file of this house, and texts put together at random from lines that are plain, nearly plain and not at all.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlain } from '../../src/core/yaml-plain.ts';
import { loadByLibrary, loadYaml, placeOf, type Spot } from '../../src/core/yaml.ts';

const root = new URL('../../', import.meta.url).pathname;
const noFlow = () => undefined;
const emptyFlow = () => ({ value: {}, spot: { at: 0, keys: undefined, children: undefined } });

function sameAsLibrary(text: string): void {
  const [ours, theirs] = [loadYaml('f.yaml', text), loadByLibrary('f.yaml', text)];
  expect(ours.kind).toBe(theirs.kind);
  if (ours.kind === 'bad' || theirs.kind === 'bad') return expect(ours).toEqual(theirs);
  expect(ours.value.value).toEqual(theirs.value.value);
  expect(ours.value.spot).toEqual(theirs.value.spot);
  for (const path of pathsOf(theirs.value.spot)) {
    for (const which of ['key', 'value'] as const)
      expect(placeOf(ours.value, path, which)).toEqual(placeOf(theirs.value, path, which));
  }
}

function pathsOf(spot: Spot): readonly (readonly (string | number)[])[] {
  return [...(spot.children ?? [])].flatMap(([step, child]) => [
    [step],
    ...pathsOf(child).map((more) => [step, ...more]),
  ]);
}

const words = [
  'internal',
  'personal.contact.email',
  'a-b',
  'x+',
  'null',
  'True',
  'no',
  'on',
  '~',
  '1',
  '01',
  '1.5',
  '.inf',
  '0x1f',
];
const values = [
  ...words,
  "'q'",
  '"d"',
  '{ a: b }',
  '{ level: x, reason: free text, can be: anything }',
  '{ a: { b: [c, d] }, e }',
  '{ a: b',
  '{ a: b } c',
  '{ a: b } # c }',
  '{ a: b }: { c: d }',
  '{ a: &x y }',
  '{ a: *x }',
  '[a, b]',
  '&anchor x',
  '*alias',
  '!tag x',
  '|',
  '>-',
  'two words',
  'b: c',
  'x # words',
  'x #',
  'x#y',
  '# words',
  'é',
  '{ a: é } # ü 😀',
  '',
];
const keys = [
  'a',
  'b',
  'c',
  'public.t',
  '\'legacy."Customer Data"\'',
  '"q"',
  "'it''s'",
  'null',
  'true',
  '1',
  '__proto__',
  '- a',
  '? a',
  'a b',
  'é',
];
const separators = [': ', ':  ', ':', ' : ', ':\t'];
const others = [
  '',
  '   ',
  '# words',
  '      # words',
  '---',
  '...',
  '%YAML 1.2',
  '\t',
  'word',
  '- a',
  'a:',
  'a: b\r',
  '}',
  '\uFEFF',
  'a: \u0000',
];

const line = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0, 0, 2, 2, 4, 4, 6, 1),
        fc.constantFrom(...keys.slice(0, 5)),
        fc.constantFrom(...words.slice(0, 4), ''),
      )
      .map(([indent, key, value]) => `${' '.repeat(indent)}${key}:${value === '' ? '' : ` ${value}`}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(6), fc.constantFrom(...keys), fc.constantFrom(...separators), fc.constantFrom(...values))
      .map(([indent, key, colon, value]) => `${' '.repeat(indent)}${key}${colon}${value}`),
  },
  { weight: 1, arbitrary: fc.constantFrom(...others) },
);

const likelyValue = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('internal', 'personal.contact.email', 'no', '1', '{ a: b }', 'x # words') },
  { weight: 1, arbitrary: fc.constantFrom(...words) },
);

/** A file as people write them: each line opens a map or has a word, and steps out by as many levels as it likes. */
const likely = fc
  .array(fc.record({ opens: fc.boolean(), out: fc.nat(2), value: likelyValue }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((steps) => {
    let depth = 0;
    let before = false;
    return steps.map(({ opens, out, value }, index) => {
      const isOpener = opens && index < steps.length - 1;
      depth = before ? depth + 1 : Math.max(0, depth - out);
      before = isOpener;
      return `${'  '.repeat(depth)}k${index}:${isOpener ? '' : ` ${value}`}`;
    });
  });

/** One line of it is another, or is there twice, or has a letter more. */
const nearly = fc
  .tuple(likely, fc.nat(), fc.oneof(line, fc.constantFrom('twice', 'letter')), fc.constantFrom(...': {}#-\'"\t\n\\&*!'))
  .map(([lines, where, how, letter]) => {
    const at = where % lines.length;
    const old = lines[at] ?? '';
    const cut = where % (old.length + 1);
    const fresh =
      how === 'twice' ? `${old}\n${old}` : how === 'letter' ? old.slice(0, cut) + letter + old.slice(cut) : how;
    return lines.with(at, fresh);
  });

describe('the plain reading', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.ya?ml$/.test(name) && !/node_modules|^dist/.test(name),
  );

  test('gives of every file of this house what the library gives', () => {
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) sameAsLibrary(readFileSync(join(root, file), 'utf8'));
  });

  test('gives of texts put together at random what the library gives', { timeout: 60_000 }, () => {
    let plain = 0;
    fc.assert(
      fc.property(
        fc.oneof(likely, nearly, fc.array(line, { minLength: 1, maxLength: 8 })),
        fc.boolean(),
        (lines, ends) => {
          const text = `${lines.join('\n')}${ends ? '\n' : ''}`;
          if (readPlain(text, emptyFlow) !== undefined) plain += 1;
          sameAsLibrary(text);
        },
      ),
      { numRuns: Number(process.env['PLAIN_RUNS'] ?? 3000) },
    );
    // The comparison is worth something only where the quick one takes part.
    expect(plain).toBeGreaterThan(500);
  });

  test('takes a large catalog whole, and leaves to the library what is not plain', () => {
    const entries = Array.from({ length: 300 }, (_, index) => `      c_${index}: personal.contact.email\n`).join('');
    const text = `version: 1\ndatabase: big # words\n\ntables:\n  public.t:\n    default: internal\n    columns:\n${entries}  'legacy."X"': restricted\n`;
    expect(readPlain(text, noFlow)?.value).toMatchObject({ version: 1, tables: { 'legacy."X"': 'restricted' } });
    sameAsLibrary(text);
    for (const odd of [
      'a: null',
      'a: b\n  c: d',
      'a:\nb: c',
      '  a: b',
      'a: b\n a: c',
      'a: b\na: c',
      `a: ${'x'.repeat(1001)}`,
    ])
      expect(readPlain(odd, noFlow)).toBeUndefined();
  });
});
