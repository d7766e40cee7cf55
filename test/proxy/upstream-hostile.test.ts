// Goal: a server that lies, stalls or speaks out of turn gets no password and no session out of us.
// Method: a small server for each lie, and a look at what it was sent.
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { connectUpstream, sendCancel } from '../../src/proxy/upstream.ts';
import {
  encodeServerMessage,
  errorResponse,
  readyForQuery,
  type ServerMessage,
} from '../../src/wire/server-messages.ts';
import { sslRequest } from '../../src/wire/startup.ts';
import { within } from '../support/wait.ts';
import { aTarget } from './upstream-target.ts';

const never = new AbortController().signal;
const password = 'the very password';

let server: Server | undefined;
const sockets = new Set<Socket>();
let heard = '';

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
  heard = '';
});

/** Listens, and calls `answer` with each piece that comes. */
async function listening(answer: (socket: Socket, chunk: Buffer, count: number) => void): Promise<number> {
  const made = createServer((socket) => {
    sockets.add(socket);
    let count = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      answer(socket, chunk, count);
      count += 1;
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return address.port;
}

const frames = (...messages: readonly ServerMessage[]): Buffer => Buffer.concat(messages.map(encodeServerMessage));
const session = (version: string): Buffer =>
  Buffer.concat([
    frames(
      { kind: 'authenticationOk' },
      { kind: 'parameterStatus', name: 'server_version', value: version },
      { kind: 'backendKeyData', processId: 7, secret: Buffer.alloc(4) },
    ),
    readyForQuery('I'),
  ]);
const scram = frames({ kind: 'authenticationSasl', mechanisms: ['SCRAM-SHA-256'] });

async function attempt(port: number, more: Partial<Parameters<typeof aTarget>[0]> = {}): Promise<unknown> {
  const target = aTarget({ port, password, connectMsMax: 2000, ...more });
  const tried = connectUpstream({ target, parameters: new Map() }, never);
  return await within(
    'the end of the attempt',
    tried.then(
      (upstream) => [...upstream.parameters],
      (thrown: unknown) => thrown,
    ),
  );
}

describe('a server that', () => {
  test.each<[string, Buffer, string]>([
    ['asks for a cleartext password', frames({ kind: 'authenticationCleartext' }), 'in the open'],
    ['asks for Kerberos', frames({ kind: 'authenticationOther', code: 7, data: Buffer.alloc(0) }), 'method 7'],
    [
      'knows only a strange mechanism',
      frames({ kind: 'authenticationSasl', mechanisms: ['PLAIN'] }),
      'offers only PLAIN',
    ],
    ['says hello in HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'not a Postgres server'],
    ['claims a message of 4 GB', Buffer.from('R\xff\xff\xff\xff', 'latin1'), 'not a Postgres server'],
    ['ends SASL before it began', frames({ kind: 'authenticationSaslFinal', data: Buffer.from('v=') }), 'out of order'],
    ['sends rows', frames({ kind: 'dataRow', values: [] }), 'out of order'],
    ['gives no key', Buffer.concat([frames({ kind: 'authenticationOk' }), readyForQuery('I')]), 'no key'],
    ['is Postgres 14', session('14.23'), 'is Postgres 14.23; this proxy knows 15 to 18'],
    ['is Postgres 19', session('19devel'), 'is Postgres 19devel'],
    [
      'says no version',
      Buffer.concat([
        frames({ kind: 'authenticationOk' }, { kind: 'backendKeyData', processId: 7, secret: Buffer.alloc(4) }),
        readyForQuery('I'),
      ]),
      'unknown version',
    ],
    [
      'refuses with words that would move a cursor',
      errorResponse({ severity: 'FATAL', sqlState: '28P01', message: 'no\u001b[2J\nno' }),
      String.raw`no\u{1b}[2J\u{a}no`,
    ],
  ])('%s is left', async (_, answer, words) => {
    const port = await listening((socket) => socket.write(answer));
    const refused = await attempt(port);
    expect(refused).toMatchObject({ name: 'ProxyError', message: expect.stringContaining(words) });
    expect(heard).not.toContain(password);
  });

  test('says "ok" in the middle of SCRAM is left', async () => {
    const port = await listening((socket, _, count) => {
      socket.write(count === 0 ? scram : session('18.4'));
    });
    expect(await attempt(port)).toMatchObject({ message: expect.stringContaining('out of order') });
  });

  test('lets us in after SCRAM without its own proof is left', async () => {
    const port = await listening((socket, chunk, count) => {
      if (count === 0) socket.write(scram);
      const nonce = /r=([^,]+)$/.exec(chunk.toString('latin1'))?.[1];
      if (count === 1)
        socket.write(frames({ kind: 'authenticationSaslContinue', data: Buffer.from(`r=${nonce}x,s=AAAA,i=4096`) }));
      if (count === 2) socket.write(session('18.4'));
    });
    expect(await attempt(port)).toMatchObject({ message: expect.stringContaining('out of order') });
  });

  test('sends its bytes one by one is understood', async () => {
    const port = await listening((socket) => {
      for (const byte of session('18.4')) socket.write(Buffer.from([byte]));
    });
    expect(await attempt(port)).toEqual([['server_version', '18.4']]);
  });

  test.each([
    ['says nothing', (): void => undefined, 'did not let us in within 2000 ms'],
    ['hangs up', (socket: Socket): void => socket.destroy() as unknown as void, 'closed the connection during login'],
    [
      'hangs up politely in the middle of a message',
      (socket: Socket): void => void socket.end('R\0\0'),
      'closed the connection during login',
    ],
  ])('%s is left', async (_, answer, words) => {
    const port = await listening(answer);
    expect(await attempt(port)).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining(words),
    });
  });
});

describe('before TLS, a server that', () => {
  test.each<[string, Buffer, string]>([
    ['says yes and more', Buffer.concat([Buffer.from('S'), session('18.4')]), 'sent bytes before TLS began'],
    ['says no and more', Buffer.concat([Buffer.from('N'), session('18.4')]), 'sent bytes before TLS began'],
    ['says no', Buffer.from('N'), 'does not offer TLS, which sslmode=require asks for'],
    ['says neither', Buffer.from('E'), 'does not answer a TLS request as Postgres does'],
  ])('%s is left', async (_, answer, words) => {
    const port = await listening((socket) => socket.write(answer));
    expect(await attempt(port, { mode: 'require' })).toMatchObject({ message: expect.stringContaining(words) });
    expect(heard).toBe(sslRequest.toString('latin1'));
  });

  test('says yes and then speaks no TLS is left', async () => {
    const port = await listening((socket, _, count) => socket.write(count === 0 ? 'S' : 'no TLS here at all'));
    expect(await attempt(port, { mode: 'require' })).toMatchObject({
      message: expect.stringContaining('TLS with the database server failed'),
    });
  });

  test('says yes and then nothing is left in time', async () => {
    const port = await listening((socket, _, count) => (count === 0 ? socket.write('S') : undefined));
    expect(await attempt(port, { mode: 'require', connectMsMax: 300 })).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
  });

  test('says no is spoken to in the open with prefer', async () => {
    const port = await listening((socket, _, count) => socket.write(count === 0 ? 'N' : session('18.4')));
    expect(await attempt(port, { mode: 'prefer' })).toEqual([['server_version', '18.4']]);
  });
});

test('a cancel carries process and key, and waits until the server hangs up', async () => {
  const port = await listening((socket) => socket.end());
  const upstream = { key: { processId: 0x0102, secret: Buffer.from('a long key of 3.2') }, secure: false };
  await within('the cancel', sendCancel(aTarget({ port }), upstream, never));
  expect(heard).toBe('\0\0\0\x1d\x04\xd2\x16\x2e\0\0\x01\x02a long key of 3.2');
});
