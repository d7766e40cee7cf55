// Goal: holds come to the right people at the right time: routing, lists for bursts, reminders, a second group, the end said; and people find
// what is theirs on the home page and by command.
// Method: the real desk and the real bolt against a Slack on loopback; times are short, and waited for by what they bring about.
import { describe, expect, test } from 'vitest';
import { actionIds } from '../../src/channels/slack-card.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { aCatalog, anAsker, aPerson, aVote } from '../approval/fixtures.ts';
import { buttonsOf, readable } from '../support/slack/person.ts';
import { waitFor, within } from '../support/wait.ts';
import { aScene, gateChannel, held, read } from './slack-scene.ts';

describe('where a hold goes', () => {
  test('to the channel of each group that is asked', async () => {
    const channels = new Map([['security', 'C0SEC']]);
    const scene = await aScene({ way: 'http', config: { channels } });
    const needs = [
      { groups: ['security'], quorum: 1 },
      { groups: ['data-owners'], quorum: 1 },
    ] as const;
    const waiting = await held(scene.proxy, { needs });
    const [security, owners] = [await scene.card('C0SEC'), await scene.card(gateChannel)];
    await scene.person('UCLEO').click(security, actionIds.once);
    await waitFor('the vote on both', () =>
      [security, owners].every((card) => read(card).includes('security: 1 of 1 (cleo)')),
    );
    await scene.person('UBEN').click(owners, actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released' });
    await waitFor('both settled', () => [security, owners].every((card) => read(card).includes('Approved and run')));
  });

  test('to people one by one where the config says so, and never to the owner of the agent', async () => {
    const channels = new Map([['data-owners', 'dm']]);
    const scene = await aScene({ way: 'http', config: { channels } });
    await held(scene.proxy, { needs: [{ groups: ['data-owners'], quorum: 1 }] });
    await scene.card('DBEN');
    expect(scene.slack.cards(gateChannel)).toEqual([]);
    expect(scene.slack.cards('DANA')).toEqual([]);
  });

  test('the outcome goes to an owner who is no approver, by the id in the config', async () => {
    const scene = await aScene({
      way: 'http',
      config: { owners: new Map([['mia', 'UMIA']]) },
      desk: { ownerOf: () => 'mia' },
    });
    const waiting = await held(scene.proxy, { asker: anAsker({ owner: 'mia' }) });
    await scene.card();
    await scene.proxy.desk.vote(waiting.hold.id, aVote({ vote: 'deny', reason: 'ask me first' }));
    expect(read(await scene.card('DMIA'))).toContain('Denied by ben: ask me first');
  });

  test('after a time to a second group that may decide too: not called before, and its vote counts', async () => {
    const files = aCatalog([aPerson('ben', ['security']), aPerson('dan', ['leads'])]);
    const channels = new Map([['leads', 'C0LEADS']]);
    const scene = await aScene({ way: 'http', files, config: { escalateTo: 'leads', escalateMs: 600, channels } });
    const waiting = await held(scene.proxy, { needs: [{ groups: ['security', 'leads'], quorum: 1 }] });
    const first = await scene.card();
    expect(read(first)).toContain('<@UBEN>');
    expect(read(first)).not.toContain('<@UDAN>');
    expect(scene.slack.cards('C0LEADS')).toEqual([]);
    const second = await scene.card('C0LEADS');
    expect(read(second)).toContain('<@UDAN>');
    await scene.person('UDAN').click(second, actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released', by: ['dan'] });
    await waitFor('both cards', () => [first, second].every((card) => read(card).includes('Approved')));
  });

  test('at once to the second group where nobody of the first can be asked', async () => {
    const files = aCatalog([aPerson('ana', ['security']), aPerson('dan', ['leads'])]);
    const channels = new Map([['leads', 'C0LEADS']]);
    const scene = await aScene({ way: 'http', files, config: { escalateTo: 'leads', escalateMs: 600_000, channels } });
    await held(scene.proxy, { needs: [{ groups: ['security', 'leads'], quorum: 1 }] });
    expect(read(await scene.card('C0LEADS'))).toContain('<@UDAN>');
  });

  test('after a time to a second group, and being shown it gives nobody a vote', async () => {
    const files = aCatalog([aPerson('ana', ['data-owners']), aPerson('ben', ['security']), aPerson('dan', ['leads'])]);
    const scene = await aScene({ way: 'http', files, config: { escalateTo: 'leads', escalateMs: 100 } });
    const waiting = await held(scene.proxy);
    const card = await scene.card('DDAN');
    await scene.person('UDAN').click(card, actionIds.once);
    const told = await waitFor('the answer', () => scene.slack.ephemerals.at(-1));
    expect(told['text']).toContain('Nothing was changed');
    expect(await scene.proxy.desk.find(waiting.hold.id)).toMatchObject({ state: 'open', votes: [] });
  });
});

describe('when nobody answers', () => {
  test('who has not voted is called in the thread, once', async () => {
    const scene = await aScene({ way: 'http', config: { remindMs: 100 } });
    const waiting = await held(scene.proxy, { needs: [{ groups: ['security'], quorum: 2 }] });
    const card = await scene.card();
    await scene.person('UBEN').click(card, actionIds.once);
    const reminder = await waitFor('the reminder', () =>
      scene.slack.replies(card).find((each) => each.text.startsWith('Still waiting')),
    );
    await scene.proxy.desk.vote(waiting.hold.id, aVote({ person: 'cleo' }));
    await waitFor('the end', () => read(card).includes('Approved'));
    expect(reminder.text).toContain('<@UCLEO>');
    expect(scene.slack.replies(card).filter((each) => each.text.startsWith('Still waiting'))).toHaveLength(1);
  });

  test('the end is said on the card, in the thread and to the owner', async () => {
    const scene = await aScene({ way: 'http', desk: { holds: { waitMs: 200, pendingMs: 0 } } });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'expired' });
    await waitFor('the words', () => read(card).includes('Expired: nobody decided in time'));
    await waitFor('the reply', () => scene.slack.replies(card).some((each) => read(each).includes('Expired')));
    expect(read(await scene.card('DANA'))).toContain('Expired');
  });

  test('an agent that leaves withdraws it, and the card says so', async () => {
    const scene = await aScene({ way: 'http' });
    const gone = new AbortController();
    await held(scene.proxy, {}, gone.signal);
    const card = await scene.card();
    gone.abort();
    await waitFor('the words', () => read(card).includes('Withdrawn'));
  });
});

describe('a burst of one agent', () => {
  test('is some cards and one list; a line of it becomes a card where a person asks for it', async () => {
    const scene = await aScene({ way: 'socket', config: { digestFrom: 2 } });
    const waits = await Promise.all(
      Array.from({ length: 7 }, (_, at) => held(scene.proxy, { sql: `select email from customers where id = ${at}` })),
    );
    const list = await waitFor('the list', () =>
      scene.slack.cards(gateChannel).find((each) => read(each).includes('report-bot has 5 more statements waiting')),
    );
    expect(scene.slack.cards(gateChannel)).toHaveLength(3);
    await scene.person('UBEN').click(list, actionIds.review);
    const card = await waitFor('the card', () => scene.slack.replies(list)[0]);
    await scene.person('UBEN').click(card, actionIds.once);
    await waitFor('the list without it', () => read(list).includes('has 4 more') && read(list).includes('1 settled'));
    const settled = await Promise.race(waits.map(({ answer }) => answer));
    expect(settled).toMatchObject({ kind: 'released', by: ['ben'] });
    for (const { hold } of waits) await scene.proxy.desk.vote(hold.id, aVote({ vote: 'deny', reason: 'too many' }));
    await waitFor('the end', () => read(list).includes('All of report-bot’s 5 statements are settled'));
    expect(buttonsOf(list.blocks)).toEqual([]);
  });

  test('another agent’s hold is a card of its own meanwhile', async () => {
    const scene = await aScene({ way: 'http', config: { digestFrom: 2 } });
    for (let at = 0; at < 4; at++) await held(scene.proxy, { sql: `select email from customers where id = ${at}` });
    await held(scene.proxy, { asker: anAsker({ agent: 'other-bot' }) });
    await waitFor('the card', () =>
      scene.slack.cards(gateChannel).some((each) => read(each).startsWith('other-bot wants')),
    );
  });
});

describe.each(['socket', 'http'] as const)('over %s', (way) => {
  test('the home page shows what waits for me, changes with it, and keeps what I decided', async () => {
    const scene = await aScene({ way });
    const first = await held(scene.proxy, { sql: 'select 1' });
    await scene.person('UBEN').openHome();
    const home = () => readable(scene.slack.homes.get('UBEN'));
    await waitFor('the queue', () => home().startsWith('1 waiting for you'));
    await held(scene.proxy, { sql: 'select 2' });
    await waitFor('the second', () => home().startsWith('2 waiting for you'));
    await scene.proxy.desk.vote(first.hold.id, aVote({ vote: 'deny', reason: 'no' }));
    await waitFor('the past', () => home().startsWith('1 waiting for you') && home().includes('ben denied'));
  });

  test('the home page of a stranger shows nothing', async () => {
    const scene = await aScene({ way });
    await held(scene.proxy);
    await scene.person('UEVE').openHome();
    await waitFor('the page', () => readable(scene.slack.homes.get('UEVE')).includes('not in approvers.yaml'));
  });

  test('a hold reviewed from the home page is decided in its dialog', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const ben = scene.person('UBEN');
    await ben.openHome();
    const home = await waitFor('the page', () => scene.slack.homes.get('UBEN'));
    await ben.clickIn({ id: 'VHOME', user: 'UBEN', view: home }, actionIds.review);
    const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
    await ben.clickIn(dialog, actionIds.once);
    expect(await within('the answer', waiting.answer)).toMatchObject({ kind: 'released', by: ['ben'] });
    expect(read(await scene.card('DBEN'))).toContain('Approved by ben');
  });

  test('/countersign lists, shows and explains to approvers, and to nobody else', async () => {
    const scene = await aScene({
      way,
      parts: {
        explain: async ({ agent, database, sql }) => {
          if (agent === 'nobody') throw new ProxyError('NOT_FOUND', 'there is no such agent');
          return [`hold for ${agent} on ${database}`, `\`\`\`<!channel> ${sql}`];
        },
      },
    });
    const waiting = await held(scene.proxy);
    const ben = scene.person('UBEN');
    const ask = async (text: string) => readable((await ben.command(text)).ack['blocks']);
    expect(await ask('list')).toContain(waiting.hold.id);
    const shown = (await ben.command(`show ${waiting.hold.id}`)).ack;
    expect(buttonsOf(shown['blocks'] as never)).toHaveLength(6);
    expect(await ask('show h_00000000000000000000')).toContain('no such hold');
    expect(await ask('explain report-bot shop select 1 -- *x*')).toBe(
      'hold for report-bot on shop\n```<!channel> select 1 -- *x*',
    );
    expect(await ask('explain nobody shop select 1')).toContain('there is no such agent');
    expect(await ask('explain report-bot')).toContain('/countersign explain AGENT DATABASE SQL');
    expect(await ask('')).toContain('/countersign list');
    const stranger = readable((await scene.person('UEVE').command('list')).ack['blocks']);
    expect(stranger).toContain('not in approvers.yaml');
    expect(stranger).not.toContain(waiting.hold.id);
  });
});

test('a level that demands the console is not decided by a click, not even one on an older card', async () => {
  const files = aCatalog();
  const levelByName = new Map([...files.levelByName]);
  const scene = await aScene({ way: 'http', files: { ...files, levelByName } });
  const waiting = await held(scene.proxy);
  const card = await scene.card();
  const click = scene.person('UBEN').clickOf(card, actionIds.once);
  const level = levelByName.get('restricted');
  if (level === undefined) throw new Error('no level');
  levelByName.set('restricted', { ...level, stepUp: 'console' });
  await scene.person('UBEN').send(click);
  const told = await waitFor('the answer', () => scene.slack.ephemerals.at(-1));
  expect(told['text']).toContain('decided in the console: https://gate.example.com/holds/');
  expect(await scene.proxy.desk.find(waiting.hold.id)).toMatchObject({ state: 'open', votes: [] });
});
