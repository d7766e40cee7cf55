// Goal: the log never prints a secret, a value or an attacker's control characters, and SQL only at debug.
// Method: a table of fields that must not show, through every level and a child; what is printed is read as text.
import { describe, expect, test } from 'vitest';
import { inspect } from 'node:util';
import { createLog, type LogFields } from '../../src/core/log.ts';
import type { LogLevel } from '../../src/core/log-levels.ts';
import { Secret, withoutSecrets } from '../../src/core/secrets.ts';
import { visible } from '../../src/core/visible.ts';

function printed(level: LogLevel, at: LogLevel, words: string, fields: LogFields = {}): string {
  let text = '';
  const log = createLog({ level, stream: { write: (line) => (text += line) } });
  log[at](words, fields);
  return text;
}

const canary = 'hunter2hunter2hunter2';

describe('the log', () => {
  const fields: readonly LogFields[] = [
    { password: canary },
    { a: { b: { upstreamPassword: canary } } },
    { list: [{ bot_token: canary }] },
    { authorization: `Bearer ${canary}` },
    { header: `Bearer ${canary}` },
    { url: `postgres://gate:${canary}@db.example:5432/shop` },
    { url: `rediss://:${canary}@cache.example` },
    { conninfo: `host=db password=${canary} user=gate` },
    { parameters: [canary] },
    { values: { 1: canary } },
    { row: [canary] },
    { bytes: Buffer.from(canary) },
    { any: new Secret(canary) },
    { error: new Error(`login with password=${canary} failed`) },
    { error: new Error('outer', { cause: new Error(`https://u:${canary}@h/`) }) },
    { verifier: `SCRAM-SHA-256$4096:${canary}` },
    { words: `SCRAM-SHA-256$4096:${canary}$x:y` },
    { say: `gate_${canary}` },
    { say: `xoxb-${canary}` },
  ];
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    test.each(fields)(`at ${level} does not print what is secret in %j`, (field) => {
      expect(printed('debug', level, 'x', field)).not.toContain(canary);
    });
  }

  test('prints SQL at debug only', () => {
    expect(printed('debug', 'debug', 'x', { sql: 'select 1' })).toContain('select 1');
    for (const level of ['info', 'warn', 'error'] as const) {
      expect(printed('debug', level, 'x', { sql: 'select 1' })).not.toContain('select 1');
    }
  });

  test('prints nothing below its level', () => {
    expect(printed('warn', 'info', 'x')).toBe('');
    expect(printed('warn', 'warn', 'x')).not.toBe('');
  });

  test('prints one line of JSON for each call, whatever is in the words', () => {
    const text = printed('info', 'info', 'two\nlines \u001b[31m\u202e\u0085', { agent: 'a\u2028b' });
    expect(text.trimEnd()).not.toMatch(/[\n\u001b\u202e\u0085\u2028]/);
    expect(JSON.parse(text)).toMatchObject({ level: 'info', words: 'two\\u{a}lines \\u{1b}[31m\\u{202e}\\u{85}' });
  });

  test('puts the fields of a child on its lines', () => {
    let text = '';
    const log = createLog({ level: 'info', stream: { write: (line) => (text += line) } });
    log.child({ session: 's_1', password: canary }).child({ agent: 'bot' }).warn('x');
    expect(JSON.parse(text)).toMatchObject({ session: 's_1', agent: 'bot', password: '‹secret›' });
  });

  test('survives what is cyclic, deep, huge or odd', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const text = printed('info', 'info', 'x'.repeat(1e6), { cyclic, big: 1n, fn: () => 1, many: Array(1e5).fill(0) });
    expect(text.length).toBeLessThan(10_000);
  });
});

describe('a secret', () => {
  test('shows only to whoever asks for it by name', () => {
    const secret = new Secret(canary);
    expect(
      `${secret} ${JSON.stringify({ secret })} ${inspect({ secret })} ${inspect(secret, { showHidden: true })}`,
    ).not.toContain(canary);
    expect(secret.reveal()).toBe(canary);
  });

  test('leaves the rest of a text alone', () => {
    expect(withoutSecrets(`postgres://gate:${canary}@db/shop is down`)).toBe(
      'postgres://gate:‹secret›@db/shop is down',
    );
    expect(withoutSecrets('postgres://gate@db:5432/shop is down')).toBe('postgres://gate@db:5432/shop is down');
  });
});

describe('visible text', () => {
  test('cuts at a length and never inside a character', () => {
    expect(visible('a😀', 2)).toBe('a…');
    expect(visible('abc', 3)).toBe('abc');
  });

  test('keeps letters of any script', () => {
    expect(visible('Zoë 日本 עברית')).toBe('Zoë 日本 עברית');
  });
});
