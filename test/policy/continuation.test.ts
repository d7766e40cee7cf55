// Goal: in the middle of a stream the right people are asked the right question, and never is the answer yes by itself.
// Method: analyses by hand against the sample folder and budgets; the words are compared whole.
import { describe, expect, test } from 'vitest';
import { allClaims } from '../../src/policy/budget.ts';
import { continuationVerdict, type Stopped } from '../../src/policy/continuation.ts';
import { sample } from '../catalog/sample.ts';
import { anAnalysis, anAsker, read } from './statements.ts';

const levelStop: Stopped = { rowsSent: 10_000, bytesSent: 700_000, rowsWished: 100_000, budget: undefined };
const budgets = 'version: 1\nbudgets:\n  - { level: confidential+, rows: 500, per: 1d }\n';

function asked(policy: string | undefined, stopped: Stopped, ...names: readonly string[]): string {
  const classification = sample(policy === undefined ? {} : { 'policy.yaml': policy });
  const analysis = anAnalysis({ reads: names.map((name) => read(name)) });
  const verdict = continuationVerdict([analysis], { classification, asker: anAsker(), now: 0 }, stopped);
  const [reason] = verdict.reasons;
  const needs =
    verdict.kind === 'hold' ? verdict.needs.map(({ groups, quorum }) => `${groups.join('|')}×${quorum}`) : [];
  return [verdict.kind, reason.rule, reason.words, ...needs].join('; ');
}

describe('going on', () => {
  test('beyond a level’s rows is asked of the level’s people', () => {
    expect(asked(undefined, levelStop, 'public.customers.id', 'public.customers.email')).toBe(
      'hold; no policy: large; 10,000 rows were sent and more are there; a yes lets it go on to 100,000; security×2',
    );
  });

  test('says how many bytes there were when they were many', () => {
    const stopped = { ...levelStop, rowsSent: 1, bytesSent: 12_345_678 };
    expect(asked(undefined, stopped, 'public.customers.email')).toContain('1 row (12 MB) was sent');
  });

  test('is refused where the policy says that large results are', () => {
    expect(asked('version: 1\ndefaults: { large: deny }\n', levelStop, 'public.customers.email')).toBe(
      'deny; default: large; 10,000 rows were sent and more are there; a yes lets it go on to 100,000',
    );
  });

  test('beyond a budget is asked of the people of the budget’s columns', () => {
    const { catalog, policy } = sample({ 'policy.yaml': budgets });
    const [claim] = allClaims({ catalog, policy }, 'report-bot');
    if (claim === undefined) throw new Error('no budget');
    const classification = { catalog, policy };
    const analysis = anAnalysis({ reads: [read('public.customers.id'), read('public.customers.email')] });
    const verdict = continuationVerdict(
      [analysis],
      { classification, asker: anAsker(), now: 0 },
      {
        ...levelStop,
        rowsWished: 500,
        budget: { claim, used: 500, rowsMax: 500 },
      },
    );
    expect(verdict.kind).toBe('hold');
    expect(verdict.reasons[0]).toMatchObject({
      rule: 'budget confidential+',
      words: 'report-bot has used its budget of confidential+: 500 of 500 rows in 1d; a yes adds 500 rows',
      place: { line: 3 },
    });
    expect(verdict.columns.map(({ column }) => column.column)).toEqual(['email']);
  });

  test('of a statement of which no column is known is asked of the strictest level’s people', () => {
    expect(asked(undefined, levelStop)).toMatch(/^hold; .*; security×2$/);
  });
});
