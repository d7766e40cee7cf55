// Goal: an edit changes one entry of a person's file and not one byte beside it, or nothing at all.
// Method: files as people write them with the exact text that must come out; random files whose every other value must stay.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadYaml, type PlainValue } from '../../src/core/yaml.ts';
import { putEntry, removeEntry } from '../../src/core/yaml-edit.ts';

function valueOf(text: string | undefined): PlainValue {
  const loaded = loadYaml('f', text ?? 'a: *b');
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes[0].words);
  return loaded.value.value;
}

const bot = { scram: 'S$4096:a==', owner: 'ana', databases: ['shop'] };
const botLine = 'bot: { scram: "S$4096:a==", owner: ana, databases: [shop] }';

describe('putting an entry', () => {
  const cases: readonly (readonly [name: string, before: string, after: string])[] = [
    ['into an empty file', '', `agents:\n  ${botLine}\n`],
    ['where the map is empty, as a file begins', 'agents: {}\nlisten: 1\n', `agents:\n  ${botLine}\nlisten: 1\n`],
    ['where the map is missing', '# mine\nlisten: 1\n', `# mine\nlisten: 1\nagents:\n  ${botLine}\n`],
    [
      'behind the last, with its comment, and before a blank line',
      'agents:\n    old:   {a: 1}   # keep\n\n\nholds:   {wait: 60s}\n',
      `agents:\n    old:   {a: 1}   # keep\n    ${botLine}\n\n\nholds:   {wait: 60s}\n`,
    ],
    [
      'behind one of several lines',
      'agents:\n  old:\n    owner: ana\n    databases:\n      - shop\n# end\n',
      `agents:\n  old:\n    owner: ana\n    databases:\n      - shop\n  ${botLine}\n# end\n`,
    ],
    ['without a line break at the end', 'agents:\n  old: 1', `agents:\n  old: 1\n  ${botLine}`],
    [
      'in the place of one of that name',
      'agents:\n  bot: 1  # mine\n  b: 2\n',
      `agents:\n  ${botLine}  # mine\n  b: 2\n`,
    ],
  ];
  test.each(cases)('%s', (_name, before, after) => {
    expect(putEntry(before, { path: ['agents'], name: 'bot', value: bot })).toBe(after);
  });

  test('into a flow map keeps the comments around it', () => {
    const text = putEntry('# top\nagents: { old: 1 } # keep\n', { path: ['agents'], name: 'bot', value: bot });
    expect(valueOf(text)).toEqual({ agents: { old: 1, bot } });
    expect(text).toContain('# top');
    expect(text).toContain('# keep');
  });

  test('instead of another, in a flow map, changes only that', () => {
    const before = 'agents:\n  bot:   { password: "x",  owner: ana }  # mine\n';
    const put = { path: ['agents', 'bot'], name: 'scram', value: 'S', insteadOf: 'password' } as const;
    expect(putEntry(before, put)).toBe('agents:\n  bot:   { scram: S,  owner: ana }  # mine\n');
  });

  test('instead of another, in a block', () => {
    const before = 'agents:\n  bot:\n    password: x # secret\n    owner: ana\n';
    const put = { path: ['agents', 'bot'], name: 'scram', value: 'a: b', insteadOf: 'password' } as const;
    expect(putEntry(before, put)).toBe('agents:\n  bot:\n    scram: "a: b" # secret\n    owner: ana\n');
  });

  test.each(['agents: [1]\n', 'agents: 7\n', 'a: *x\n', '- 1\n'])('into %j is refused', (text) => {
    expect(putEntry(text, { path: ['agents'], name: 'bot', value: bot })).toBeUndefined();
  });

  test('quotes what YAML would read as something else', () => {
    const value = { a: 'true', b: 'null', c: '1', d: '', e: ': #', f: '\u0000\n', g: 'no' };
    expect(valueOf(putEntry('', { path: ['m'], name: 'yes', value }))).toEqual({ m: { yes: value } });
  });

  test('leaves every other value of any file as it was', () => {
    const key = fc.stringMatching(/^[a-z]{1,6}$/);
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(fc.dictionary(key, fc.dictionary(key, leaf)), key, key, leaf, (file, map, name, value) => {
        const block = Object.entries(file)
          .map(([top, inner]) => {
            const lines = Object.entries(inner).map(([k, v]) => `  ${JSON.stringify(k)}: ${json(v)}   # c\n`);
            return `${JSON.stringify(top)}:${lines.length === 0 ? ' {}\n' : `\n${lines.join('')}`}`;
          })
          .join('# between\n\n');
        const after = putEntry(block, { path: [map], name, value });
        expect(valueOf(after)).toEqual({ ...file, [map]: { ...file[map], [name]: value } });
        expect((after?.match(/# c$/gm) ?? []).length).toBe((block.match(/# c$/gm) ?? []).length);
      }),
      { numRuns: 200 },
    );
  });
});

/** YAML forbids some characters in the open that JSON allows. */
const json = (value: string | number | boolean): string =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

describe('taking an entry out', () => {
  test('takes its lines and comment, and nothing else', () => {
    const before = 'agents:\n  # first\n  a:\n    x: 1 # one\n    y: 2\n  b: { z: 3 } # three\n\nend: 1\n';
    expect(removeEntry(before, ['agents'], 'b')).toBe('agents:\n  # first\n  a:\n    x: 1 # one\n    y: 2\n\nend: 1\n');
    expect(removeEntry(before, ['agents'], 'a')).toBe('agents:\n  # first\n  b: { z: 3 } # three\n\nend: 1\n');
  });

  test('leaves an empty map when it was the only one', () => {
    expect(valueOf(removeEntry('agents:\n  a: 1\nb: 2\n', ['agents'], 'a'))).toEqual({ agents: {}, b: 2 });
  });
});
