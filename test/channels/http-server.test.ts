// Goal: the http port tells the truth about health, gives figures, and answers every wrong request with a shaped error and no more.
// Method: real requests over a socket; parts that are up, down, silent or throwing; rooms that fail in every way there is.
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Parts, type PartState } from '../../src/channels/health.ts';
import { HttpServer, type HttpParts } from '../../src/channels/http-server.ts';
import { Metrics } from '../../src/channels/metrics.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { createLog, silentLog } from '../../src/core/log.ts';
import { Tallies } from '../../src/core/tallies.ts';
import { waitFor } from '../support/wait.ts';

const running: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

async function server(options: Partial<HttpParts> & { readonly metrics?: Metrics } = {}): Promise<string> {
  const metrics = options.metrics ?? new Metrics();
  const http = await HttpServer.create({
    address: { host: '127.0.0.1', port: 0 },
    limits: {
      httpBodyBytesMax: 1024,
      httpRequestsPerMinuteMax: 1000,
      httpWrongTokensPerMinuteMax: 1000,
      httpConnectionsMax: 100,
    },
    parts: new Parts(),
    log: silentLog,
    ...options,
    metrics,
  });
  running.push(http, metrics);
  const { port } = await http.listen();
  return `http://127.0.0.1:${port}`;
}

/** All that is answered until the other end closes. */
function rawly(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let told = '';
    socket.on('data', (bytes: Buffer) => (told += bytes.toString()));
    socket.on('error', reject).on('close', () => resolve(told));
  });
}

function part(name: string, weight: 'needed' | 'wanted', check: () => PartState | Promise<PartState>) {
  return { name, weight, check };
}
const up = (): PartState => ({ state: 'up', words: 'fine' });
const down = (): PartState => ({ state: 'down', words: 'gone' });

describe('/healthz', () => {
  test('says that the process is alive, whatever its parts say', async () => {
    const parts = new Parts();
    parts.register(part('a', 'needed', down));
    const response = await fetch(`${await server({ parts })}/healthz`);
    expect([response.status, await response.text()]).toEqual([200, 'alive\n']);
  });
});

describe('/readyz', () => {
  const cases: readonly (readonly [
    name: string,
    needed: () => PartState | Promise<PartState>,
    wanted: () => PartState,
    status: number,
  ])[] = [
    ['all parts up', up, up, 200],
    ['a wanted part down', up, down, 200],
    ['a needed part down', down, up, 503],
    ['a needed part that throws', () => Promise.reject(new Error('secret words')), up, 503],
    ['a needed part that never answers', () => new Promise(() => undefined), up, 503],
  ];
  test.each(cases)('with %s', async (_name, needed, wanted, status) => {
    const parts = new Parts();
    parts.register(part('first', 'needed', needed));
    parts.register(part('second', 'wanted', wanted));
    const url = await server({ parts });
    const [text, json] = await Promise.all([
      fetch(`${url}/readyz`),
      fetch(`${url}/readyz`, { headers: { accept: 'application/json' } }),
    ]);
    expect([text.status, json.status]).toEqual([status, status]);
    const body = await text.text();
    expect(body.split('\n')[0]).toBe(status === 200 ? 'ready' : 'not ready');
    expect(body).toMatch(/^(?:up {2}|DOWN) {2}first: /m);
    expect(body).not.toContain('secret');
    expect(await json.json()).toMatchObject({ ready: status === 200, parts: [{ name: 'first' }, { name: 'second' }] });
  });
});

describe('/metrics', () => {
  test('gives what the data path counted, as Prometheus reads it', async () => {
    const [metrics, tallies] = [new Metrics(), new Tallies()];
    metrics.registerTallies(tallies);
    const url = await server({ metrics });
    tallies.statementsAllowed += 41;
    tallies.statementsAllowed += 1;
    tallies.bytesToAgents += 1000;
    for (const ms of [0.5, 2, 2, 20_000]) tallies.statementMs.add(ms);
    const response = await fetch(`${url}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    for (const line of [
      'countersign_statements_total{verdict="allow"} 42',
      'countersign_statements_total{verdict="hold"} 0',
      'countersign_bytes_total 1000',
      'countersign_statement_seconds_bucket{le="0.001"} 1',
      'countersign_statement_seconds_bucket{le="0.003"} 3',
      'countersign_statement_seconds_bucket{le="10"} 3',
      'countersign_statement_seconds_bucket{le="+Inf"} 4',
      'countersign_statement_seconds_count 4',
      '# TYPE countersign_statement_seconds histogram',
      '# TYPE countersign_statements_total counter',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(Number(/^countersign_process_resident_bytes (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(1e6);
  });

  test('says which part is up, so that an alert can name it', async () => {
    const parts = new Parts();
    parts.register(part('audit', 'needed', up));
    parts.register(part('slack', 'wanted', () => Promise.reject(new Error('no'))));
    const lines = (await (await fetch(`${await server({ parts })}/metrics`)).text()).split('\n');
    expect(lines).toContain('countersign_part_up{part="audit",weight="needed"} 1');
    expect(lines).toContain('countersign_part_up{part="slack",weight="wanted"} 0');
    expect(lines).toContain('# TYPE countersign_part_up gauge');
  });

  test('reads anew at each asking', async () => {
    const metrics = new Metrics();
    let value = 1;
    metrics.register({ name: 'x_total', kind: 'counter', help: 'x', read: () => [{ value }] });
    const url = await server({ metrics });
    const read = async () => /^countersign_x_total (\S+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    expect(await read()).toBe('1');
    expect(await read()).toBe('1');
    value = 5;
    expect(await read()).toBe('5');
  });
});

describe('an answer', () => {
  const failing = (log = silentLog) =>
    server({
      log,
      rooms: [
        (inner) => {
          inner.get('/defect', () => Promise.reject(new Error('password=hunter2 in /secret/path')));
          inner.get('/known', () => Promise.reject(new ProxyError('SETTLED_ALREADY', 'the hold was decided')));
          inner.post('/echo', (request) => Promise.resolve({ got: request.body }));
        },
      ],
    });

  test('to what is not there is a shaped 404', async () => {
    const response = await fetch(`${await server()}/no/such`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: { code: 'NOT_FOUND', message: 'no such page' } });
  });

  test('of the error table has its status and code', async () => {
    const response = await fetch(`${await failing()}/known`);
    expect([response.status, await response.json()]).toEqual([
      409,
      { error: { code: 'SETTLED_ALREADY', message: 'the hold was decided' } },
    ]);
  });

  test('to a defect says nothing of the inside, but how to find it in the log', async () => {
    let logged = '';
    const url = await failing(createLog({ level: 'info', stream: { write: (line) => (logged += line) } }));
    const response = await fetch(`${url}/defect`);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/hunter2|secret/);
    const id = response.headers.get('x-request-id') ?? 'none';
    expect(text).toContain(id);
    expect(logged).toContain(id);
    expect(logged).not.toContain('hunter2');
  });

  const wrong: readonly (readonly [name: string, init: RequestInit, status: number])[] = [
    ['a body too large', { body: JSON.stringify({ x: 'y'.repeat(2000) }) }, 413],
    ['a body that is no JSON', { body: '{' }, 400],
    ['a key that would change prototypes', { body: '{"__proto__":{"x":1}}' }, 400],
    ['a type that nobody reads', { body: 'x', headers: { 'content-type': 'application/xml' } }, 415],
  ];
  test.each(wrong)('to %s is a shaped error', async (_name, init, status) => {
    const headers = { 'content-type': 'application/json', ...init.headers };
    const response = await fetch(`${await failing()}/echo`, { method: 'POST', ...init, headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code: 'BAD_REQUEST' } });
  });

  test('carries an id of ours, never the asker’s, and the headers that keep browsers careful', async () => {
    const response = await fetch(`${await server()}/healthz`, {
      headers: { 'request-id': 'evil', 'x-request-id': 'evil' },
    });
    expect(response.headers.get('x-request-id')).toMatch(/^r_[A-Za-z0-9]{12}$/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('same-origin');
  });

  test.each(['/api/holds/%ff', '/%zz', '/inbox/%c0%ae'])(
    'is shaped also for an address that cannot be read: %s',
    async (path) => {
      const response = await fetch((await server()) + path);
      expect(response.status).toBe(400);
      expect(response.headers.get('x-request-id')).toMatch(/^r_/);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const text = await response.text();
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
      expect(text).not.toContain('%');
    },
  );

  const noRequests: readonly (readonly [string, string, string])[] = [
    ['no HTTP', 'EHLO agent\r\n\r\n', '400'],
    ['two lengths', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde', '400'],
    [
      'a length and chunks',
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n',
      '400',
    ],
    ['a header of 70 kB', `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, '431'],
  ];
  test.each(noRequests)('is shaped also for %s, and nothing behind it is answered', async (_, text, status) => {
    const told = await rawly(await server(), text);
    const [head = '', body = ''] = told.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
    expect(told.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('is not waited for by connections above the limit: they are closed, and those before go on', async () => {
    const url = await server();
    const { hostname, port } = new URL(url);
    const open = Array.from({ length: 120 }, () => connect(Number(port), hostname));
    const closed = open.map((socket) => new Promise((done) => socket.on('error', done).on('close', done)));
    await waitFor('twenty to be closed', () => open.filter((socket) => socket.closed).length === 20);
    expect(open.filter((socket) => !socket.closed)).toHaveLength(100);
    const [first] = open.filter((socket) => !socket.closed);
    const answered = new Promise((done) => first?.once('data', (bytes: Buffer) => done(bytes.toString())));
    first?.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await answered).toContain('alive');
    for (const socket of open) socket.destroy();
    await Promise.all(closed);
  });

  test('is a shaped 429 above the limit, but never for health', async () => {
    const url = await server({
      limits: {
        httpBodyBytesMax: 1024,
        httpRequestsPerMinuteMax: 10,
        httpWrongTokensPerMinuteMax: 1000,
        httpConnectionsMax: 100,
      },
    });
    const statuses: number[] = [];
    for (let index = 0; index < 15; index += 1) statuses.push((await fetch(`${url}/x`)).status);
    expect(statuses.filter((status) => status === 429).length).toBe(5);
    expect(await (await fetch(`${url}/x`)).json()).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
