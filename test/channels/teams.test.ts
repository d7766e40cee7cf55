// Goal: a hold is told in Teams in a card that Teams can draw, once, and so is its end; trouble there loses and doubles nothing.
// Method: the real desk against a workflow on loopback that fails in each way; cards through Microsoft's own reader.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, test } from 'vitest';
import type { HoldView } from '../../src/approval/view.ts';
import { startTeams, type RunningTeams } from '../../src/channels/teams.ts';
import { teamsBytesMax, teamsCard, teamsOutcome, type TeamsMessage } from '../../src/channels/teams-card.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Secret } from '../../src/core/secrets.ts';
import type { Store } from '../../src/store/store.ts';
import { aProxy, aRequest, aVote, anAsker, never, type RequestWords } from '../approval/fixtures.ts';
import { MapStore } from '../approval/map-store.ts';
import { waitFor } from '../support/wait.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface Workflow {
  readonly url: string;
  readonly taken: TeamsMessage[];
  /** Answers to the next requests; then 202. `reset` breaks the connection. */
  readonly next: (number | 'reset')[];
  tries: number;
}

async function aWorkflow(): Promise<Workflow> {
  const workflow = { url: '', taken: [] as TeamsMessage[], next: [] as (number | 'reset')[], tries: 0 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      workflow.tries += 1;
      const answer = workflow.next.shift() ?? 202;
      if (answer === 'reset') return void request.socket.destroy();
      if (answer === 202) workflow.taken.push(JSON.parse(Buffer.concat(chunks).toString()) as TeamsMessage);
      response.writeHead(answer, answer === 429 ? { 'retry-after': '1' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  workflow.url = `http://127.0.0.1:${address.port}/workflows/secret`;
  return workflow;
}

function aTeams(workflow: Workflow, store: Store, proxy: ReturnType<typeof aProxy>): RunningTeams {
  const running = startTeams({
    config: { webhookUrl: new Secret(workflow.url), values: 'hidden' },
    book: proxy.desk,
    store,
    linkOf: (hold) => `https://gate.example.com/holds/${hold}`,
    consoleUrl: 'https://gate.example.com',
    clock: systemClock,
    log: silentLog,
    pace: { gapMs: 5, lookMs: 50, retryMsMin: 20, retryMsMax: 100, timeoutMs: 1000 },
  });
  ends.push(() => running.stop());
  return running;
}

async function aScene() {
  const store = new MapStore();
  const [proxy, workflow] = [aProxy({ store }), await aWorkflow()];
  return { store, proxy, workflow, running: aTeams(workflow, store, proxy) };
}

const words = (message: TeamsMessage | undefined): string =>
  [...JSON.stringify(message).matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('\n');

describe('a hold', () => {
  test('is a card with a link to the console, and its end is another', async () => {
    const { proxy, workflow } = await aScene();
    const { hold } = await proxy.desk.ask(aRequest(), never);
    await waitFor('the card', () => workflow.taken.length === 1);
    expect(words(workflow.taken[0])).toContain('report-bot wants 1 restricted column · shop');
    expect(workflow.taken[0]?.attachments[0].content.actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Review in the console', url: `https://gate.example.com/holds/${hold.id}` },
    ]);
    await proxy.desk.vote(hold.id, aVote({ vote: 'deny', reason: 'not today' }));
    await waitFor('the end', () => workflow.taken.length === 2);
    expect(words(workflow.taken[1])).toContain('Denied by ben: not today');
  });

  test.each([
    ['503', [503, 503]],
    ['429', [429]],
    ['a broken connection', ['reset', 'reset']],
    ['404, until somebody mends the address', [404, 404]],
  ] as const)('is told once after %s', async (_, answers) => {
    const { proxy, workflow, running } = await aScene();
    workflow.next.push(...answers);
    await proxy.desk.ask(aRequest(), never);
    await waitFor('the trouble', async () => (await running.part.check()).state === 'down');
    await waitFor('the card', () => workflow.taken.length > 0);
    await waitFor('rest', async () => (await running.part.check()).words === '0 to send');
    expect(workflow.taken).toHaveLength(1);
    expect(workflow.tries).toBe(answers.length + 1);
  });

  test('whose card is refused is told in words', async () => {
    const { proxy, workflow } = await aScene();
    workflow.next.push(400);
    await proxy.desk.ask(aRequest(), never);
    await waitFor('the words', () => workflow.taken.length === 1);
    expect(workflow.taken[0]?.attachments[0].content.body).toHaveLength(1);
  });

  test('is told once by two proxies, and not again after a restart', async () => {
    const { proxy, workflow, store, running } = await aScene();
    const second = aTeams(workflow, store, proxy);
    await proxy.desk.ask(aRequest(), never);
    await waitFor('the card', () => workflow.taken.length > 0);
    await Promise.all([running.stop(), second.stop()]);
    const third = aTeams(workflow, store, proxy);
    await proxy.desk.ask(aRequest({ sql: 'select 2' }), never);
    await waitFor('the other card', () => workflow.taken.length > 1);
    await waitFor('rest', async () => (await third.part.check()).words === '0 to send');
    expect(workflow.taken).toHaveLength(2);
  });

  test('of a burst is one of five cards, or one of the many of a single message', async () => {
    const { proxy, workflow, running } = await aScene();
    for (let at = 0; at < 12; at++) await proxy.desk.ask(aRequest({ sql: `select ${at}` }), never);
    await waitFor('the cards', () => workflow.taken.length >= 6);
    await waitFor('rest', async () => (await running.part.check()).words === '0 to send');
    expect(workflow.taken).toHaveLength(6);
    expect(workflow.taken.filter((each) => words(each).includes('statements waiting'))).toHaveLength(1);
  });
});

interface Reader {
  readonly AdaptiveCard: new () => { parse(card: unknown, context: unknown): void; toJSON(): unknown };
  readonly SerializationContext: new () => {
    readonly eventCount: number;
    getEventAt(at: number): { readonly message: string };
  };
}

/** Made for browsers: it looks for a window when it is loaded. */
function microsoftsReader(): Reader {
  Object.assign(globalThis, { window: {} });
  try {
    return createRequire(import.meta.url)('adaptivecards/dist/adaptivecards.js') as Reader;
  } finally {
    Reflect.deleteProperty(globalThis, 'window');
  }
}

function complaints(message: TeamsMessage): readonly string[] {
  const reader = microsoftsReader();
  const [card, context] = [new reader.AdaptiveCard(), new reader.SerializationContext()];
  card.parse(message.attachments[0].content, context);
  return Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
}

describe('a card for Teams', () => {
  const style = { values: 'hidden', link: 'https://gate.example.com/holds/h_1' } as const;
  const cases: readonly (readonly [string, RequestWords])[] = [
    ['the usual hold', {}],
    [
      'Markdown',
      {
        sql: "select '[Approve](https://evil.example) **yes** `x`' from t",
        asker: anAsker({ reason: '# Approved\n- yes' }),
      },
    ],
    ['turned direction and blanks', { sql: "select '\u202e\u200b' from t", asker: anAsker({ reason: '\u2066x' }) }],
    ['twenty kilobytes', { sql: `select email from t where id in (${'1234567, '.repeat(2500)}1)` }],
    ['a thousand lines of four-byte characters', { sql: `select '${'🙂\n'.repeat(1000)}' from t` }],
  ];
  test.each(cases)('of %s is taken by Microsoft’s reader, small enough, and reads no marks', async (_, request) => {
    const view: HoldView = (await aProxy().desk.ask(aRequest(request), never)).hold;
    for (const values of ['hidden', 'shown'] as const) {
      const message = teamsCard(view, { ...style, values });
      expect(complaints(message)).toEqual([]);
      expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(teamsBytesMax);
      // Marks are read in text blocks only; there are none.
      expect(JSON.stringify(message)).not.toContain('"TextBlock"');
      expect(JSON.stringify(message)).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/);
    }
    expect(complaints(teamsOutcome(view, style))).toEqual([]);
  });

  test('Microsoft’s reader does complain of what is wrong', async () => {
    const view = (await aProxy().desk.ask(aRequest(), never)).hold;
    const wrong = JSON.parse(
      JSON.stringify(teamsCard(view, style)).replaceAll('"Bolder"', '"Boldest"'),
    ) as TeamsMessage;
    expect(complaints(wrong).length).toBeGreaterThan(0);
  });
});
