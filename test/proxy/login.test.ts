// Goal: whoever comes in is known, by TLS where it is asked for, and nobody else gets further than a word.
// Method: psql, pg and raw bytes at the front door of a proxy in this process; certificates made for the test.
import { connect as connectPlain, createServer, type AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeStartup } from '../../src/wire/startup.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { psql } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { agentPassword, startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor, within } from '../support/wait.ts';

let postgres: TestPostgres;
let certificates: Certificates;
let plain: TestProxy;
let hasty: TestProxy;
let secured: TestProxy;
let byCertificate: TestProxy;
let byAnyCertificate: TestProxy;
let byToken: TestProxy;

beforeAll(async () => {
  postgres = await startPostgres();
  certificates = makeCertificates({ clientName: 'tester' });
  const databases = { postgres: postgres.url('postgres') };
  const { server, authority } = certificates;
  const tls = `cert: ${server.certFile}, key: ${server.keyFile}`;
  plain = await startProxy({ databases, config: 'limits: { connections_per_agent: 3 }' });
  hasty = await startProxy({ databases, config: 'limits: { login_time: 700ms }' });
  secured = await startProxy({ databases, config: `tls: { ${tls}, required: true }` });
  byCertificate = await startProxy({
    databases,
    tester: 'certificate_name: tester',
    config: `tls: { ${tls}, client_ca: ${authority.certFile}, required: true }`,
  });
  byAnyCertificate = await startProxy({ databases, config: `tls: { ${tls}, client_ca: ${authority.certFile} }` });
  byToken = await startProxy({ databases, tester: 'auth: cleartext', config: `tls: { ${tls}, required: false }` });
});

afterAll(async () => {
  await Promise.all([plain, hasty, secured, byCertificate, byAnyCertificate, byToken].map((proxy) => proxy.stop()));
  await postgres.stop();
  certificates.remove();
});

const ask = async (url: string): Promise<string> => {
  const { out, err } = await psql(url, { args: ['-qAt', '-c', 'select 42'] });
  return `${out}${err}`.trim();
};

/** Sends bytes, collects what comes until the proxy closes. */
async function say(port: number, ...sent: readonly Buffer[]): Promise<string> {
  const socket = connectPlain(port, '127.0.0.1');
  const heard: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => heard.push(chunk)).on('error', () => undefined);
  for (const bytes of sent) socket.write(bytes);
  await within('the proxy to close', new Promise((resolve) => socket.once('close', resolve)));
  return Buffer.concat(heard).toString('latin1');
}

const startup = (parameters: Record<string, string>, minor = 0): Buffer =>
  encodeStartup({
    kind: 'startup',
    major: 3,
    minor,
    parameters: new Map(Object.entries(parameters)),
    protocolOptions: [],
  });
const sslRequest = encodeStartup({ kind: 'ssl' });
const gssRequest = encodeStartup({ kind: 'gss' });

describe('TLS', () => {
  test('is taken when asked for, and the password binds to it', async () => {
    expect(await ask(secured.url('postgres', 'tester', '?sslmode=require&channel_binding=require'))).toBe('42');
  });

  test('verifies as libpq verifies', async () => {
    const url = secured.url(
      'postgres',
      'tester',
      `?sslmode=verify-full&sslrootcert=${certificates.authority.certFile}`,
    );
    expect(await ask(url)).toBe('42');
  });

  test('is insisted on where it is required', async () => {
    const said = await ask(secured.url('postgres', 'tester', '?sslmode=disable'));
    expect(said).toContain('this proxy takes TLS connections only');
    expect(said).toContain('Connect with sslmode=require');
  });

  test('may begin at once, when the protocol is named', async () => {
    const socket = connectTls({
      port: secured.port,
      host: '127.0.0.1',
      ALPNProtocols: ['postgresql'],
      rejectUnauthorized: false,
    });
    const answered = new Promise<string>((resolve) =>
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1'))),
    );
    socket.write(startup({ user: 'tester', database: 'postgres' }));
    expect(await within('an answer', answered)).toContain('SCRAM-SHA-256-PLUS');
    socket.destroy();
  });

  test('that begins at once without naming the protocol is ended', async () => {
    const socket = connectTls({ port: secured.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    socket.write(startup({ user: 'tester', database: 'postgres' }));
    await within('the end', new Promise((resolve) => socket.once('close', resolve)));
  });

  test('is declined where there is none, and psql goes on without', async () => {
    expect(await ask(plain.url('postgres', 'tester', '?sslmode=prefer'))).toBe('42');
    expect(await ask(plain.url('postgres', 'tester', '?sslmode=require'))).toContain('server does not support SSL');
  });

  test('does not hide bytes that were sent before it', async () => {
    const heard = await say(secured.port, Buffer.concat([sslRequest, startup({ user: 'tester' })]));
    expect(heard).toContain('bytes came behind a request for encryption');
  });

  test('is asked for once; GSS too', async () => {
    const socket = connectPlain(plain.port, '127.0.0.1');
    const answers: string[] = [];
    socket.on('data', (chunk: Buffer) => answers.push(chunk.toString('latin1')));
    socket.write(gssRequest);
    await waitFor('the first answer', () => answers.join('') === 'N');
    socket.write(sslRequest);
    await waitFor('the second answer', () => answers.join('') === 'NN');
    socket.write(sslRequest);
    await within('the end', new Promise((resolve) => socket.once('close', resolve)));
    expect(answers.join('')).toContain('08P01');
  });
});

describe('a client certificate', () => {
  const url = (more: string): string => byCertificate.url('postgres', 'tester', `?sslmode=require${more}`);

  test('opens beside the password', async () => {
    const { certFile, keyFile } = certificates.client;
    expect(await ask(url(`&sslcert=${certFile}&sslkey=${keyFile}`))).toBe('42');
  });

  test('is missed', async () => {
    expect(await ask(url(''))).toContain('agent "tester" must show a client certificate that this proxy trusts');
  });

  test('of somebody else, or of another authority, does not open', async () => {
    const { certFile, keyFile } = certificates.server;
    expect(await ask(url(`&sslcert=${certFile}&sslkey=${keyFile}`))).toContain(
      'the client certificate is not the one of agent "tester"',
    );
    const others = makeCertificates({ clientName: 'tester' });
    expect(await ask(url(`&sslcert=${others.client.certFile}&sslkey=${others.client.keyFile}`))).toContain(
      'must show a client certificate',
    );
    others.remove();
  });

  test('is needed by every agent where client_ca is set, and may then be in any name', async () => {
    const { certFile, keyFile } = certificates.server;
    const missed = 'agent "tester" must show a client certificate that this proxy trusts';
    const any = (more: string): string => byAnyCertificate.url('postgres', 'tester', more);
    expect(await ask(any(`?sslmode=require&sslcert=${certFile}&sslkey=${keyFile}`))).toBe('42');
    expect(await ask(any('?sslmode=require'))).toContain(missed);
    expect(await ask(any('?sslmode=disable'))).toContain(missed);
  });
});

describe('a password in the open', () => {
  test('is taken inside TLS only', async () => {
    expect(await ask(byToken.url('postgres', 'tester', '?sslmode=require'))).toBe('42');
    expect(await ask(byToken.url('postgres', 'tester', '?sslmode=disable'))).toContain('must come by TLS');
  });

  test('must be the right one', async () => {
    const wrong = byToken
      .url('postgres', 'tester', '?sslmode=require')
      .replace(encodeURIComponent(agentPassword), 'wrong');
    expect(await ask(wrong)).toContain('password authentication failed for user "tester"');
  });
});

describe('the start-up packet', () => {
  const refused: readonly (readonly [what: string, bytes: Buffer, words: string])[] = [
    ['that is no packet', Buffer.from('EHLO example.com\r\n'), 'invalid length of startup packet'],
    [
      'of protocol 2',
      encodeStartup({ kind: 'startup', major: 2, minor: 0, parameters: new Map(), protocolOptions: [] }),
      'unsupported frontend protocol 2.0',
    ],
    [
      'for replication',
      startup({ user: 'tester', database: 'postgres', replication: 'database' }),
      'replication connections cannot be judged',
    ],
    ['without a name', startup({ database: 'postgres' }), 'no agent name specified'],
  ];
  test.each(refused)('%s is refused', async (_what, bytes, words) => {
    expect(await say(plain.port, bytes)).toContain(words);
  });

  test.each(['GET / HTTP/1.1', 'HEAD / HTTP/1.0', 'POST /api/explain HTTP/1.1', 'PRI * HTTP/2.0'])(
    'that is HTTP (%s) is told in HTTP where it is',
    async (line) => {
      const answer = await say(plain.port, Buffer.from(`${line}\r\nHost: example.com\r\n\r\n`));
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).toContain('This is the Postgres port, and HTTP came in.');
      expect(answer).toContain('The console and the API are on port 6480.');
    },
  );

  test('that HTTP is sent in place of is answered so that a client of HTTP understands it', async () => {
    const answer = await fetch(`http://127.0.0.1:${plain.port}/`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await answer.text()).toContain('with a Postgres connection string');
  });

  test('with a goodbye before it is left alone: a driver that was told to end at once, which Postgres gives no word either', async () => {
    const goodbye = Buffer.from('X\0\0\0\x04');
    const [port, name] = [Number(new URL(postgres.url('postgres')).port), 'tester'];
    expect(await say(port, goodbye, startup({ user: name, database: 'postgres' }))).toBe('');
    expect(await say(plain.port, goodbye, startup({ user: name, database: 'postgres' }))).toBe('');
    expect(await say(plain.port, goodbye)).toBe('');
  });

  test('of a newer minor version is answered with the newest we speak', async () => {
    const socket = connectPlain(plain.port, '127.0.0.1');
    const answered = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.write(startup({ user: 'tester', database: 'postgres' }, 9999));
    const answer = await within('an answer', answered);
    expect(answer.toString('latin1', 0, 1)).toBe('v');
    expect(answer.readUInt32BE(5)).toBe(0x30002);
    socket.destroy();
  });

  /** On a busy machine a login may take as long as the silent one is waited for; then nothing is said about who stops whom, and it is tried again. */
  async function stopsNobody(...sent: readonly Buffer[]): Promise<void> {
    const isBeside = async (): Promise<boolean> => {
      const silent = connectPlain(hasty.port, '127.0.0.1');
      let isOpen = true;
      const ended = new Promise<void>((resolve) => silent.once('close', resolve)).then(() => (isOpen = false));
      silent.on('error', () => undefined).resume();
      for (const bytes of sent) silent.write(bytes);
      // In another process: this one would stand still together with the proxy in it.
      const isBefore = (await ask(hasty.url('postgres'))) === '42' && isOpen;
      await within('the silent one to be ended', ended);
      return isBefore;
    };
    await waitFor('somebody else’s login before the silent one is ended', isBeside, { withinMs: 50_000 });
  }

  test('that does not come is not waited for, and stops nobody else', () => stopsNobody());

  const whole = startup({ user: 'tester', database: 'postgres' });
  const halves: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['a length', whole.subarray(0, 3)],
    ['a length and a byte', whole.subarray(0, 5)],
    ['all but the last byte', whole.subarray(0, -1)],
    ['a request for encryption', sslRequest.subarray(0, 6)],
    [
      'a packet, and behind it a password message',
      Buffer.concat([whole, Buffer.from('p\x00\x00\x01\x00SCRAM', 'latin1')]),
    ],
  ];
  test.each(halves)('of which only a part comes (%s) stops nobody else either', (_what, bytes) => stopsNobody(bytes));

  test('may come byte by byte', async () => {
    const socket = connectPlain(plain.port, '127.0.0.1').setNoDelay(true);
    const answered = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    for (const byte of whole) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    expect((await within('an answer', answered)).toString('latin1')).toContain('SCRAM-SHA-256');
    socket.destroy();
  });
});

test('a cancel that comes inside TLS is answered by the end of TLS, not by a broken connection', async () => {
  const records: Buffer[] = [];
  const relay = createServer((client) => {
    const server = connectPlain(secured.port, '127.0.0.1');
    server.on('data', (chunk: Buffer) => records.push(chunk));
    client.pipe(server).pipe(client);
    for (const each of [client, server]) each.on('error', () => undefined);
  });
  const port = await new Promise<number>((resolve) =>
    relay.listen(0, '127.0.0.1', () => resolve(portOf(relay.address()))),
  );
  // In 1.2 the kind of a record is not hidden: the last one has to be an alert (21), the only one there is here being close_notify.
  const options = { host: '127.0.0.1', port, ALPNProtocols: ['postgresql'], maxVersion: 'TLSv1.2' } as const;
  const inside = connectTls({ ...options, rejectUnauthorized: false });
  const ended = new Promise((resolve) => inside.once('close', resolve));
  inside.on('error', () => undefined).resume();
  inside.write(encodeStartup({ kind: 'cancel', processId: 1, secret: Buffer.alloc(4) }));
  await within('the end', ended);
  relay.close();
  const bytes = Buffer.concat(records);
  const kinds: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) kinds.push(bytes.readUInt8(at));
  expect(kinds.at(-1)).toBe(21);
});

describe('limits', () => {
  test('of connections are said, and free again when one leaves', async () => {
    const clients = await Promise.all(
      [1, 2, 3].map(async () => {
        const client = new pg.Client({ connectionString: plain.url('postgres') });
        await client.connect();
        return client;
      }),
    );
    expect(await ask(plain.url('postgres'))).toContain('too many connections for agent "tester"');
    await clients[0]?.end();
    await waitFor('a place', async () => (await ask(plain.url('postgres'))) === '42');
    await Promise.all(clients.slice(1).map((client) => client.end()));
  });
});

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
