// Goal: the server's node text is read exactly, fast, and never so that a name is taken for structure.
// Method: texts as outfuncs.c prints them, broken into lines by our own copy of the server's rule; hostile names; sizes and depths.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameText, nodeTextLimits, readNodeText, TreeNode, type NodeValue } from '../../src/sql/node-text.ts';

const read = (text: string, recoding: 'same' | 'recoded' = 'same') => readNodeText(Buffer.from(text), recoding);

function plain(value: NodeValue): unknown {
  if (value instanceof TreeNode) {
    return {
      [value.tag]: Object.fromEntries(value.layout.fields.map((name, at) => [name, plain(value.values[at] ?? null)])),
    };
  }
  return Array.isArray(value) ? value.map((item: NodeValue) => plain(item)) : value;
}

/** format_node_dump of print.c: lines of 78 bytes, broken at a space where there is one. */
function broken(text: string): string {
  const bytes = Buffer.from(text);
  const lines: Buffer[] = [];
  let at = 0;
  for (;;) {
    let end = Math.min(at + 78, bytes.length);
    if (end === bytes.length) break;
    let next = end;
    if (bytes[end] === 0x20) next = end + 1;
    else {
      let space = end - 1;
      while (space > at && bytes[space] !== 0x20) space--;
      if (space > at) {
        end = space;
        next = space + 1;
      }
    }
    lines.push(bytes.subarray(at, end), Buffer.from('\n'));
    at = next;
  }
  return Buffer.concat([...lines, bytes.subarray(at)]).toString();
}

/** outToken of outfuncs.c. */
function token(name: string): string {
  if (name === '') return '""';
  const first = /^[<"\d]|^[+-][\d.]/.test(name) ? '\\' : '';
  return first + name.replace(/[ \n\t(){}\\]/g, '\\$&');
}

describe('node text', () => {
  test.each([
    ['<>', null],
    ['(b)', ['b']],
    ['(b 8 9)', ['b', '8', '9']],
    ['({A :x 1 :y <> :z (i 1 2)} {B})', [{ A: { x: '1', y: null, z: ['i', '1', '2'] } }, { B: {} }]],
    ['{C :names ("id" "Customer\\ Data" "")}', { C: { names: ['id', 'Customer Data', ''] } }],
    ['{C :name \\<> :other \\"x}', { C: { name: '<>', other: '"x' } }],
    ['{CONST :constvalue 4 [ 7 0 -1 0 ] :location -1}', { CONST: { constvalue: ']', location: '-1' } }],
    ['{CONST :constvalue <>}', { CONST: { constvalue: null } }],
    ['{C :alias :x :next [}', { C: { alias: ':x', next: '[' } }],
  ])('%s is read', (text, wanted) => {
    const value = read(text);
    expect(value.known && plain(value.value)).toEqual(wanted);
  });

  test.each([
    '',
    '(',
    '{',
    '{A',
    '{A :x',
    '{A :x}',
    '{A x 1}',
    '(}',
    '{A :x 1)',
    '(1) 2',
    '{CONST :constvalue 4 [ 1 2 ',
    'a\\',
  ])('malformed text is not known: %s', (text) => {
    expect(read(text).known).toBe(false);
  });

  test('names of any characters come back, or the text is not known', () => {
    const names = fc.string({ unit: fc.constantFrom(...' \n\t(){}\\"<>:[]abcé漢'), minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 12 }), (list) => {
        const text = `({Q :names (${list.map((name) => `{N :n ${token(name)}}`).join(' ')}) :end 1})`;
        const value = read(broken(text));
        if (!value.known) return;
        const [query] = value.value as readonly NodeValue[];
        const found = (query as TreeNode).get('names') as readonly TreeNode[];
        // A newline that broke a line behind a backslash is taken for the space it stands for, or the other way round.
        const same = (name: string | undefined): string | undefined => name?.replaceAll('\n', ' ');
        expect(found.map((node) => same(nameText(node.get('n'))))).toEqual(list.map(same));
      }),
      { numRuns: 3_000 },
    );
  });

  test('a name that breaks a line between a backslash and its brace is not believed', () => {
    for (let lead = 0; lead < 80; lead++) {
      const name = `${'a'.repeat(lead % 20)}${'{'.repeat(30)}}(QUERY`;
      const text = `({Q ${':pad x '.repeat(lead)}:alias ${token(name)} :end 1})`;
      const value = read(broken(text));
      if (!value.known) continue;
      const [query] = value.value as readonly NodeValue[];
      expect(nameText((query as TreeNode).get('alias'))).toBe(name);
    }
    expect(read(broken(`({Q :alias ${token('{'.repeat(60))}})`)).known).toBe(false);
  });

  test('bytes are counted as the server counted them when the encodings differ', () => {
    const name = 'é'.repeat(30);
    expect(read(`({Q :a ${name}\n:b 1})`).known).toBe(true);
    expect(read(`({Q :a ${name}\n:b 1})`, 'recoded').known).toBe(false);
  });

  test('what is too long, too deep or too much is not known', () => {
    expect(read('('.repeat(nodeTextLimits.depthMax + 1)).known).toBe(false);
    expect(read(`(${'() '.repeat(nodeTextLimits.nodesMax)})`).known).toBe(false);
    expect(read(' '.repeat(nodeTextLimits.bytesMax + 1)).known).toBe(false);
  });

  test('a megabyte takes milliseconds', () => {
    const one =
      '{VAR :varno 1 :varattno 2 :vartype 25 :vartypmod -1 :varcollid 100 :varnullingrels (b) :varlevelsup 0 :location 7}';
    const text = Buffer.from(broken(`(${`${one} `.repeat(Math.floor(1e6 / one.length))})`));
    readNodeText(text, 'same');
    const start = performance.now();
    expect(readNodeText(text, 'same').known).toBe(true);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
