// Goal: what stands in a file is read as a person means it, and every mistake names its line, column and mend.
// Method: small files as text with the words that must come out; hostile ones against the clock; random trees read back.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { mistakeText, placeText } from '../../src/core/place.ts';
import { checkWith } from '../../src/core/yaml-check.ts';
import { loadYaml, placeOf, type YamlDocument } from '../../src/core/yaml.ts';

function document(text: string): YamlDocument {
  const loaded = loadYaml('f.yaml', text);
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

function mistakes(text: string): readonly string[] {
  const loaded = loadYaml('f.yaml', text);
  return loaded.kind === 'bad' ? loaded.mistakes.map(mistakeText) : [];
}

describe('a YAML file', () => {
  test('is read as plain values, with the place of every key and value', () => {
    const read = document('a: 1\nb:\n  - x\n  - { c: true, d: "t" }\n');
    expect(read.value).toEqual({ a: 1, b: ['x', { c: true, d: 't' }] });
    expect(placeText(placeOf(read, ['a']))).toBe('f.yaml:1:4');
    expect(placeText(placeOf(read, ['a'], 'key'))).toBe('f.yaml:1:1');
    expect(placeText(placeOf(read, ['b', 1, 'd']))).toBe('f.yaml:4:19');
    expect(placeText(placeOf(read, ['b', 1, 'd'], 'key'))).toBe('f.yaml:4:16');
    expect(placeText(placeOf(read, ['b', 7, 'z']))).toBe('f.yaml:2:1');
  });

  test('keeps NO, on and yes as texts, and keys as they are written', () => {
    expect(document('a: NO\nb: on\n1.0: x\ntrue: y\n').value).toEqual({ a: 'NO', b: 'on', '1.0': 'x', true: 'y' });
  });

  test('takes a comma in a plain text of a flow map as part of the text', () => {
    const text = 'n: { level: restricted, reason: free text, can hold anything, truly, owner: crm }\n';
    expect(document(text).value).toEqual({
      n: { level: 'restricted', reason: 'free text, can hold anything, truly', owner: 'crm' },
    });
  });

  test('is an empty map when it is empty', () => {
    expect(document('# only words\n').value).toEqual({});
  });

  const wrong: readonly (readonly [text: string, first: string])[] = [
    ['a: 1\nb: 2\na: 3\n', "f.yaml:3:1: 'a' is here twice (the first is on line 1)"],
    ['a: &x [1]\nb: *x\n', 'f.yaml:2:4: aliases (*name) are not read here (write the value out)'],
    ['a: 1\n---\nb: 2\n', 'f.yaml:2:1: a second document (---) in one file is not read'],
    ['a: !env X\n', 'f.yaml:1:4: tags (!name) are not read here: Unresolved tag: !env'],
    ['? [1]\n: 2\n', 'f.yaml:1:3: a key must be a text (put it in quotes)'],
    ['__proto__: { admin: true }\n', 'f.yaml:1:1: this key is not possible'],
    ['a: {b: 1\n', 'f.yaml:2:1: Flow map in block collection'],
    ['a:\n\t- b\n', 'f.yaml:2:1: Tabs are not allowed as indentation (indent with blanks)'],
  ];
  test.each(wrong)('%j is a mistake with its place', (text, first) => {
    expect(mistakes(text)[0]).toContain(first);
  });

  test('says every mistake at once', () => {
    expect(mistakes('a: 1\na: 2\nb: *x\nc: !t 1\n')).toHaveLength(3);
  });

  const hostile: readonly (readonly [name: string, text: string])[] = [
    ['a bomb of aliases', 'a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n'],
    ['a row of list marks', '- '.repeat(100_000)],
    ['a row of question marks', '? '.repeat(100_000)],
    ['brackets without end', '['.repeat(100_000)],
    ['braces without end', '{a: '.repeat(100_000)],
    ['a stair of maps', Array.from({ length: 500 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['a very large file', `a: ${'x'.repeat(17 * 1024 * 1024)}`],
  ];
  test.each(hostile)('that is %s is a mistake within 3 s', (_name, text) => {
    const start = performance.now();
    expect(mistakes(text).length).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('of 50,000 columns is read, checked and placed within 2 s of processor time', () => {
    let text = 'tables:\n';
    for (let table = 0; table < 1000; table += 1) {
      text += `  public.table_${table}:\n    columns:\n`;
      for (let column = 0; column < 50; column += 1) text += `      column_${column}: personal.contact.email\n`;
    }
    const start = process.cpuUsage();
    const read = document(text);
    const columns = z.record(z.string(), z.union([z.string(), z.strictObject({ level: z.string() })]));
    const checked = checkWith(z.strictObject({ tables: z.record(z.string(), z.strictObject({ columns })) }), read);
    let lines = 0;
    for (let table = 0; table < 1000; table += 1) {
      for (let column = 0; column < 50; column += 1) {
        lines += placeOf(read, ['tables', `public.table_${table}`, 'columns', `column_${column}`]).line;
      }
    }
    const { user, system } = process.cpuUsage(start);
    expect(checked.kind).toBe('good');
    expect(lines).toBe(Array.from({ length: 1000 }, (_, t) => 50 * (52 * t + 4) + 1225).reduce((a, b) => a + b));
    // 0.6 s by the clock on two idle cores. Processor time counts the collector's threads too, and not the neighbours.
    expect((user + system) / 1000).toBeLessThan(2000);
  });

  test('of any maps, lists and texts comes back as it was written', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
          fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string())),
        ),
        (value) => {
          // JSON is YAML, but for characters that YAML forbids unescaped.
          const text = JSON.stringify(value).replace(
            /[\u007f-\uffff]/g,
            (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
          );
          expect(document(text).value).toEqual(value);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a schema against a file', () => {
  const schema = z.strictObject({
    listen: z.string(),
    mode: z.enum(['socket', 'http']).optional(),
    agents: z.record(
      z.string().regex(/^[a-z-]+$/, 'an agent is named by small letters and dashes'),
      z.union([z.string(), z.strictObject({ owner: z.string(), databases: z.array(z.string()).min(1) })]),
    ),
    limits: z.strictObject({ connections: z.int().min(1).optional() }).optional(),
  });
  const said = (text: string): readonly string[] => {
    const checked = checkWith(schema, document(text));
    return checked.kind === 'bad' ? checked.mistakes.map(mistakeText) : [];
  };

  const cases: readonly (readonly [name: string, text: string, said: readonly string[]])[] = [
    [
      'an unknown key points at the key and names the nearest',
      'listen: x\nagents: {}\nlimts: {}\n',
      ["f.yaml:3:1: limts: no such key here (did you mean 'limits'?)"],
    ],
    [
      'an unknown key deep inside finds the keys of its own map',
      'listen: x\nagents:\n  bot:\n    owner: ana\n    databses: [a]\n    databases: [a]\n',
      ["f.yaml:5:5: agents.bot.databses: no such key here (did you mean 'databases'?)"],
    ],
    [
      'an unknown key that is near to nothing is told what is known',
      'listen: x\nagents: {}\nlimits: { zzzzzz: 1 }\n',
      ['f.yaml:3:11: limits.zzzzzz: no such key here (known here: connections)'],
    ],
    [
      'a missing key is said at its map',
      'listen: x\nagents:\n  bot: { databases: [a] }\n',
      ["f.yaml:3:3: agents.bot: 'owner' is missing (add 'owner', a text)"],
    ],
    ['a missing key at the top', 'agents: {}\n', ["f.yaml:1:1: 'listen' is missing (add 'listen', a text)"]],
    [
      'a number where a text belongs wants quotes',
      'listen: 6432\nagents: {}\n',
      ['f.yaml:1:9: listen: must be a text, is a number (put it in quotes)'],
    ],
    [
      'a word of a closed list',
      'listen: x\nmode: sockte\nagents: {}\n',
      ["f.yaml:2:7: mode: 'sockte' is not one of socket, http (did you mean 'socket'?)"],
    ],
    [
      'a form that fits no branch names them all',
      'listen: x\nagents: { bot: 7 }\n',
      ['f.yaml:2:16: agents.bot: must be a text or a map, is a number'],
    ],
    [
      'a bad name of an entry points at the name',
      'listen: x\nagents: { Bot_1: y }\n',
      ['f.yaml:2:11: agents.Bot_1: an agent is named by small letters and dashes'],
    ],
    [
      'a bound',
      'listen: x\nagents: { bot: { owner: a, databases: [] } }\nlimits: { connections: 0 }\n',
      [
        'f.yaml:2:39: agents.bot.databases: must have 1 entry at least',
        'f.yaml:3:24: limits.connections: must be 1 at least',
      ],
    ],
    [
      'everything at once, in the order of the file',
      'listen: 1\nmode: x\nagents:\n  bot: { owner: 1 }\nextra: 1\n',
      [
        'f.yaml:1:9: listen: must be a text, is a number (put it in quotes)',
        "f.yaml:2:7: mode: 'x' is not one of socket, http",
        "f.yaml:4:3: agents.bot: 'databases' is missing (add 'databases', a list)",
        'f.yaml:4:17: agents.bot.owner: must be a text, is a number (put it in quotes)',
        'f.yaml:5:1: extra: no such key here (known here: listen, mode, agents, limits)',
      ],
    ],
  ];
  test.each(cases)('%s', (_name, text, expected) => {
    expect(said(text)).toEqual(expected);
  });

  test('names the word of the file, not the secret that a variable put there', () => {
    const value = { listen: 'x', mode: 'hunter2', agents: {} };
    const checked = checkWith(schema, document('listen: x\nmode: ${PW}\nagents: {}\n'), { value });
    expect(checked.kind === 'bad' ? checked.mistakes.map(mistakeText) : []).toEqual([
      "f.yaml:2:7: mode: '${PW}' is not one of socket, http",
    ]);
  });

  test('shows control characters of a key instead of sending them to a terminal', () => {
    const [first] = said('listen: x\nagents: {}\n"\\e[31mred": 1\n');
    expect(first).not.toContain('\u001b');
  });
});
