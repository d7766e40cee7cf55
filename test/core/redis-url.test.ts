// Goal: a Redis URL means one thing, and what is wrong in it is said; a password in it prints nowhere.
// Method: tables of URLs, with what they mean or what they are told.
import { describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisUrl } from '../../src/core/redis-url.ts';

const good: readonly (readonly [string, Partial<RedisUrl> & { readonly pass?: string }])[] = [
  [
    'redis://cache',
    { kind: 'single', hosts: [{ host: 'cache', port: 6379 }], database: 0, tls: 'off', prefix: 'countersign' },
  ],
  [
    'redis://:pw@127.0.0.1:6400/3',
    { hosts: [{ host: '127.0.0.1', port: 6400 }], database: 3, user: undefined, pass: 'pw' },
  ],
  ['redis://gate:p%40s%3As%2F%3F%23@h', { user: 'gate', pass: 'p@s:s/?#' }],
  [
    'rediss://[::1]:6380?ca=ca.crt&prefix=cs:eu',
    { tls: 'on', hosts: [{ host: '::1', port: 6380 }], ca: 'ca.crt', prefix: 'cs:eu' },
  ],
  ['rediss://h?cert=c.crt&key=k.pem', { cert: 'c.crt', key: 'k.pem' }],
  [
    'redis+sentinel://gate:pw@a:26379,b/main/2?sentinel_user=s',
    {
      kind: 'sentinel',
      hosts: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_379 },
      ],
      group: 'main',
      database: 2,
      sentinelUser: 's',
      pass: 'pw',
    },
  ],
  ['rediss+sentinel://a/main', { kind: 'sentinel', tls: 'on', database: 0 }],
  [
    'redis+cluster://a:7000,b:7001',
    {
      kind: 'cluster',
      hosts: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
    },
  ],
  ['rediss-cluster://a', { kind: 'cluster', tls: 'on' }],
];

const bad: readonly (readonly [string, string])[] = [
  ['redis:cache', 'not a Redis URL'],
  ['redis://', 'a host or port that is none'],
  ['redis://user:p@ss@host', 'not a Redis URL'],
  ['redis://a:b:c', 'a host or port that is none'],
  ['redis://a:0', 'a host or port that is none'],
  ['redis://a:99999', 'a host or port that is none'],
  ['redis://a,b', 'several hosts'],
  ['redis://a/x', 'behind the host'],
  ['redis://a/1/2', 'behind the host'],
  ['redis+sentinel://a', 'behind the host'],
  ['redis+sentinel://a/main/x', 'behind the host'],
  ['redis+cluster://a/1', 'behind the host'],
  ['redis://a?colour=red', "'colour' is not known"],
  ['redis://a?prefix=x&prefix=y', 'twice'],
  ['redis://a?prefix={x}', 'prefix'],
  ['redis://a:1%zz@h', 'no escape'],
  ['redis://a?ca=ca.crt', 'without TLS'],
  ['rediss://a?cert=c.crt', 'go together'],
];

describe('a Redis URL', () => {
  test.each(good)('%s is taken at its word', (text, { pass, ...expected }) => {
    const read = parseRedisUrl(text);
    expect(read).toMatchObject({ kind: 'good', value: expected });
    if (pass !== undefined && read.kind === 'good') expect(read.value.password?.reveal()).toBe(pass);
  });

  test.each(bad)('%s is refused: %s', (text, words) => {
    expect(parseRedisUrl(text)).toMatchObject({ kind: 'bad', words: expect.stringContaining(words) });
  });

  test('prints no password, read or refused', () => {
    for (const text of [
      'redis://u:hunter2@h',
      'redis+sentinel://u:hunter2@a/main?sentinel_password=hunter2',
      'redis://u:hunter2@h/x',
    ]) {
      expect(JSON.stringify(parseRedisUrl(text))).not.toContain('hunter2');
    }
  });
});
