// Goal: the record can be searched over http by whoever proved who they are, and by nobody else; receipts can be fetched and checked.
// Method: requests into a real server over a real log; questions that are wrong in every way; the receipt is checked with the public key alone.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { checkReceipt } from '../../src/audit/receipt-check.ts';
import { Parts } from '../../src/channels/health.ts';
import { auditRoom } from '../../src/channels/http-audit.ts';
import { HttpServer } from '../../src/channels/http-server.ts';
import { Metrics } from '../../src/channels/metrics.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { silentLog } from '../../src/core/log.ts';
import { aJudged } from '../audit/fixtures.ts';
import { aFolder } from '../support/folders.ts';

let dir: string;
let audit: Audit;
let server: HttpServer;

beforeAll(async () => {
  dir = aFolder();
  audit = await openAudit({ dir, clock: systemClock });
  const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
  const columns = [{ column: 'public.customers.email', level: 'restricted' }];
  for (let n = 0; n < 5; n += 1) audit.log.record(aJudged({ agent: 'ci-bot', text: 'select \u202e\u001b[2J evil' }));
  const held = {
    ...asker,
    columns,
    statement: 'c'.repeat(64),
    parameters: '',
    rules: ['level restricted'],
    deadline: 1,
  } as const;
  for (const hold of ['h_settled', 'h_open']) {
    audit.log.record(aJudged({ ...asker, columns, statement: held.statement, verdict: 'hold' }));
    await audit.log.recordDurably({ kind: 'held', hold, ...held });
  }
  await audit.log.recordDurably({ kind: 'voted', hold: 'h_settled', person: 'ben', vote: 'deny', channel: 'slack' });
  await audit.log.recordDurably({ kind: 'decided', hold: 'h_settled', state: 'denied', by: ['ben'] });
  const authenticate = ({ headers }: { readonly headers: { readonly authorization?: string | undefined } }) => {
    if (headers.authorization === 'Bearer right') return { name: 'ben', groups: ['security'] };
    throw new ProxyError('UNAUTHENTICATED', 'no valid token');
  };
  server = await HttpServer.create({
    address: { host: '127.0.0.1', port: 0 },
    limits: limitsWith({}),
    parts: new Parts(),
    metrics: new Metrics(),
    log: silentLog,
    rooms: [auditRoom({ authenticate, audit })],
  });
});
afterAll(async () => {
  await server.close();
  await audit.stop();
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function get(url: string, token = 'right'): Promise<Answer> {
  const { statusCode, body, headers } = await server.inject({ url, headers: { authorization: `Bearer ${token}` } });
  return { status: statusCode, body, json: JSON.parse(body) as Answer['json'], headers };
}

const kinds = (answer: Answer): readonly string[] =>
  (answer.json['records'] as readonly { kind: string }[]).map((one) => one.kind);

describe('GET /api/audit', () => {
  test.each([
    ['agent=ci-bot&verdict=allow', ['judged', 'judged', 'judged', 'judged', 'judged']],
    ['person=ben', ['decided', 'voted', 'held']],
    ['column=customers.email&level=restricted&verdict=denied', ['decided']],
    ['hold=h_open', ['held']],
    ['kind=voted&to=2999', ['voted']],
    ['agent=nobody', []],
  ])('finds %s, newest first', async (query, expected) => {
    const answer = await get(`/api/audit?${query}`);
    expect(answer.status).toBe(200);
    expect(kinds(answer)).toEqual(expected);
  });

  test('gives pages', async () => {
    const first = await get('/api/audit?agent=ci-bot&limit=3');
    expect([kinds(first).length, first.json['more']]).toEqual([3, true]);
    const next = await get(`/api/audit?agent=ci-bot&limit=3&before=${String(first.json['before'])}`);
    expect([kinds(next).length, next.json['more']]).toEqual([2, false]);
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'from=yesterday',
    'verdict=maybe',
    'agnt=ci-bot',
    'agent=',
    'agent=a&agent=b',
  ])('refuses %s and says what is wrong', async (query) => {
    const answer = await get(`/api/audit?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: { code: 'BAD_REQUEST' } });
  });

  test('answers nobody without a token', async () => {
    for (const url of ['/api/audit', '/api/audit?limit=x', '/api/holds/h_settled/receipt']) {
      const answer = await get(url, 'wrong');
      expect([answer.status, answer.json['error']]).toEqual([
        401,
        { code: 'UNAUTHENTICATED', message: 'no valid token' },
      ]);
    }
  });

  test('shows what an agent wrote without letting it move a cursor or turn the text', async () => {
    const answer = await get('/api/audit?agent=ci-bot&limit=1');
    expect(answer.body).toContain('evil');
    expect(answer.body).not.toMatch(/[\u001b\u202e]/);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });
});

describe('GET /api/holds/ID/receipt', () => {
  test('gives a receipt that the public key alone confirms, as a file', async () => {
    const answer = await get('/api/holds/h_settled/receipt');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-disposition']).toBe('attachment; filename="receipt-h_settled.json"');
    const key = createPublicKey(readFileSync(join(dir, 'key.pub'), 'utf8'));
    expect(checkReceipt(answer.body, [key])).toMatchObject({
      kind: 'genuine',
      receipt: { state: 'denied', decided: { by: ['ben'] } },
    });
    expect(checkReceipt(answer.body.replace('"ben"', '"eva"'), [key])).toMatchObject({ kind: 'not genuine' });
  });

  test.each([
    ['h_open', 'h_open is not settled yet; a receipt is made when it is'],
    ['h_none', 'no such hold'],
    ['..%2f..%2fkey.pem', 'no such hold'],
  ])('has none for %s', async (id, message) => {
    const answer = await get(`/api/holds/${id}/receipt`);
    expect([answer.status, answer.json['error']]).toEqual([404, { code: 'NOT_FOUND', message }]);
  });
});
