// Goal: a hold becomes a card, people decide it by a click, and everybody sees what came of it; in both of bolt's modes.
// Method: the real desk and the real bolt against a Slack on loopback; every case runs over the socket and over signed requests.
import { describe, expect, test } from 'vitest';
import { actionIds } from '../../src/channels/slack-card.ts';
import { aVote } from '../approval/fixtures.ts';
import { buttonsOf } from '../support/slack/person.ts';
import { waitFor, within } from '../support/wait.ts';
import { aScene, gateChannel, held, read } from './slack-scene.ts';

describe.each(['socket', 'http'] as const)('over %s', (way) => {
  test('a hold is a card, and one click of an approver releases it', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    expect(read(card)).toContain('report-bot wants 1 restricted column · shop');
    expect(read(card)).toContain('select email');
    expect(card.metadata).toEqual({
      event_type: 'countersign_hold',
      event_payload: { id: waiting.hold.id, part: 'card' },
    });
    await scene.person('UBEN').click(card, actionIds.once);
    const answer = await within('the answer', waiting.answer);
    expect(answer).toMatchObject({ kind: 'released', by: ['ben'], terms: { kind: 'once' } });
    await waitFor('the edited card', () => read(card).includes('Approved and run'));
    expect(buttonsOf(card.blocks).map((each) => each['action_id'])).toEqual([actionIds.open]);
    const votes = scene.proxy.records().filter((each) => each.kind === 'voted');
    expect(votes).toMatchObject([{ person: 'ben', vote: 'approve', channel: 'slack' }]);
    expect(votes[0]).toMatchObject({ link: expect.stringContaining(`/archives/${gateChannel}/p`) });
  });

  test('a vote is told in the thread, and the agent’s owner gets the outcome alone', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    await scene.person('UBEN').click(card, actionIds.once);
    await within('the answer', waiting.answer);
    await waitFor('the replies', () => scene.slack.replies(card).length >= 2);
    expect(scene.slack.replies(card).map(read).join('\n')).toMatch(
      /ben approved \(once\), by slack[\s\S]*Approved by ben/,
    );
    const word = await scene.card('DANA');
    expect(read(word)).toContain('report-bot, which acts for you');
    expect(read(word)).toContain('Approved by ben');
    expect(buttonsOf(word.blocks)).toEqual([]);
  });

  test('a denial asks for its reason, and the agent gets it', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    const ben = scene.person('UBEN');
    await ben.click(card, actionIds.deny);
    const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
    const empty = await ben.submit(dialog, { cs_reason: '  \n ' });
    expect(empty.ack).toMatchObject({ response_action: 'errors', errors: { cs_reason: 'A denial needs a reason.' } });
    expect((await scene.proxy.desk.find(waiting.hold.id))?.state).toBe('open');
    await ben.submit(dialog, { cs_reason: 'ask for the aggregate instead' });
    const answer = await within('the answer', waiting.answer);
    expect(answer).toMatchObject({ kind: 'denied', by: ['ben'], reason: 'ask for the aggregate instead' });
    await waitFor('the edited card', () => read(card).includes('ask for the aggregate instead'));
  });

  test('first rows are approved with the number that the button showed', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    await scene.person('UBEN').click(card, actionIds.rows);
    const answer = await within('the answer', waiting.answer);
    expect(answer).toMatchObject({ kind: 'released', terms: { kind: 'rows', rowsMax: 100 } });
  });

  test('masked is approved by its button, which says what is shown instead', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    expect(read(card)).toContain('with public.customers.email (the shape of an address: a***@e***.com) in place of');
    await scene.person('UBEN').click(card, actionIds.masked);
    const answer = await within('the answer', waiting.answer);
    expect(answer).toMatchObject({ kind: 'released', terms: { kind: 'masked' } });
    await waitFor('the edited card', () => read(card).includes('once, masked'));
  });

  test('a shape is approved with the time, uses and rows of the dialog', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    const ben = scene.person('UBEN');
    await ben.click(card, actionIds.shape);
    const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
    const wrong = await ben.submit(dialog, { cs_for: '3600000', cs_uses: '0', cs_rows_each: 'many' });
    expect(Object.keys(wrong.ack['errors'] ?? {})).toEqual(['cs_uses', 'cs_rows_each']);
    await ben.submit(dialog, { cs_for: '3600000', cs_uses: '3', cs_rows_each: '50' });
    const answer = await within('the answer', waiting.answer);
    const terms = { kind: 'shape', forMs: 3_600_000, usesMax: 3, rowsMax: 50 };
    expect(answer).toMatchObject({ kind: 'released', terms });
  });

  const strangers = [
    ['nobody in approvers.yaml', 'UEVE', undefined, 'not in approvers.yaml'],
    ['the agent’s own owner', 'UANA', undefined, 'Nothing was changed'],
    ['somebody of another workspace', 'UBEN', 'T0OTHER', 'Only members of this very workspace'],
  ] as const;
  test.each(strangers)('a click by %s is answered to them alone and changes nothing', async (_, id, team, words) => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    await scene.person(id, team).click(card, actionIds.once);
    const told = await waitFor('the answer', () => scene.slack.ephemerals.at(-1));
    expect(told).toMatchObject({ channel: gateChannel, user: id, text: expect.stringContaining(words) });
    expect(await scene.proxy.desk.find(waiting.hold.id)).toMatchObject({ state: 'open', votes: [] });
    expect(scene.slack.replies(card)).toEqual([]);
  });

  test.each([
    ['a bot', { is_bot: true }, 'Programs do not decide'],
    ['a guest', { is_restricted: true }, 'Guests do not decide'],
    ['a single-channel guest', { is_ultra_restricted: true }, 'Guests do not decide'],
    ['a stranger of a shared channel', { is_stranger: true }, 'Guests do not decide'],
    ['a deactivated account', { deleted: true }, 'no such account'],
  ])('a click by %s changes nothing, though the id is in approvers.yaml', async (_, more, words) => {
    const scene = await aScene({ way });
    scene.slack.users.set('UBEN', { id: 'UBEN', team_id: 'T0TEAM', name: 'ben', ...more });
    const waiting = await held(scene.proxy);
    await scene.person('UBEN').click(await scene.card(), actionIds.once);
    const told = await waitFor('the answer', () => scene.slack.ephemerals.at(-1));
    expect(told['text']).toContain(words);
    expect(await scene.proxy.desk.find(waiting.hold.id)).toMatchObject({ state: 'open', votes: [] });
  });

  test('a vote cast elsewhere edits the card, and a later click hears who was faster', async () => {
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy);
    const card = await scene.card();
    const click = scene.person('UBEN').clickOf(card, actionIds.once);
    await scene.proxy.desk.vote(
      waiting.hold.id,
      aVote({ person: 'cleo', vote: 'deny', reason: 'no need', channel: 'console' }),
    );
    await waitFor('the edited card', () => read(card).includes('Denied by cleo'));
    await scene.person('UBEN').send(click);
    const told = await waitFor('the answer', () => scene.slack.ephemerals.at(-1));
    expect(told['text']).toContain('Somebody was faster');
  });

  test('the same click sent twice counts once, also after the person changed their mind', async () => {
    const needs = [{ groups: ['security'], quorum: 2 }] as const;
    const scene = await aScene({ way });
    const waiting = await held(scene.proxy, { needs });
    const card = await scene.card();
    const click = scene.person('UBEN').clickOf(card, actionIds.once);
    await scene.person('UBEN').send(click);
    const votes = async () => (await scene.proxy.desk.find(waiting.hold.id))?.votes ?? [];
    await waitFor('the vote', async () => (await votes()).length === 1);
    await scene.person('UCLEO').click(card, actionIds.once);
    await within('the answer', waiting.answer);
    await scene.person('UBEN').send({ ...click, trigger_id: 'another' });
    await waitFor('the repetition', async () => /clicks_total\{result="repeated"\} 1/.test(await scene.metrics()));
    expect(await votes()).toHaveLength(2);
  });
});
