// Goal: every record reaches every sink, in order, whatever the receiver does, and no statement waits for it.
// Method: receivers that enforce what the real services enforce (tokens, sizes, counts, signatures, 429), one table for all sinks.
import { createHash, createHmac, hash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { PassThrough } from 'node:stream';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { Shipper } from '../../src/audit/shipper.ts';
import type { Sink } from '../../src/audit/sink.ts';
import { fileSink, streamSink } from '../../src/audit/sink-file.ts';
import { datadogSink, splunkSink, webhookSink } from '../../src/channels/sink-http.ts';
import { authorizationOf, s3Sink } from '../../src/channels/sink-s3.ts';
import { syslogSink } from '../../src/channels/sink-syslog.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged, linesIn, until } from '../audit/fixtures.ts';
import { makeCertificates } from '../support/certificates.ts';
import { aFolder } from '../support/folders.ts';

type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };
const ok: Answer = { status: 200, body: '{"text":"Success","code":0}' };

/** A receiver's own rules: reads one request and says what the service would. Gives the records it took. */
type Rules = (request: IncomingMessage, body: string) => Answer & { readonly took?: readonly { seq: number }[] };

const isTaken = (answer: ReturnType<Rules>): answer is Answer & { readonly took: readonly { seq: number }[] } =>
  answer.took !== undefined;

interface Receiver {
  readonly url: string;
  readonly seqs: number[];
  /** The next answers, before its rules are asked again. */
  readonly trouble: Answer[];
  requests: number;
}

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

async function aReceiver(rules: Rules): Promise<Receiver> {
  const receiver: { url: string; seqs: number[]; trouble: Answer[]; requests: number } = {
    url: '',
    seqs: [],
    trouble: [],
    requests: 0,
  };
  const server: Server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receiver.requests += 1;
      const answer: ReturnType<Rules> = receiver.trouble.shift() ?? rules(request, Buffer.concat(chunks).toString());
      if (isTaken(answer)) receiver.seqs.push(...answer.took.map((record) => record.seq));
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return receiver;
}

const splunkRules: Rules = (request, body) => {
  if (request.url !== '/services/collector/event') return { status: 404 };
  if (request.headers.authorization !== 'Splunk hec-token')
    return { status: 403, body: '{"text":"Invalid token","code":4}' };
  if (body.length > 1_000_000) return { status: 413 };
  const events = body.split('\n').map((line) => JSON.parse(line));
  if (!events.every((each) => typeof each.time === 'number' && each.event !== undefined)) return { status: 400 };
  return { ...ok, took: events.map((each) => each.event) };
};

const datadogRules: Rules = (request, body) => {
  if (request.headers['dd-api-key'] !== 'dd-key') return { status: 403 };
  if (body.length > 5_000_000) return { status: 413 };
  const entries: { message: string }[] = JSON.parse(body);
  if (entries.length > 1_000) return { status: 413, body: 'too many logs' };
  if (entries.some((entry) => entry.message.length > 1_000_000)) return { status: 400 };
  return { status: 202, body: '{}', took: entries.map((entry) => JSON.parse(entry.message)) };
};

const webhookRules: Rules = (request, body) => {
  const [, at, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['x-countersign-signature'])) ?? [];
  if (mac !== createHmac('sha256', 'hook-secret').update(`${at}.${body}`).digest('hex')) return { status: 401 };
  if (!String(request.headers['content-type']).startsWith('application/cloudevents-batch+json')) return { status: 415 };
  if (body.length > 512 * 1024) return { status: 413 };
  const events: { specversion: string; id: string; source: string; type: string; data: { seq: number } }[] =
    JSON.parse(body);
  const wrong = events.find(
    (event) =>
      event.specversion !== '1.0' ||
      !event.id.endsWith(`/${event.data.seq}`) ||
      event.source === '' ||
      event.type === '',
  );
  return wrong === undefined ? { status: 204, took: events.map((event) => event.data) } : { status: 400 };
};

const objects = new Map<string, string>();
const s3Rules: Rules = (request, body) => {
  const {
    authorization = '',
    host = '',
    'content-md5': md5,
    'content-type': type,
    'x-amz-content-sha256': sha,
    'x-amz-date': date,
  } = request.headers;
  const headers = {
    'content-md5': String(md5),
    'content-type': String(type),
    host,
    'x-amz-content-sha256': String(sha),
    'x-amz-date': String(date),
  };
  const by = { region: 'eu-central-1', accessKey: 'AK', secretKey: () => 'SK' };
  const path = request.url ?? '';
  if (authorizationOf({ method: request.method ?? '', path, headers }, by) !== authorization) return { status: 403 };
  if (sha !== hash('sha256', body, 'hex') || md5 !== createHash('md5').update(body).digest('base64'))
    return { status: 400 };
  const isNew = !objects.has(path);
  objects.set(path, body);
  return {
    ...ok,
    took: isNew
      ? body
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      : [],
  };
};

const sinks: readonly [string, Rules, (url: string) => Sink][] = [
  ['splunk', splunkRules, (url) => splunkSink({ name: 'splunk', url, token: () => 'hec-token' })],
  ['datadog', datadogRules, (url) => datadogSink({ name: 'datadog', url, apiKey: () => 'dd-key' })],
  ['webhook', webhookRules, (url) => webhookSink({ name: 'webhook', url, secret: () => 'hook-secret' })],
  [
    's3',
    s3Rules,
    (url) =>
      quick(
        s3Sink({
          name: 's3',
          endpoint: url,
          region: 'eu-central-1',
          bucket: 'audit',
          prefix: 'a b/',
          accessKey: 'AK',
          secretKey: () => 'SK',
        }),
      ),
  ],
];

/** An object store waits a minute for more; a test does not. */
function quick(sink: Sink): Sink {
  return { ...sink, limits: { ...sink.limits, lingerMs: 20 } };
}

async function aLog(records: number): Promise<{ dir: string; audit: Audit }> {
  const dir = aFolder();
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 10, segmentBytesMax: 400_000 } });
  for (let n = 0; n < records; n += 1) {
    audit.log.record(aJudged({ session: `s_${n}`, text: 'select \u202e"x" | a=b\n'.padEnd(200) }));
    if (n % 7 === 0) audit.log.flush();
    if (n % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  audit.log.flush();
  await audit.checkpoint();
  closing.push(() => audit.stop());
  return { dir, audit };
}

function aShipper(dir: string, sink: Sink, said: string[] = []): Shipper {
  return new Shipper({ dir, sink, pollMs: 5, backoffMsMax: 20, say: (words) => said.push(words) });
}

const inOrder = (dir: string): readonly number[] => linesIn(dir).map((_, seq) => seq);

describe.each(sinks)('the sink %s', (name, rules, make) => {
  test(
    'gets every record once and in order, over segments, and those that come later',
    { timeout: 30_000 },
    async () => {
      const { dir, audit } = await aLog(2_500);
      const receiver = await aReceiver(rules);
      const shipper = aShipper(dir, make(receiver.url));
      shipper.start();
      await until('all records', () => receiver.seqs.length >= linesIn(dir).length);
      audit.log.record(aJudged());
      audit.log.flush();
      await until('the newest record', () => receiver.seqs.length >= linesIn(dir).length);
      await shipper.stop();
      expect(receiver.seqs).toEqual(inOrder(dir));
      expect(shipper.state).toMatchObject({ name, skipped: 0, trouble: undefined });
    },
  );

  test('goes on after outages, 429s and a wrong token, and says once what is wrong', async () => {
    const { dir } = await aLog(50);
    const receiver = await aReceiver(rules);
    receiver.trouble.push(
      { status: 503 },
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 403, body: 'no \u001b[2J entry' },
    );
    const said: string[] = [];
    const shipper = aShipper(dir, make(receiver.url), said);
    shipper.start();
    await until('all records', () => receiver.seqs.length >= linesIn(dir).length);
    await until('good news', () => shipper.state.trouble === undefined);
    await shipper.stop();
    expect(receiver.seqs).toEqual(inOrder(dir));
    expect(said.filter((words) => words.includes('HTTP'))).toHaveLength(3);
    expect(said.join()).not.toContain('\u001b');
  });

  test('goes on where it was after a restart', async () => {
    const { dir, audit } = await aLog(20);
    const receiver = await aReceiver(rules);
    const first = aShipper(dir, make(receiver.url));
    first.start();
    await until('all records', () => receiver.seqs.length >= linesIn(dir).length);
    await until('the cursor', () => existsSync(join(dir, 'cursors', `${name}.json`)));
    await first.stop();
    audit.log.record(aJudged());
    audit.log.flush();
    await audit.checkpoint();
    const second = aShipper(dir, make(receiver.url));
    second.start();
    await until('the newest record', () => receiver.seqs.at(-1) === linesIn(dir).length - 1);
    await second.stop();
    expect(receiver.seqs).toEqual(inOrder(dir));
  });
});

describe('a sink', () => {
  test('that refuses one record gets all others, and the one is named', async () => {
    const { dir } = await aLog(300);
    const receiver = await aReceiver((request, body) => {
      const took = webhookRules(request, body);
      return (took.took ?? []).some((record) => record.seq === 77) ? { status: 400 } : took;
    });
    const said: string[] = [];
    const shipper = aShipper(dir, webhookSink({ name: 'hook', url: receiver.url, secret: () => 'hook-secret' }), said);
    shipper.start();
    await until('all records but one', () => receiver.seqs.length >= linesIn(dir).length - 1);
    await shipper.stop();
    expect(receiver.seqs).toEqual(inOrder(dir).filter((seq) => seq !== 77));
    expect(said).toEqual([expect.stringContaining('refused record 77')]);
    expect(shipper.state.skipped).toBe(1);
  });

  test('gets nothing that is under no checkpoint yet', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
    const signed = linesIn(dir).length;
    audit.log.record(aJudged());
    audit.log.flush();
    const receiver = await aReceiver(webhookRules);
    const shipper = aShipper(dir, webhookSink({ name: 'hook', url: receiver.url, secret: () => 'hook-secret' }));
    shipper.start();
    await until('what is signed', () => receiver.seqs.length >= signed);
    await audit.checkpoint();
    await until('the rest', () => receiver.seqs.length > signed);
    await shipper.stop();
    await audit.stop();
    expect(receiver.seqs).toEqual(inOrder(dir).slice(0, receiver.seqs.length));
  });

  test('that is a file or a stream gets every record as a line', async () => {
    const { dir } = await aLog(40);
    const path = join(aFolder(), 'copy.jsonl');
    const stream = new PassThrough();
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const shippers = [fileSink({ name: 'file', path }), streamSink({ name: 'stdout', stream })].map((sink) =>
      aShipper(dir, sink),
    );
    for (const shipper of shippers) shipper.start();
    await until('all records', () => shippers.every((shipper) => shipper.state.seq >= linesIn(dir).length));
    for (const shipper of shippers) await shipper.stop();
    const records = linesIn(dir).map((line) => JSON.parse(line));
    for (const copy of [readFileSync(path, 'utf8'), text]) {
      expect(
        copy
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line)),
      ).toEqual(records);
      expect(copy).not.toContain('\u202e');
    }
    expect(readdirSync(join(dir, 'cursors')).sort()).toEqual(['file.json', 'stdout.json']);
  });

  describe('that is syslog', () => {
    const certificates = makeCertificates();
    closing.push(() => certificates.remove());

    /** Reads octet-counted messages, over TLS or not. */
    async function aSyslog(
      transport: 'tcp' | 'tls',
    ): Promise<{ readonly port: number; messages(): readonly string[] }> {
      let bytes = Buffer.alloc(0);
      const take = (socket: Socket): void => {
        socket.on('data', (chunk) => (bytes = Buffer.concat([bytes, chunk])));
        socket.on('error', () => socket.destroy());
      };
      const { cert, key } = certificates.server;
      const server = transport === 'tls' ? createTlsServer({ cert, key }, take) : createTcpServer(take);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closing.push(() => server.close());
      const messages = (): readonly string[] => {
        const found: string[] = [];
        for (let at = 0; at < bytes.length;) {
          const space = bytes.indexOf(' ', at);
          const end = space + 1 + Number(bytes.toString('latin1', at, space));
          found.push(bytes.toString('utf8', space + 1, end));
          at = end;
        }
        return found;
      };
      return { port: (server.address() as AddressInfo).port, messages };
    }

    test.each(['tcp', 'tls'] as const)(
      'gets octet-counted messages over %s, with CEF that no agent can break out of',
      async (transport) => {
        const { dir } = await aLog(30);
        const { port, messages } = await aSyslog(transport);
        const tls = transport === 'tls' ? { tls: { ca: certificates.authority.cert } } : {};
        const shipper = aShipper(
          dir,
          syslogSink({ name: 'syslog', host: '127.0.0.1', port, hostname: 'gate-1', ...tls }),
        );
        shipper.start();
        await until('all records', () => shipper.state.seq >= linesIn(dir).length);
        await shipper.stop();
        await until('all messages', () => messages().length === linesIn(dir).length);
        for (const message of messages())
          expect(message).toMatch(/^<110>1 \S+Z gate-1 countersign - \w+ - CEF:0\|Countersign\|/);
        const judged = messages().find((message) => message.includes('Statement judged')) ?? '';
        expect(judged).toContain('msg=select ');
        expect(judged).toContain('a\\=b\\n');
        expect(judged).not.toMatch(/[\n\r]/);
      },
    );

    test('gets nothing when its certificate is nobody’s that is trusted, or the line is not encrypted', async () => {
      const { dir } = await aLog(3);
      const [strange, plain] = [await aSyslog('tls'), await aSyslog('tcp')];
      for (const [name, { port }] of Object.entries({ strange, plain })) {
        const tls = name === 'plain' ? { ca: certificates.authority.cert } : {};
        const shipper = aShipper(dir, syslogSink({ name, host: '127.0.0.1', port, hostname: 'gate-1', tls }));
        shipper.start();
        if (name === 'strange') {
          await until('its trouble', () => shipper.state.trouble !== undefined);
          expect(shipper.state.trouble).toMatch(/certificate/);
        }
        await shipper.stop();
        expect(shipper.state.seq).toBe(0);
      }
      expect(strange.messages()).toEqual([]);
      expect(plain.messages().join()).not.toContain('CEF');
    });
  });
});

describe('AWS Signature Version 4', () => {
  test('gives the signatures of Amazon’s own examples', () => {
    const by = {
      region: 'us-east-1',
      accessKey: 'AKIAIOSFODNN7EXAMPLE',
      secretKey: () => 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    };
    const host = 'examplebucket.s3.amazonaws.com';
    const nothing = hash('sha256', '', 'hex');
    const get = { host, range: 'bytes=0-9', 'x-amz-content-sha256': nothing, 'x-amz-date': '20130524T000000Z' };
    expect(authorizationOf({ method: 'GET', path: '/test.txt', headers: get }, by)).toMatch(
      /Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41$/,
    );
    const put = {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      host,
      'x-amz-content-sha256': hash('sha256', 'Welcome to Amazon S3.', 'hex'),
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    };
    expect(authorizationOf({ method: 'PUT', path: '/test%24file.text', headers: put }, by)).toMatch(
      /Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd$/,
    );
  });
});
