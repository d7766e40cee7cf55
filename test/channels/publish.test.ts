// Goal: a copy of the newest checkpoint reaches a place elsewhere, whatever that place does, and shows there that a log was cut or rewritten.
// Method: receivers that enforce what Slack's incoming webhooks and a signed webhook enforce; what they got is given to `audit verify`.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openAudit } from '../../src/audit/keeper.ts';
import { notesIn } from '../../src/audit/note.ts';
import { Publisher } from '../../src/audit/publisher.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { targetOf } from '../../src/cli/serve-record.ts';
import type { PublishConfig } from '../../src/core/config-audit.ts';
import { systemClock } from '../../src/core/clock.ts';
import { configFromText } from '../../src/core/config.ts';
import { mistakeText } from '../../src/core/place.ts';
import { Secret } from '../../src/core/secrets.ts';
import { aJudged, linesIn, until } from '../audit/fixtures.ts';
import { aFolder } from '../support/folders.ts';

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Receiver {
  readonly url: string;
  /** What was taken, as somebody would find it there. */
  readonly taken: string[];
  /** The next answers, before its rules are asked. */
  readonly trouble: Answer[];
}

type Rules = (body: string, headers: Readonly<Record<string, unknown>>) => Answer & { readonly took?: string };

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

async function aReceiver(rules: Rules): Promise<Receiver> {
  const [taken, trouble]: [string[], Answer[]] = [[], []];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const answer: ReturnType<Rules> = trouble.shift() ?? rules(body, request.headers);
      if (answer.took !== undefined) taken.push(answer.took);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T/B/x`, taken, trouble };
}

/** Slack: JSON with a text of at most 40,000 characters; in a channel its three escapes show as what they mean. */
const slackRules: Rules = (body, headers) => {
  if (!String(headers['content-type']).startsWith('application/json')) return { status: 400, body: 'invalid_payload' };
  const { text } = JSON.parse(body) as { readonly text?: string };
  if (text === undefined || text === '' || text.length > 40_000) return { status: 400, body: 'no_text' };
  const shown = text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  return { status: 200, body: 'ok', took: shown };
};

const hookRules: Rules = (body, headers) => {
  const [, at, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-countersign-signature'])) ?? [];
  if (mac !== createHmac('sha256', 'hook-secret').update(`${at}.${body}`).digest('hex')) return { status: 401 };
  return { status: 204, took: body };
};

const targets: readonly (readonly [
  string,
  () => Promise<{ config: PublishConfig; receiver?: Receiver; file?: string }>,
])[] = [
  [
    'a Slack channel',
    async () => {
      const receiver = await aReceiver(slackRules);
      return { receiver, config: { name: 'slack', everyMs: 20, kind: 'slack', url: new Secret(receiver.url) } };
    },
  ],
  [
    'a webhook',
    async () => {
      const receiver = await aReceiver(hookRules);
      const token = new Secret('hook-secret');
      return { receiver, config: { name: 'hook', everyMs: 20, kind: 'webhook', url: new Secret(receiver.url), token } };
    },
  ],
  [
    'a file',
    () => {
      const file = join(aFolder(), 'kept.notes');
      return Promise.resolve({ file, config: { name: 'file', everyMs: 20, kind: 'file', path: file } });
    },
  ],
];

describe('a checkpoint published to', () => {
  test.each(targets)('%s shows there that the end of the log is gone', async (_, make) => {
    const { config, receiver, file } = await make();
    receiver?.trouble.push(
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 503 },
      { status: 404, body: 'no_service' },
    );
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 5 } });
    const said: string[] = [];
    const publisher = new Publisher({
      dir,
      target: targetOf(config),
      everyMs: config.everyMs,
      say: (words) => said.push(words),
    });
    publisher.start();
    if (receiver !== undefined) await until('the end of its trouble', () => receiver.taken.length > 0);
    const early = linesIn(dir).length;
    const before = readFileSync(join(dir, 'head.note'));
    await audit.log.recordDurably(aJudged());
    await audit.log.recordDurably(aJudged());
    await audit.stop();
    await publisher.stop();
    expect(publisher.trouble).toBeUndefined();
    if (receiver !== undefined) expect(said[0]).toContain('does not take checkpoints: HTTP 429');
    const kept = file ?? join(aFolder(), 'copied.txt');
    if (receiver !== undefined) writeFileSync(kept, receiver.taken.join('\n'));
    expect(verifyFolder({ dir, checkpoints: [kept] })).toMatchObject({ kind: 'whole', unsigned: 0 });
    // Cut, with every note of the folder itself put back to an earlier state.
    const lines = linesIn(dir).slice(0, early);
    writeFileSync(join(dir, 'segment-00000001.jsonl'), lines.map((line) => `${line}\n`).join(''));
    writeFileSync(join(dir, 'head.note'), before);
    rmSync(join(dir, 'history.notes'));
    for (const name of ['000000000004', '000000000005']) rmSync(join(dir, `checkpoint-${name}.note`), { force: true });
    expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole' });
    expect(verifyFolder({ dir, checkpoints: [kept] })).toMatchObject({
      kind: 'broken',
      words: expect.stringMatching(/missing/),
    });
  });

  test('a place that never answers does not hold up the stop', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock });
    const publisher = new Publisher({
      dir,
      everyMs: 5,
      target: {
        name: 'silent',
        publish: (_note, signal) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('no answer')))),
      },
    });
    await audit.stop();
    const began = performance.now();
    await publisher.stop();
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(publisher.trouble).toBe('no answer');
  });

  test('is sent again only when there is something new', async () => {
    const receiver = await aReceiver(slackRules);
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
    const target = targetOf({ name: 'slack', everyMs: 1, kind: 'slack', url: new Secret(receiver.url) });
    const publisher = new Publisher({ dir, target, everyMs: 1 });
    publisher.start();
    await until('the first', () => receiver.taken.length === 1);
    audit.log.record(aJudged());
    audit.log.flush();
    await audit.checkpoint();
    await until('the second', () => receiver.taken.length === 2);
    await audit.stop();
    await publisher.stop();
    expect(receiver.taken).toHaveLength(2);
  });
});

describe('a kept text', () => {
  const note = 'countersign/abc\n1\nroot\nrecords 1\nat x\n\n— countersign/abc c2ln\n';

  test.each([
    ['as it was', note],
    ['without its last line break', note.trimEnd()],
    ['with a channel’s fences and words around', `Checkpoint of 1 record\n\`\`\`${note.trimEnd()}\`\`\`\nben: thanks`],
    ['with line ends of another system', note.replaceAll('\n', '\r\n')],
    ['as JSON', `${JSON.stringify({ type: 'countersign.checkpoint', note })}\n`],
  ])('gives its note %s', (_, text) => {
    expect(notesIn(text)).toEqual([note]);
  });

  test('gives each of several once, and none where there is none', () => {
    expect(notesIn(note + note.replaceAll('abc', 'xyz') + note)).toHaveLength(2);
    expect(notesIn('countersign/abc is our log')).toEqual([]);
  });
});

describe('audit.publish in the config', () => {
  const load = async (publish: string): Promise<unknown> => {
    const text = `databases: { shop: { url: "postgres://u:p@localhost/shop" } }\naudit:\n  publish:\n${publish}\n`;
    const loaded = await configFromText('/etc/c.yaml', text, { env: {}, makeVerifier: () => Promise.resolve('') });
    return loaded.kind === 'good' ? loaded.value.auditPublish : loaded.mistakes.map(mistakeText);
  };

  test('names places with their own times', async () => {
    const publish =
      '    - { kind: file, path: kept/notes }\n    - { kind: slack, url: "https://hooks.slack.com/services/x", every: 1h }';
    expect(await load(publish)).toMatchObject([
      { kind: 'file', path: '/etc/kept/notes', everyMs: 600_000 },
      { kind: 'slack', everyMs: 3_600_000 },
    ]);
  });

  test.each([
    ['    - { kind: slack }', "slack needs 'url'"],
    ['    - { kind: webhook, url: nowhere }', "webhook needs 'url'"],
    ['    - { kind: webhook, url: "ftp://x/y" }', "webhook needs 'url'"],
    ['    - { kind: file }', "file needs 'path'"],
    ['    - { kind: fax }', 'kind'],
  ])('complains about %s', async (publish, words) => {
    expect(String(await load(publish))).toMatch(/^\/etc\/c\.yaml:4:\d+: /);
    expect(String(await load(publish))).toContain(words);
  });
});
