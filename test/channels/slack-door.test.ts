// Goal: nobody but Slack is heard in http mode, nobody twice, and what is not Slack's is turned away before anything reads it.
// Method: requests to the real http port with every kind of wrong signature, time and body; the hold behind must stay as it was.
import { stringify } from 'node:querystring';
import { expect, test } from 'vitest';
import { actionIds } from '../../src/channels/slack-card.ts';
import { waitFor } from '../support/wait.ts';
import { aScene, held } from './slack-scene.ts';

const seconds = (): number => Math.floor(Date.now() / 1000);

const wrong: readonly (readonly [
  string,
  (sign: (at?: number, secret?: string) => Record<string, string>) => Record<string, string>,
])[] = [
  ['no signature', () => ({})],
  ['a signature by another secret', (sign) => sign(seconds(), 'e'.repeat(32))],
  ['a signature of six minutes ago', (sign) => sign(seconds() - 360)],
  ['a signature of six minutes to come', (sign) => sign(seconds() + 360)],
  ['a time that was changed afterwards', (sign) => ({ ...sign(), 'x-slack-request-timestamp': String(seconds() - 1) })],
  ['a time that is no number', (sign) => ({ ...sign(), 'x-slack-request-timestamp': 'now' })],
  ['a signature cut short', (sign) => ({ ...sign(), 'x-slack-signature': 'v0=abcd' })],
  [
    'a signature of another version',
    (sign) => ({ ...sign(), 'x-slack-signature': sign()['x-slack-signature']?.replace('v0', 'v1') ?? '' }),
  ],
];

test.each(wrong)('a click with %s is not heard', async (_, headers) => {
  const scene = await aScene({ way: 'http' });
  const waiting = await held(scene.proxy);
  const click = scene.person('UBEN').clickOf(await scene.card(), actionIds.once);
  const form = { payload: JSON.stringify(click) };
  const answer = await scene.slack.request(form, (body) =>
    headers((at, secret) =>
      scene.slack.sign(body, { ...(at === undefined ? {} : { at }), ...(secret === undefined ? {} : { secret }) }),
    ),
  );
  expect(answer).toEqual({ status: 401, body: '' });
  expect(await scene.proxy.desk.find(waiting.hold.id)).toMatchObject({ state: 'open', votes: [] });
});

test('a request that says ssl_check is not let in unsigned, as bolt would', async () => {
  const scene = await aScene({ way: 'http' });
  expect((await scene.slack.request({ ssl_check: '1', payload: '{}' }, () => ({}))).status).toBe(401);
});

test('the same signed request is heard once', async () => {
  const scene = await aScene({ way: 'http' });
  await held(scene.proxy, { needs: [{ groups: ['security'], quorum: 2 }] });
  const form = { payload: JSON.stringify(scene.person('UBEN').clickOf(await scene.card(), actionIds.once)) };
  const headers = scene.slack.sign(stringify(form));
  const statuses = [await scene.slack.request(form, () => headers), await scene.slack.request(form, () => headers)];
  expect(statuses.map(({ status }) => status)).toEqual([200, 401]);
  await waitFor('the tally', async () => /requests_total\{check="replayed"\} 1/.test(await scene.metrics()));
});

test('a body above the limit is not read to its end', async () => {
  const scene = await aScene({ way: 'http' });
  const answer = await scene.slack.request({ payload: 'x'.repeat(300 * 1024) });
  expect(answer.status).toBe(413);
});

test.each([
  '[]',
  '{}',
  'null',
  '{"type":"block_actions"}',
  '{"type":"block_actions","actions":[{"action_id":7}],"user":[]}',
  'not json',
])('a signed body that holds %s breaks nothing', async (payload) => {
  const scene = await aScene({ way: 'http' });
  const waiting = await held(scene.proxy);
  await scene.slack.request({ payload });
  await scene.person('UBEN').click(await scene.card(), actionIds.once);
  expect(await waiting.answer).toMatchObject({ kind: 'released' });
});

test('other pages of the port are read as ever', async () => {
  const scene = await aScene({ way: 'http' });
  expect(await scene.readyz()).toMatch(/^ready\n/);
});
