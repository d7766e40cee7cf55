// Goal: approvers add rows to a budget from its card in Slack, and nobody else does; every click is one decision on the record.
// Method: the real desk of budgets behind the real bolt and a Slack on loopback, in both of bolt's modes.
import { describe, expect, test } from 'vitest';
import { BudgetDesk } from '../../src/approval/budgets.ts';
import { actionIds } from '../../src/channels/slack-card.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Purses } from '../../src/policy/budget-purse.ts';
import { aProxy } from '../approval/fixtures.ts';
import { sample } from '../catalog/sample.ts';
import { aJournal } from '../store/fixtures.ts';
import { buttonsOf } from '../support/slack/person.ts';
import { waitFor } from '../support/wait.ts';
import { aScene, held, read } from './slack-scene.ts';

const classification = sample({
  'approvers.yaml': `version: 1
approvers:
  ana: { email: ana@example.com, slack: UANA, groups: [data-owners, security, crm] }
  ben: { email: ben@example.com, slack: UBEN, groups: [data-owners, security, crm] }
  cleo: { email: cleo@example.com, slack: UCLEO, groups: [data-owners] }
`,
  'policy.yaml': `version: 1
budgets:
  - { level: restricted, rows: 100, per: 1d }
`,
});

async function aBudgetScene(way: 'socket' | 'http') {
  const store = await aJournal();
  const purses = new Purses(store, systemClock);
  const proxy = aProxy({
    store,
    catalog: () => classification.catalog,
    budgetLines: (request) => budgets.lines(request.asker.agent, ['restricted']),
  });
  const budgets: BudgetDesk = new BudgetDesk({
    ...{ store, purses, clock: systemClock, recorder: proxy.audit, classification: () => classification },
    ...{ ownerOf: () => 'ana', holdFacts: (id) => proxy.desk.openFacts(id) },
  });
  const scene = await aScene({ way, store, proxy, files: classification.catalog, parts: { budgets } });
  await held(proxy);
  const card = await scene.card();
  const topUps = () => proxy.records().filter((each) => each.kind === 'budget');
  return { scene, card, budgets, topUps };
}

const typed = (rows: string, reason?: string): Readonly<Record<string, string>> => ({
  cs_budget: JSON.stringify(['restricted', '1d']),
  cs_budget_rows: rows,
  ...(reason === undefined ? {} : { cs_budget_reason: reason }),
});

describe.each(['socket', 'http'] as const)('over %s', (way) => {
  test('an approver adds rows; the card said what was left, the dialog says it again', async () => {
    const { scene, card, budgets, topUps } = await aBudgetScene(way);
    expect(read(card)).toContain('budget restricted: 0 of 100 rows used in 1d, 100 left');
    expect(buttonsOf(card.blocks).map((each) => each['action_id'])).toContain(actionIds.budget);
    const ben = scene.person('UBEN');
    await ben.click(card, actionIds.budget);
    const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
    expect(JSON.stringify(dialog)).toContain('restricted, 100 of 100 rows left in 1d');
    const wrong = await ben.submit(dialog, typed('0'));
    expect(wrong.ack).toMatchObject({ response_action: 'errors', errors: { cs_budget_rows: expect.any(String) } });
    await ben.submit(dialog, typed('50', 'month end'));
    const [record] = await waitFor('the record', () => (topUps().length > 0 ? topUps() : undefined));
    expect(record).toMatchObject({
      ...{ state: 'approved', agent: 'report-bot', owner: 'ana', level: 'restricted', per: '1d', rows: 50 },
      ...{ by: ['ben'], channel: 'slack', reason: 'month end' },
    });
    await waitFor('the word to ben', () =>
      scene.slack.ephemerals.some((each) => JSON.stringify(each).includes('report-bot may read 50 rows more')),
    );
    expect(await budgets.of('report-bot')).toMatchObject([{ rowsMax: 150, added: 50 }]);
  });

  test('on a card that is settled nobody adds anything', async () => {
    const { scene, card, budgets, topUps } = await aBudgetScene(way);
    const ben = scene.person('UBEN');
    await ben.click(card, actionIds.budget);
    const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
    await ben.click(card, actionIds.once);
    await waitFor('the yes', () => read(card).includes('Approved'));
    await ben.submit(dialog, typed('50'));
    await waitFor('the word to ben', () =>
      scene.slack.ephemerals.some((each) => JSON.stringify(each).includes('no open hold')),
    );
    expect(topUps()).toEqual([]);
    expect(await budgets.of('report-bot')).toMatchObject([{ rowsMax: 100 }]);
  });

  test.each([
    ['the agent’s owner', 'UANA'],
    ['somebody who is not asked', 'UCLEO'],
    ['somebody who is no approver', 'UDAN'],
  ])('%s adds nothing', async (_, id) => {
    const { scene, card, budgets, topUps } = await aBudgetScene(way);
    await scene.person('UBEN').click(card, actionIds.budget);
    const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
    await scene.person(id).submit(dialog, typed('50'));
    await waitFor('the word', () => scene.slack.ephemerals.length > 0);
    expect(topUps()).toEqual([]);
    expect(await budgets.of('report-bot')).toMatchObject([{ rowsMax: 100 }]);
  });
});
