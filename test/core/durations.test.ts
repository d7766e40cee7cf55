// Goal: durations and sizes read as people write them, and nothing that is only nearly one.
// Method: tables of both, and every number printed reads back as itself.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationText, parseDuration, parseSize, sizeText } from '../../src/core/durations.ts';
import { limitNames, limitsWith, limitTable } from '../../src/core/limits.ts';

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '5', 's', '-5s', '1.5h', '5 s', '5S', '5sec', '5s ', '1h30m', '99999999999d', '０s'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test('prints as a text that reads back', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(durationText(ms)) === ms));
  });
});

describe('a size', () => {
  test.each([
    ['512B', 512],
    ['64kB', 65_536],
    ['1MB', 1_048_576],
    ['1GB', 1_073_741_824],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['1', '1K', '1mb', '1 MB', '-1B'])('%j is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  test('prints as a text that reads back', () => {
    fc.assert(fc.property(fc.nat(), (bytes) => parseSize(sizeText(bytes)) === bytes));
  });
});

describe('the table of limits', () => {
  test('has a default within its own bounds and a key of its own for each', () => {
    const rows = limitNames.map((name) => limitTable[name]);
    expect(rows.filter((row) => row.default < row.min || row.default > row.max)).toEqual([]);
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });

  test('gives its defaults, but for what is set', () => {
    expect(limitsWith({ connectionsMax: 3 })).toMatchObject({ connectionsMax: 3, startUpBytesMax: 10_000 });
  });
});
