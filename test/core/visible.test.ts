// Goal: no character that an agent writes hides itself, moves what stands beside it, or draws over it.
// Method: deceptions as data; for every character there is, alone and between letters, what comes out holds none that is hidden.
import { describe, expect, test } from 'vitest';
import { inOrder, visible } from '../../src/core/visible.ts';
import { escaped, line, plain, preformatted } from '../../src/channels/slack-blocks.ts';
import { jsonWords } from '../../src/audit/words.ts';

describe('what does not show itself is written as its code', () => {
  test.each([
    ['a turned direction', 'a\u202eb', 'a\\u{202e}b'],
    ['a letter without ink', 'pay\u3164roll', 'pay\\u{3164}roll'],
    ['the Braille blank', 'a\u2800b', 'a\\u{2800}b'],
    ['a form of a letter', 'a\ufe0fb', 'a\\u{fe0f}b'],
    ['a stroke that makes another sign', '\u0338', '\\u{338}'],
    ['a stroke through a letter', 'den\u0338ied', 'den\\u{338}ied'],
    ['a circle around a letter', 'a\u20dd', 'a\\u{20dd}'],
    ['a mark on a sign of ours', '"\u0301 ok', '"\\u{301} ok'],
    ['a mark at the beginning', '\u0301x', '\\u{301}x'],
    ['the fourth mark of a stack', 'a\u0301\u0302\u0303\u0304', 'a\u0301\u0302\u0303\\u{304}'],
    ['a mark behind one that is shown', 'a\u0338\u0301', 'a\\u{338}\\u{301}'],
    ['a mark on a letter without ink', '\u3164\u0301', '\\u{3164}\\u{301}'],
    ['a character that is not made yet', 'a\u{1fffe}', 'a\\u{1fffe}'],
  ])('%s', (_, text, shown) => expect(visible(text)).toBe(shown));

  test.each([
    'Zoë',
    'Zoe\u0308',
    'שָׁלוֹם',
    'हिन्दी',
    'ที่อยู่',
    'ユーザー',
    '日本',
    'İstanbul',
    'naïve ≠ naive',
    '€ 5 – ok …',
  ])('%s is left as it is', (text) => expect(visible(text)).toBe(text));

  test('of all characters none hides, alone or between letters, in words or in JSON', () => {
    const hidden = /[\p{Default_Ignorable_Code_Point}\p{C}\p{Zl}\p{Zp}\u2800]/u;
    const found: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 0x1000) {
      const all = Array.from({ length: 0x1000 }, (_, at) => String.fromCodePoint(code + at));
      for (const text of [all.join('a'), ...(code === 0 ? all : [])])
        if (hidden.test(visible(text, Infinity)) || hidden.test(jsonWords({ text }))) found.push(code.toString(16));
    }
    expect(found).toEqual([]);
    expect(JSON.parse(jsonWords({ text: '\u202e\u{e0061}"\u0338' }))).toEqual({ text: '\u202e\u{e0061}"\u0338' });
  });
});

describe('letters that run from right to left', () => {
  test.each([
    ['select "א" - 5', 'select "\u200eא\u200e" - 5'],
    ['שלום עולם, 5', '\u200eשלום עולם\u200e, 5'],
    ['(א, 100, ב)', '(\u200eא\u200e, 100, \u200eב\u200e)'],
    ['plain – Zoë', 'plain – Zoë'],
  ])('keep to themselves in %s', (text, shown) => expect(inOrder(visible(text))).toBe(shown));

  test('are marked once on what people read in chats, and a mark of the agent’s own is shown', () => {
    const text = line('"א\u200e" - 5', 100);
    const marked = '"\u200eא\u200e\\u{200e}" - 5';
    expect(plain(text, 100).text).toBe(marked);
    expect(preformatted(text, 100).elements).toMatchObject([{ text: marked }]);
    expect(escaped(text)).toBe(marked);
    expect(plain('א,'.repeat(200), 150).text).toHaveLength(150);
  });
});
