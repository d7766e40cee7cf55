// Goal: a yes takes what the strictest level of what is touched demands, and what cannot be told takes the most.
// Method: levels, columns and reasons as rows; the pure function alone.
import { describe, expect, test } from 'vitest';
import { stepUpOf, type StepUpNeed } from '../../src/approval/step-up.ts';
import type { HeldReason } from '../../src/approval/hold.ts';
import { aCatalog, aColumn } from './fixtures.ts';

const levels = new Map(aCatalog().levelByName);
for (const [name, stepUp] of [
  ['confidential', 'console'],
  ['restricted', 'passkey'],
] as const) {
  const level = levels.get(name);
  if (level !== undefined) levels.set(name, { ...level, stepUp });
}

const reasonOf = (action: HeldReason['action']): HeldReason => {
  return { action, rule: 'r', words: 'w', place: undefined, columns: [] };
};

const rows: readonly (readonly [string, readonly string[], HeldReason['action'], StepUpNeed])[] = [
  ['a level that demands nothing', ['internal'], 'read', 'none'],
  ['a level that demands the console', ['confidential', 'internal'], 'read', 'console'],
  ['a level that demands a passkey, beside others', ['public', 'restricted', 'confidential'], 'read', 'passkey'],
  ['no columns at all', [], 'schema', 'none'],
  ['a statement that is not understood', [], 'notKnown', 'passkey'],
  ['a statement that is understood in part', ['public'], 'notKnown', 'passkey'],
  ['a level that is gone from the files', ['gone'], 'read', 'passkey'],
];

describe('what a yes takes', () => {
  test.each(rows)('%s', (_, names, action, expected) => {
    const columns = names.map((level) => aColumn('email', { level }));
    expect(stepUpOf({ columns, reasons: [reasonOf(action)] }, levels)).toBe(expected);
  });

  test('nothing where no level demands anything, understood or not', () => {
    const plain = aCatalog().levelByName;
    expect(stepUpOf({ columns: [], reasons: [reasonOf('notKnown')] }, plain)).toBe('none');
  });
});
