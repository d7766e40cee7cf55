// Goal: approvers work with holds over HTTP as the contract says, nobody else does, and docs/openapi.yaml is what really answers.
// Method: a real desk behind the real http server over a socket; every answer is checked against the schema in the docs.
import { Ajv2020 } from 'ajv/dist/2020.js';
import Fastify from 'fastify';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bearerAuthenticate, personOfBearer } from '../../src/channels/bearer.ts';
import { auditRoom } from '../../src/channels/http-audit.ts';
import { budgetsRoom } from '../../src/channels/http-budgets.ts';
import { holdsRoom, type Explaining } from '../../src/channels/http-holds.ts';
import { Parts } from '../../src/channels/health.ts';
import { HttpServer, type HttpParts } from '../../src/channels/http-server.ts';
import { Metrics } from '../../src/channels/metrics.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { aCatalog, aPerson, aProxy, aRequest, never, type ProxyWords } from '../approval/fixtures.ts';
import { MapStore } from '../approval/map-store.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const catalog = aCatalog([
  aPerson('ana', ['security'], { tokenSha256: sha256('token-of-ana') }),
  aPerson('ben', ['security'], { tokenSha256: sha256('token-of-ben') }),
  aPerson('cleo', ['security'], { tokenSha256: sha256('token-of-cleo') }),
  aPerson('fay', ['crm'], { tokenSha256: sha256('token-of-fay') }),
  aPerson('guy', ['security']),
]);

const api = parse(readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(api, 'api');
const fits = (name: string, value: unknown): void => {
  const check = ajv.getSchema(`api#/components/schemas/${name}`);
  expect(check?.(value), JSON.stringify(check?.errors)).toBe(true);
};

const running: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

interface Answer {
  readonly status: number;
  /** Held to the schema in the docs; these members are named by tests. */
  readonly body: { readonly holds: readonly { readonly id: string }[]; readonly deadline: string };
  readonly requestId: string | null;
}

async function anApi(
  words: ProxyWords & {
    readonly http?: Partial<HttpParts['limits']>;
    readonly explain?: (asked: Explaining) => Promise<unknown>;
  } = {},
) {
  const proxy = aProxy({ catalog: () => catalog, ...words });
  const metrics = new Metrics();
  const authenticate = bearerAuthenticate(() => catalog.approvers.values());
  const explain = words.explain ?? (() => Promise.resolve({ verdict: 'allow' }));
  const http = await HttpServer.create({
    address: { host: '127.0.0.1', port: 0 },
    limits: {
      httpBodyBytesMax: 100_000,
      httpRequestsPerMinuteMax: 1000,
      httpWrongTokensPerMinuteMax: 1000,
      httpConnectionsMax: 100,
      ...words.http,
    },
    personOf: (header) => personOfBearer(header, catalog.approvers.values())?.name,
    parts: new Parts(),
    metrics,
    log: silentLog,
    rooms: [holdsRoom({ authenticate, desk: proxy.desk, explain })],
  });
  running.push(http, metrics);
  const { port } = await http.listen();
  const call = async (method: string, path: string, token?: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer = JSON.parse(await response.text());
    if (response.status >= 400) fits('Error', answer);
    return { status: response.status, body: answer, requestId: response.headers.get('x-request-id') };
  };
  return { ...proxy, call };
}

describe('holds', () => {
  test('are listed, shown whole, and voted on', async () => {
    const { desk, call } = await anApi();
    const { hold, answer } = await desk.ask(aRequest(), never);
    const list = await call('GET', '/api/holds?state=open', 'token-of-ben');
    expect([list.status, list.body.holds.map(({ id }) => id)]).toEqual([200, [hold.id]]);
    const shown = await call('GET', `/api/holds/${hold.id}`, 'token-of-ben');
    fits('Hold', shown.body);
    expect(shown.body).toMatchObject({
      state: 'open',
      agent: 'report-bot',
      owner: 'ana',
      database: 'shop',
      sql: 'select email\nfrom customers',
      columns: [{ column: 'public.customers.email', level: 'restricted', place: 'classification/shop.yaml:7:7' }],
      rule: 'level restricted',
      reason: 'reads customers.email (restricted)',
      rows_expected: 12,
      votes: [],
      decision: null,
    });
    expect(Date.parse(shown.body.deadline)).toBeGreaterThan(Date.now());
    expect(shown.requestId).toMatch(/^r_/);
    const voted = await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', {
      vote: 'approve',
      reason: 'monthly',
    });
    fits('Hold', voted.body);
    expect(voted).toMatchObject({
      status: 200,
      body: { votes: [{ person: 'ben', vote: 'approve', reason: 'monthly' }] },
    });
    expect((await answer).kind).toBe('released');
    expect((await call('GET', '/api/holds?state=open', 'token-of-ben')).body.holds).toEqual([]);
    const used = await call('GET', '/api/holds?state=used&agent=report-bot&limit=5', 'token-of-ben');
    expect(used.body.holds).toMatchObject([
      { id: hold.id, decision: { state: 'approved', by: ['ben'], terms: 'once' } },
    ]);
  });

  test('are denied with a reason that the agent gets', async () => {
    const { desk, call } = await anApi();
    const { hold, answer } = await desk.ask(aRequest(), never);
    const path = `/api/holds/${hold.id}/votes`;
    expect(await call('POST', path, 'token-of-ben', { vote: 'deny' })).toMatchObject({ status: 400 });
    expect(await call('POST', path, 'token-of-ben', { vote: 'deny', reason: 'no' })).toMatchObject({ status: 200 });
    expect(await answer).toMatchObject({ kind: 'denied', reason: 'no' });
  });

  const terms: readonly (readonly [unknown, unknown])[] = [
    [{ kind: 'once' }, { kind: 'once' }],
    [
      { kind: 'rows', rows: 10 },
      { kind: 'rows', rowsMax: 10 },
    ],
    [
      { kind: 'masked', rows: 10 },
      { kind: 'masked', rowsMax: 10 },
    ],
    [
      { kind: 'shape', for: '2h', uses: 3 },
      { kind: 'shape', forMs: 7_200_000, usesMax: 3, rowsMax: undefined },
    ],
  ];
  test.each(terms)('are approved for %j', async (given, expected) => {
    const { desk, call } = await anApi();
    const { hold, answer } = await desk.ask(aRequest(), never);
    const body = { vote: 'approve', terms: given };
    expect((await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', body)).status).toBe(200);
    expect(await answer).toMatchObject({ terms: expected });
  });

  const wrong: readonly unknown[] = [
    {},
    { vote: 'maybe' },
    { vote: 'approve', person: 'cleo' },
    { vote: 'approve', terms: { kind: 'rows' } },
    { vote: 'approve', terms: { kind: 'shape', for: 'ever', uses: 1 } },
    { vote: 'approve', terms: { kind: 'shape', for: '400d', uses: 1 } },
    { vote: 'approve', terms: { kind: 'rows', rows: -1 } },
    { vote: 'deny', reason: 'x', terms: { kind: 'once' } },
    [],
    'not json',
  ];
  test.each(wrong)('are not moved by %j', async (body) => {
    const { desk, call } = await anApi();
    const { hold } = await desk.ask(aRequest(), never);
    expect((await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', body)).status).toBe(400);
    expect(await desk.find(hold.id)).toMatchObject({ state: 'open', votes: [] });
  });

  test('in a text that turns the reading direction are safe to look at', async () => {
    const { desk, call } = await anApi();
    const { hold } = await desk.ask(aRequest({ sql: "select '\u202e' -- \u001b[2J" }), never);
    const text = JSON.stringify((await call('GET', `/api/holds/${hold.id}`, 'token-of-ben')).body);
    expect(text).not.toMatch(/[\u202e\u001b]/u);
  });
});

describe('who may', () => {
  const people: readonly (readonly [string | undefined, number, number])[] = [
    [undefined, 401, 401],
    ['', 401, 401],
    ['token-of-nobody', 401, 401],
    [sha256('token-of-ben'), 401, 401],
    ['x'.repeat(5_000), 401, 401],
    // The owner of the agent, and somebody of another group: they may look.
    ['token-of-ana', 200, 403],
    ['token-of-fay', 200, 403],
    ['token-of-cleo', 200, 200],
  ];
  test.each(people)('%s: %i to look, %i to vote', async (token, look, vote) => {
    const { desk, call } = await anApi();
    const { hold } = await desk.ask(aRequest(), never);
    expect((await call('GET', '/api/holds', token)).status).toBe(look);
    expect((await call('GET', `/api/holds/${hold.id}`, token)).status).toBe(look);
    expect((await call('POST', `/api/holds/${hold.id}/votes`, token, { vote: 'approve' })).status).toBe(vote);
    expect((await desk.find(hold.id))?.votes.length).toBe(vote === 200 ? 1 : 0);
  });

  test('a settled hold is settled, an unknown one is unknown', async () => {
    const { desk, call } = await anApi();
    const { hold } = await desk.ask(aRequest(), never);
    const vote = { vote: 'approve' };
    await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', vote);
    const again = await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-cleo', vote);
    expect(again).toMatchObject({
      status: 409,
      body: { error: { code: 'SETTLED_ALREADY', message: expect.stringContaining('ben') } },
    });
    for (const id of ['h_00000000000000000000', 'h_1', '..%2f..', `${hold.id}x`]) {
      expect((await call('POST', `/api/holds/${id}/votes`, 'token-of-ben', vote)).status).toBe(404);
      expect((await call('GET', `/api/holds/${id}`, 'token-of-ben')).status).toBe(404);
    }
  });

  test('with the state away the answer is 503, and nothing is voted', async () => {
    const store = new MapStore();
    const { desk, call } = await anApi({ store });
    const { hold } = await desk.ask(aRequest(), never);
    store.weather.down = true;
    expect((await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', { vote: 'approve' })).status).toBe(503);
    expect((await call('GET', '/api/holds', 'token-of-ben')).status).toBe(503);
    store.weather.down = false;
    expect(await desk.find(hold.id)).toMatchObject({ state: 'open', votes: [] });
  });
});

describe('a level that is decided in the console', () => {
  test('takes no yes by a token, and says where; a no may come by one', async () => {
    const levels = new Map(catalog.levelByName);
    const level = levels.get('restricted');
    if (level !== undefined) levels.set('restricted', { ...level, stepUp: 'console' });
    const { desk, call } = await anApi({ catalog: () => ({ ...catalog, levelByName: levels }) });
    const { hold, answer } = await desk.ask(aRequest(), never);
    const refused = await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', { vote: 'approve' });
    const words = `a yes to this is given in the console: open ${hold.id} there and approve it`;
    expect(refused).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN', message: words } } });
    expect(await desk.find(hold.id)).toMatchObject({ state: 'open', votes: [] });
    const there = { person: 'ben', vote: 'approve', channel: 'console', castAt: 'console' } as const;
    const more = { reason: undefined, terms: undefined, link: undefined };
    expect(await desk.vote(hold.id, { ...there, ...more })).toMatchObject({ kind: 'counted' });
    expect(await answer).toMatchObject({ kind: 'released' });
    const second = await desk.ask(aRequest({ sql: 'select 2' }), never);
    const no = { vote: 'deny', reason: 'no' };
    expect((await call('POST', `/api/holds/${second.hold.id}/votes`, 'token-of-ben', no)).status).toBe(200);
  });

  test('counts no yes that came by a token before the level wanted that; the same again in the console counts', async () => {
    let levels = catalog.levelByName;
    const { desk, call } = await anApi({ catalog: () => ({ ...catalog, levelByName: levels }) });
    const { hold } = await desk.ask(aRequest({ needs: [{ groups: ['security'], quorum: 2 }] }), never);
    const path = `/api/holds/${hold.id}/votes`;
    expect((await call('POST', path, 'token-of-ben', { vote: 'approve' })).status).toBe(200);
    const level = levels.get('restricted');
    if (level !== undefined) levels = new Map([...levels, ['restricted', { ...level, stepUp: 'console' }]]);
    const base = { vote: 'approve', channel: 'console', castAt: 'console' } as const;
    const more = { reason: undefined, terms: undefined, link: undefined };
    await desk.vote(hold.id, { ...base, ...more, person: 'cleo' });
    expect(await desk.find(hold.id)).toMatchObject({ state: 'open' });
    await desk.vote(hold.id, { ...base, ...more, person: 'ben' });
    expect((await desk.find(hold.id))?.settled).toMatchObject({
      state: 'approved',
      by: expect.arrayContaining(['ben']),
    });
  });
});

describe('tokens that are nobody’s', () => {
  test('are limited by themselves: a flood of them keeps no good token from the same address out', async () => {
    const { desk, call } = await anApi({
      http: { httpRequestsPerMinuteMax: 20, httpWrongTokensPerMinuteMax: 10, httpConnectionsMax: 100 },
    });
    const { hold } = await desk.ask(aRequest(), never);
    const flood = await Promise.all(Array.from({ length: 50 }, (_, n) => call('GET', '/api/holds', `guess-${n}`)));
    const statuses = flood.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40);
    expect((await call('GET', '/api/holds')).status).toBe(401);
    const vote = { vote: 'deny', reason: 'no' };
    expect((await call('POST', `/api/holds/${hold.id}/votes`, 'token-of-ben', vote)).status).toBe(200);
  });

  test('one person’s requests do not use up another’s', async () => {
    const { call } = await anApi({ http: { httpRequestsPerMinuteMax: 10 } });
    for (let n = 0; n < 11; n++) await call('GET', '/api/holds', 'token-of-ben');
    expect((await call('GET', '/api/holds', 'token-of-ben')).status).toBe(429);
    expect((await call('GET', '/api/holds', 'token-of-cleo')).status).toBe(200);
  });
});

describe('explaining', () => {
  test('gives what the command gives, and its errors', async () => {
    const { call } = await anApi({
      explain: async ({ agent, database, sql }) => {
        if (database === 'none') throw new ProxyError('UNKNOWN_DATABASE', 'no such database');
        return { verdict: 'hold', agent, database, sql };
      },
    });
    const asked = { agent: 'report-bot', database: 'shop', sql: 'select 1' };
    expect(await call('POST', '/api/explain', 'token-of-ben', asked)).toMatchObject({
      status: 200,
      body: { verdict: 'hold', ...asked },
    });
    expect((await call('POST', '/api/explain', 'token-of-ben', { ...asked, database: 'none' })).status).toBe(404);
    expect((await call('POST', '/api/explain', 'token-of-ben', { agent: 'report-bot' })).status).toBe(400);
    expect((await call('POST', '/api/explain', undefined, asked)).status).toBe(401);
  });
});

describe('docs/openapi.yaml', () => {
  test('names exactly the routes that answer', async () => {
    const routes = new Set<string>();
    const server = Fastify();
    server.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) if (one !== 'HEAD') routes.add(`${one} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    });
    const authenticate = bearerAuthenticate(() => []);
    holdsRoom({ authenticate, desk: aProxy().desk, explain: () => Promise.resolve({}) })(server);
    const noBudgets = () => Promise.reject(new Error('not asked here'));
    budgetsRoom({ authenticate, budgets: { of: noBudgets, topUp: noBudgets }, agents: () => [] })(server);
    const noAudit = () => Promise.reject(new Error('not asked here'));
    auditRoom({ authenticate, audit: { search: noAudit, receipt: noAudit } })(server);
    await server.ready();
    await server.close();
    const written = Object.entries(api.paths as Record<string, Record<string, unknown>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const open = ['GET /healthz', 'GET /metrics', 'GET /readyz'];
    expect(written.sort()).toEqual([...routes, ...open].sort());
  });
});
