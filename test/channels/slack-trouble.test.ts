// Goal: no trouble at Slack's side loses a hold, doubles a decision or ends the process; what is wrong can be seen, and mends itself.
// Method: a Slack on loopback that fails in each way there is, while holds are asked, decided and followed by one or two proxies.
import { describe, expect, test } from 'vitest';
import { actionIds } from '../../src/channels/slack-card.ts';
import { Secret } from '../../src/core/secrets.ts';
import { aVote, aProxy } from '../approval/fixtures.ts';
import { MapStore } from '../approval/map-store.ts';
import { waitFor, within } from '../support/wait.ts';
import { aScene, aSlack, gateChannel, held, read, slackConfig } from './slack-scene.ts';

describe('while Slack is in trouble', () => {
  test.each(['down', 'reset', 'hang'] as const)(
    'with Slack %s a hold is decided elsewhere, and the next one is shown when it is back',
    async (mode) => {
      const scene = await aScene({ way: 'http' });
      scene.slack.mode = mode;
      const first = await held(scene.proxy, { sql: 'select 1' });
      await waitFor('a try', () => scene.slack.callsOf('chat.postMessage').length > 0);
      await waitFor('the trouble', async () => /down {2}slack: .*to send/.test(await scene.readyz()));
      await scene.proxy.desk.vote(first.hold.id, aVote({ channel: 'console' }));
      expect(await within('the answer', first.answer)).toMatchObject({ kind: 'released' });
      const second = await held(scene.proxy, { sql: 'select 2' });
      scene.slack.mode = 'up';
      const card = await scene.card();
      expect(card.metadata).toMatchObject({ event_payload: { id: second.hold.id } });
      expect(scene.slack.cards(gateChannel)).toHaveLength(1);
      await waitFor('peace', async () => /up {4}slack: connected/.test(await scene.readyz()));
    },
  );

  test('with Slack down at the start, the start goes on, and clicks count once it is back', async () => {
    const slack = await aSlack();
    slack.mode = 'down';
    const scene = await aScene({ way: 'socket', slack });
    expect(await scene.readyz()).toMatch(/down {2}slack: not signed in yet/);
    const waiting = await held(scene.proxy);
    slack.mode = 'up';
    const card = await scene.card();
    await waitFor('the socket', () => slack.sockets.size === 1, { withinMs: 15_000 });
    await waitFor('the sign-in', async () => /slack: connected/.test(await scene.readyz()), { withinMs: 15_000 });
    await scene.person('UBEN').click(card, actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
  });

  test('429 is waited out for as long as it says, and the card is posted once', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.limitNext = 1;
    await held(scene.proxy);
    await scene.card();
    const [refused, taken] = scene.slack
      .callsOf('chat.postMessage')
      .filter((call) => call.args['channel'] === gateChannel);
    expect((taken?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect(scene.slack.cards(gateChannel)).toHaveLength(1);
  });

  test('a posting whose answer is lost is found again by its mark: one card, which a click decides', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.pageSizeMax = 1;
    scene.slack.modeFor = /chat\.postMessage/;
    scene.slack.mode = 'lost';
    const waiting = await held(scene.proxy);
    const lost = await waitFor('the lost card', () => scene.slack.cards(gateChannel)[0]);
    scene.slack.mode = 'up';
    await waitFor('peace', async () => /up {4}slack: connected\n/.test(await scene.readyz()));
    await scene.person('UBEN').click(lost, actionIds.once);
    await within('the answer', waiting.answer);
    await waitFor('the outcome', () => read(lost).includes('Approved and run'));
    expect(scene.slack.cards(gateChannel)).toHaveLength(1);
    expect(scene.proxy.records().filter((each) => each.kind === 'voted')).toHaveLength(1);
  });

  test('a lost reply, a lost list and a lost word to one person are not said twice either', async () => {
    const needs = [{ groups: ['security'], quorum: 2 }] as const;
    const scene = await aScene({ way: 'http', config: { digestFrom: 1, owners: new Map([['ana', 'UANA']]) } });
    const first = await held(scene.proxy, { sql: 'select 1', needs });
    const card = await scene.card();
    scene.slack.modeFor = /chat\.postMessage/;
    scene.slack.mode = 'lost';
    await held(scene.proxy, { sql: 'select 2' });
    await waitFor('the lost list', () => scene.slack.cards(gateChannel).length === 2);
    await scene.proxy.desk.vote(first.hold.id, aVote({ person: 'cleo' }));
    scene.slack.mode = 'up';
    await waitFor('a reply', () => scene.slack.replies(card).length === 1);
    scene.slack.mode = 'lost';
    await scene.proxy.desk.vote(first.hold.id, aVote({ person: 'ben' }));
    await within('the answer', first.answer);
    await waitFor('the lost reply', () => scene.slack.replies(card).length === 2);
    await waitFor('the lost word', () => scene.slack.cards('DANA').length === 1);
    scene.slack.mode = 'up';
    await waitFor('the outcome', () => scene.slack.replies(card).length === 3);
    await waitFor('peace', async () => /up {4}slack: connected\n/.test(await scene.readyz()));
    expect(scene.slack.replies(card)).toHaveLength(3);
    expect(scene.slack.cards(gateChannel)).toHaveLength(2);
    expect(scene.slack.cards('DANA')).toHaveLength(1);
  });

  test('a card that was lost and is needed no more is found and says so', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.modeFor = /chat\.postMessage/;
    scene.slack.mode = 'lost';
    const waiting = await held(scene.proxy);
    const lost = await waitFor('the lost card', () => scene.slack.cards(gateChannel)[0]);
    await scene.proxy.desk.vote(waiting.hold.id, aVote({ vote: 'deny', reason: 'not today' }));
    scene.slack.mode = 'up';
    await waitFor('the outcome', () => read(lost).includes('Denied by ben: not today'));
    expect(scene.slack.cards(gateChannel)).toHaveLength(1);
  });

  test('where the app may not read the channel a lost card is posted again: rather twice than never', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.errors.set('conversations.history', 'missing_scope');
    scene.slack.modeFor = /chat\.postMessage/;
    scene.slack.mode = 'lost';
    const waiting = await held(scene.proxy);
    const lost = await waitFor('the lost card', () => scene.slack.cards(gateChannel)[0]);
    scene.slack.mode = 'up';
    await waitFor('the second card', () => scene.slack.cards(gateChannel).length >= 2);
    await scene.person('UBEN').click(lost, actionIds.once);
    await within('the answer', waiting.answer);
    await waitFor('both edited', () => {
      const [first, last] = [scene.slack.cards(gateChannel)[0], scene.slack.cards(gateChannel).at(-1)];
      return [first, last].every((card) => card !== undefined && read(card).includes('Approved and run'));
    });
    expect(scene.proxy.records().filter((each) => each.kind === 'voted')).toHaveLength(1);
  });

  test('slow answers delay a card and nothing else', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.mode = 'slow';
    const waiting = await held(scene.proxy);
    await scene.person('UBEN').click(await scene.card(), actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
    expect(scene.slack.cards(gateChannel)).toHaveLength(1);
  });

  test('a card that somebody deletes is posted again while it is needed', async () => {
    const needs = [{ groups: ['security'], quorum: 2 }] as const;
    const scene = await aScene({ way: 'http' });
    const waiting = await held(scene.proxy, { needs });
    const card = await scene.card();
    scene.slack.delete(card);
    await scene.proxy.desk.vote(waiting.hold.id, aVote({ person: 'cleo' }));
    const again = await scene.card();
    expect(again.ts).not.toBe(card.ts);
    expect(read(again)).toContain('1 of 2');
  });

  test('a channel that is gone: those who can say yes are asked one by one', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.gone.add(gateChannel);
    const waiting = await held(scene.proxy);
    const [card] = await Promise.all([scene.card('DBEN'), scene.card('DCLEO')]);
    await scene.person('UBEN').click(card, actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released', by: ['ben'] });
  });

  test('a token that is revoked is told to the operator; put right, everything goes on', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.isRevoked = true;
    const waiting = await held(scene.proxy);
    await waitFor('the words', async () => (await scene.readyz()).includes('token_revoked'));
    const first = (await scene.readyz()).split('\n')[0];
    expect(first).toBe('ready');
    scene.slack.isRevoked = false;
    await scene.person('UBEN').click(await scene.card(), actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
  });

  test('blocks that Slack will not take become words and a link', async () => {
    const scene = await aScene({ way: 'http' });
    scene.slack.refusedKinds.add('rich_text');
    await held(scene.proxy);
    const card = await scene.card();
    expect(read(card)).toMatch(/^report-bot wants[^\n]*\nOpen$/);
  });

  test('when state cannot be written, a click changes nothing, says so, and can be tried again', async () => {
    const store = new MapStore();
    const scene = await aScene({ way: 'http', store });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    await waitFor('rest', async () => /connected\n/.test(await scene.readyz()));
    const click = scene.person('UBEN').clickOf(card, actionIds.once);
    store.weather.down = true;
    await scene.person('UBEN').send(click);
    const told = await waitFor('the answer', () => scene.slack.ephemerals.at(-1));
    expect(told['text']).toContain('Nothing was changed');
    store.weather.down = false;
    await scene.person('UBEN').send({ ...click, trigger_id: 'again' });
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
  });
});

describe('the socket', () => {
  test('is back at once when Slack moves it', async () => {
    const scene = await aScene({ way: 'socket' });
    const [old] = scene.slack.sockets;
    scene.slack.disconnect('refresh_requested');
    const at = performance.now();
    await waitFor('a new socket', () => scene.slack.sockets.size === 1 && !scene.slack.sockets.has(old as never));
    expect(performance.now() - at).toBeLessThan(3000);
    const waiting = await held(scene.proxy);
    await scene.person('UBEN').click(await scene.card(), actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
  });

  test.each([
    'null',
    '[]',
    '7',
    '{}',
    '{"type":"events_api"}',
    '{"type":"interactive"}',
    'not json',
    '{"type":"interactive","payload":null}',
  ])('goes on after a message that holds %s', async (message) => {
    const scene = await aScene({ way: 'socket' });
    for (const socket of scene.slack.sockets) socket.send(message);
    const waiting = await held(scene.proxy);
    await scene.person('UBEN').click(await scene.card(), actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
  });

  test.each(['down', 'reset', 'hang'] as const)('comes back after an outage (%s) without a restart', async (mode) => {
    const scene = await aScene({ way: 'socket' });
    scene.slack.mode = mode;
    for (const socket of scene.slack.sockets) socket.terminate();
    await waitFor('tries', () => scene.slack.callsOf('apps.connections.open').length >= 3, { withinMs: 20_000 });
    expect(await scene.readyz()).toMatch(/down {2}slack: .*socket: connecting/);
    scene.slack.mode = 'up';
    await waitFor('the socket', () => scene.slack.sockets.size === 1, { withinMs: 15_000 });
    const waiting = await held(scene.proxy);
    await scene.person('UBEN').click(await scene.card(), actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
  });

  test('that is let in for good no more is told to the operator and ends nothing', async () => {
    const scene = await aScene({ way: 'socket' });
    scene.slack.isRevoked = true;
    for (const socket of scene.slack.sockets) socket.terminate();
    await waitFor('tries', () => scene.slack.callsOf('apps.connections.open').length >= 4, { withinMs: 20_000 });
    expect(await scene.readyz()).toMatch(/down {2}slack: .*token_revoked/);
    scene.slack.isRevoked = false;
    await waitFor('the socket', () => scene.slack.sockets.size === 1, { withinMs: 15_000 });
  });
});

describe('several proxies, and one that starts again', () => {
  test('two proxies on one store post one card, and a vote at one edits it', async () => {
    const store = new MapStore();
    const slack = await aSlack();
    const first = await aScene({ way: 'socket', slack, store });
    await aScene({ way: 'socket', slack, store });
    const waits = await Promise.all(
      Array.from({ length: 4 }, (_, at) => held(first.proxy, { sql: `select email from customers where id = ${at}` })),
    );
    await waitFor('the cards', () => slack.cards(gateChannel).length >= 4);
    for (const [at, waiting] of waits.entries()) {
      const card = slack.cards(gateChannel).find((each) => read(each).includes(waiting.hold.sql.hash.slice(0, 12)));
      if (card === undefined) throw new Error(`no card for ${at}`);
      await first.person('UBEN').click(card, actionIds.once);
      expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
      await waitFor('the edited card', () => read(card).includes('Approved and run'));
    }
    expect(slack.cards(gateChannel)).toHaveLength(4);
  });

  test('a card posted before a restart is edited after it', async () => {
    const store = new MapStore();
    const slack = await aSlack();
    const before = await aScene({ way: 'http', slack, store });
    const waiting = await held(before.proxy);
    const card = await before.card();
    await before.running.stop();
    await before.proxy.desk.vote(waiting.hold.id, aVote({ vote: 'deny', reason: 'not today' }));
    expect(read(card)).not.toContain('Denied');
    const proxy = aProxy({ store });
    await aScene({ way: 'http', slack, store, proxy });
    await waitFor('the edited card', () => read(card).includes('Denied by ben: not today'));
    expect(slack.cards(gateChannel)).toHaveLength(1);
  });
});

describe('the start', () => {
  test.each([
    [
      'a bot token that Slack does not know',
      { botToken: new Secret('xoxb-wrong') },
      'slack.bot_token: Slack does not take it (invalid_auth)',
    ],
    [
      'an app token that Slack does not know',
      { appToken: new Secret('xapp-wrong') },
      'slack.app_token: Slack does not take it (invalid_auth)',
    ],
  ] as const)('is stopped by %s, in one line', async (_, config, words) => {
    const start = aScene({ way: 'socket', config });
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(words) });
    await expect(start).rejects.toMatchObject({ message: expect.not.stringContaining('\n') });
  });

  test('is stopped by an empty signing secret', async () => {
    const slack = await aSlack();
    const config = { ...slackConfig(slack, 'http'), signingSecret: new Secret('') };
    await expect(aScene({ way: 'http', slack, config })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('slack.signing_secret'),
    });
  });
});
