// Goal: an approver decides from the terminal with their own token, sees the card's words, and gets one clear line when it cannot be done.
// Method: the commands run in this process against the real API over a socket, with a real desk behind it.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cardLines } from '../../src/approval/card.ts';
import type { Waiting } from '../../src/approval/desk.ts';
import { bearerAuthenticate } from '../../src/channels/bearer.ts';
import { holdsRoom } from '../../src/channels/http-holds.ts';
import { Parts } from '../../src/channels/health.ts';
import { HttpServer } from '../../src/channels/http-server.ts';
import { Metrics } from '../../src/channels/metrics.ts';
import { run } from '../../src/cli/program.ts';
import { silentLog } from '../../src/core/log.ts';
import { aCatalog, anAsker, aPerson, aProxy, aRequest, never, type Proxy } from '../approval/fixtures.ts';
import { freePort } from '../support/ports.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const catalog = aCatalog([
  aPerson('ben', ['security'], { tokenSha256: hashOf('token-of-ben') }),
  aPerson('fay', ['crm'], { tokenSha256: hashOf('token-of-fay') }),
]);

let proxy: Proxy;
let url: string;
let waiting: Waiting;
let id: string;
const ends: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  proxy = aProxy({ catalog: () => catalog });
  const metrics = new Metrics();
  const authenticate = bearerAuthenticate(() => catalog.approvers.values());
  const http = await HttpServer.create({
    address: { host: '127.0.0.1', port: 0 },
    limits: {
      httpBodyBytesMax: 100_000,
      httpRequestsPerMinuteMax: 1000,
      httpWrongTokensPerMinuteMax: 1000,
      httpConnectionsMax: 100,
    },
    parts: new Parts(),
    metrics,
    log: silentLog,
    rooms: [holdsRoom({ authenticate, desk: proxy.desk, explain: () => Promise.resolve({}) })],
  });
  ends.push(
    () => http.close(),
    () => metrics.close(),
  );
  url = `http://127.0.0.1:${(await http.listen()).port}`;
  waiting = await proxy.desk.ask(aRequest({ sql: "select email from customers where note = '\u202e'" }), never);
  id = waiting.hold.id;
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function holds(
  args: readonly string[],
  env: Readonly<Record<string, string>> = { COUNTERSIGN_TOKEN: 'token-of-ben' },
) {
  const [out, err]: [string[], string[]] = [[], []];
  const world = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await run(['holds', ...args], { ...world, env: { COUNTERSIGN_URL: url, ...env } });
  return { code, out, err };
}

describe('countersign holds', () => {
  test('lists what waits, in a line each', async () => {
    const { code, out } = await holds([]);
    expect(code).toBe(0);
    expect(out).toHaveLength(1);
    expect(out[0]).toMatch(
      /^h_\w{20} {2}open {2}\d\d:\d\d:\d\dZ {2}security 0 of 1 {2}report-bot wants 1 restricted column · shop$/,
    );
    expect(JSON.parse((await holds(['list', '--json'])).out.join(''))).toMatchObject([{ id, state: 'open' }]);
    expect((await holds(['list', '--state', 'denied'])).out).toEqual([]);
  });

  test('shows the words of the card, and nothing that a terminal would obey', async () => {
    const { out } = await holds(['show', id]);
    expect(out).toEqual(cardLines(waiting.hold));
    expect(out.join('\n')).toContain('\\u{202e}');
  });

  test('breaks long lines itself where it is a terminal, so that none begins as one of ours does', async () => {
    const reason = `${'x'.repeat(60)} ${'asked:  '.repeat(40)}`;
    const asked = await proxy.desk.ask(aRequest({ asker: anAsker({ reason }) }), never);
    const out: string[] = [];
    const world = { out: (line: string) => void out.push(line), err: () => undefined, columns: () => 80 };
    const env = { COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: 'token-of-ben' };
    await run(['holds', 'show', asked.hold.id], { ...world, env });
    expect(out.length).toBeGreaterThan(cardLines(asked.hold).length);
    expect(out.filter((line) => line.length > 80)).toEqual([]);
    expect(out.filter((line) => line.startsWith('asked:'))).toEqual(['asked:']);
    expect(out.join('').replaceAll('  ↳ ', '')).toBe(cardLines(asked.hold).join(''));
  });

  test('approves once', async () => {
    expect(await holds(['approve', id, '--reason', 'monthly'])).toMatchObject({ code: 0 });
    expect(await waiting.answer).toMatchObject({ kind: 'released', by: ['ben'], terms: { kind: 'once' } });
  });

  const approvals: readonly (readonly [readonly string[], unknown])[] = [
    [['--rows', '10'], { kind: 'rows', rowsMax: 10 }],
    [['--masked'], { kind: 'masked', rowsMax: undefined }],
    [['--masked', '--rows', '5'], { kind: 'masked', rowsMax: 5 }],
    [['--for', '2h', '--uses', '5'], { kind: 'shape', forMs: 7_200_000, usesMax: 5, rowsMax: undefined }],
    [['--for', '2h', '--uses', '5', '--rows', '7'], { kind: 'shape', forMs: 7_200_000, usesMax: 5, rowsMax: 7 }],
  ];
  test.each(approvals)('approves with %j', async (args, terms) => {
    await holds(['approve', id, ...args]);
    expect(await waiting.answer).toMatchObject({ kind: 'released', terms });
  });

  test('denies with a reason', async () => {
    expect((await holds(['deny', id, '--reason', 'aggregates only'])).code).toBe(0);
    expect(await waiting.answer).toMatchObject({ kind: 'denied', reason: 'aggregates only' });
  });

  const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['a denial without a reason', ['deny', 'ID'], 2, /--reason/],
    ['a shape without a number of uses', ['approve', 'ID', '--for', '2h'], 2, /both --for and --uses/],
    ['a time that is none', ['approve', 'ID', '--for', 'ever', '--uses', '2'], 2, /not a duration/],
    ['rows that are none', ['approve', 'ID', '--rows', '-3'], 2, /not a whole number/],
    ['a hold that is not there', ['show', 'h_00000000000000000000'], 1, /no such hold/],
    ['a way out of the path', ['show', '../../metrics'], 1, /no such hold/],
    ['a state that is none', ['list', '--state', 'lost'], 1, /state/],
    ['an address that is none', ['list', '--url', 'proxy:6480'], 2, /not an address/],
  ];
  test.each(refused)('refuses %s', async (_, args, exitCode, words) => {
    const { code, err } = await holds(args.map((arg) => (arg === 'ID' ? id : arg)));
    expect([code, err.length]).toEqual([exitCode, 1]);
    expect(err[0]).toMatch(words);
    expect(await proxy.desk.find(waiting.hold.id)).toMatchObject({ state: 'open', votes: [] });
  });

  test('says who may not', async () => {
    const { code, err } = await holds(['approve', id], { COUNTERSIGN_TOKEN: 'token-of-fay' });
    expect([code, err.join('')]).toEqual([1, expect.stringContaining('in none of these groups')]);
    const stranger = await holds(['list'], { COUNTERSIGN_TOKEN: 'nobodys' });
    expect([stranger.code, stranger.err.join('')]).toEqual([1, expect.stringContaining('token')]);
  });

  test('needs a token, from the environment or a file', async () => {
    const { code, err } = await holds(['list'], {});
    expect([code, err.join('')]).toEqual([2, expect.stringContaining('COUNTERSIGN_TOKEN')]);
    const folder = mkdtempSync(join(tmpdir(), 'countersign-holds-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'token'), 'token-of-ben\n', { mode: 0o600 });
    expect((await holds(['list', '--token-file', join(folder, 'token')], {})).out).toHaveLength(1);
  });

  test('says in one line that nobody answers, or somebody else does', async () => {
    const nobody = await holds(['list', '--url', `http://127.0.0.1:${await freePort()}`]);
    expect([nobody.code, nobody.err.join('')]).toEqual([1, expect.stringContaining('cannot be reached')]);
    const page = createServer((_, response) => response.end('<html>\u001b[2J'));
    ends.push(() => void page.close());
    const port = await new Promise<number>((resolve) => {
      page.listen(0, '127.0.0.1', () => {
        const address = page.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const other = await holds(['list', '--url', `http://127.0.0.1:${port}`]);
    expect(other.code).toBe(1);
    expect(other.err.join('')).toContain('does not answer as the API');
    expect(other.err.join('')).not.toContain('\u001b');
    expect(other.err).toHaveLength(1);
  });
});
