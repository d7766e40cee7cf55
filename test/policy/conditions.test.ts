// Goal: each condition means what its words say, at its edges too.
// Method: tables for hours (with both clock changes), networks and globs.
import { describe, expect, test } from 'vitest';
import { parseNetwork } from '../../src/core/cidr.ts';
import { conditionRows } from '../../src/policy/conditions.ts';
import { parseGlob, wildMatcher } from '../../src/policy/glob.ts';
import { parseHours } from '../../src/policy/hours.ts';

describe('hours', () => {
  test.each([
    ['20:00-07:00 Europe/Berlin', '2026-01-15T19:00:00Z', true],
    ['20:00-07:00 Europe/Berlin', '2026-01-15T18:59:59Z', false],
    ['20:00-07:00 Europe/Berlin', '2026-01-15T05:59:59Z', true],
    ['20:00-07:00 Europe/Berlin', '2026-01-15T06:00:00Z', false],
    ['02:00-03:00 Europe/Berlin', '2026-03-29T01:00:00Z', false],
    ['03:00-04:00 Europe/Berlin', '2026-03-29T01:00:00Z', true],
    ['02:00-03:00 Europe/Berlin', '2026-10-25T00:30:00Z', true],
    ['02:00-03:00 Europe/Berlin', '2026-10-25T01:30:00Z', true],
    ['09:00-17:00 Asia/Kathmandu', '2026-01-15T03:15:00Z', true],
    ['Mon-Fri 20:00-07:00 UTC', '2026-01-17T06:00:00Z', true],
    ['Mon-Fri 20:00-07:00 UTC', '2026-01-17T20:00:00Z', false],
    ['Mon-Fri 20:00-07:00 UTC', '2026-01-19T06:00:00Z', false],
    ['Sat,Sun 00:00-24:00 UTC', '2026-01-18T12:00:00Z', true],
    ['Fri-Mon 00:00-24:00 UTC', '2026-01-18T12:00:00Z', true],
  ])('%s at %s: %s', (text, moment, inside) => {
    expect(parseHours(text)?.at(Date.parse(moment)).inside).toBe(inside);
  });

  test.each([
    '',
    '20:00-07:00',
    '25:00-07:00 UTC',
    '07:00-07:00 UTC',
    '20:00-07:00 Mars/Olympus',
    'Xyz 20:00-07:00 UTC',
    '20-7 UTC',
  ])('%s is refused', (text) => {
    expect(parseHours(text)).toBeUndefined();
  });

  test('an answer stands until the moment it names, over a year of quarter hours', () => {
    const hours = parseHours('20:00-07:30 Europe/Berlin');
    for (let at = Date.UTC(2026, 0, 1, 0, 7); at < Date.UTC(2027, 0, 1); at += 3_600_000) {
      const answer = hours?.at(at);
      expect(answer?.until).toBeGreaterThan(at);
      expect(hours?.at((answer?.until ?? 0) - 1).inside).toBe(answer?.inside);
    }
  });
});

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '::1', false],
    ['::1', '::1', true],
    ['fd00::/8', 'fd12:3456::1', true],
    ['fd00::/8', 'fe80::1%eth0', false],
    ['192.168.1.7', '192.168.1.7', true],
  ])('%s holds %s: %s', (network, address, expected) => {
    expect(parseNetwork(network)?.contains(address)).toBe(expected);
  });

  test.each(['10.0.0.0/33', '10.0.0/8', 'x', '1::2::3', '10.0.0.0/', '256.0.0.1', '10.0.0.0/8/8'])(
    '%s is none',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );

  test('what is no address is not known', () => {
    expect(parseNetwork('10.0.0.0/8')?.contains('/var/run/socket')).toBeUndefined();
  });
});

describe('names with stars', () => {
  test.each([
    ['a*', 'abc', true],
    ['*c', 'abc', true],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['*', '', true],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(wildMatcher(pattern)(name)).toBe(expected);
  });

  test('quoted parts are literal, others fold as SQL does', () => {
    const parts = parseGlob('Shop."Odd *.Name".Col*');
    expect(parts?.map((matches, index) => matches(['shop', 'Odd *.Name', 'column'][index] ?? ''))).toEqual([
      true,
      true,
      true,
    ]);
    expect(parseGlob('a..b')).toBeUndefined();
    expect(parseGlob('a.')).toBeUndefined();
  });
});

describe('the table of conditions', () => {
  test('has words and an example that its own form takes for each', () => {
    for (const row of conditionRows) {
      expect(row.words).toMatch(/^[A-Z].*[.]$/);
      const value = /^\d+$/.test(row.example) ? Number(row.example) : row.example;
      expect(row.schema.safeParse(value).success, row.key).toBe(true);
    }
  });
});
