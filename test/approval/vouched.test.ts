// Goal: the word of an identity provider adds a group to somebody of the files, for a while, and can do nothing else.
// Method: people, votes and moments as rows; the pure functions alone.
import { describe, expect, test } from 'vitest';
import type { UnixMillis } from '../../src/core/brand.ts';
import { isEnough, standingOf, withVouched } from '../../src/approval/approvers.ts';
import type { CastVote } from '../../src/approval/hold.ts';
import { aCatalog } from './fixtures.ts';

const now = 1_000_000 as UnixMillis;
const later = (now + 1) as UnixMillis;
const needs = [{ groups: ['security'], quorum: 2 }] as const;

function aYes(person: string, groups?: readonly string[], until: UnixMillis = later): CastVote {
  const vouched = groups === undefined ? {} : { vouched: { groups, until } };
  return {
    person,
    vote: 'approve',
    channel: 'console',
    reason: undefined,
    terms: undefined,
    link: undefined,
    at: now,
    ...vouched,
  };
}

function enough(votes: readonly CastVote[], owners: readonly string[]): boolean {
  const crowd = { people: withVouched(aCatalog(), votes, now), owners };
  return isEnough(
    needs,
    crowd,
    votes.map(({ person }) => person),
  );
}

// By the files ana is in data-owners only; ben, cleo and dan are in security.
const rows: readonly (readonly [string, readonly CastVote[], boolean, readonly string[]])[] = [
  ['one of the files and one that is vouched for', [aYes('ben'), aYes('ana', ['security'])], true, []],
  ['one of the files and one that nobody vouches for', [aYes('ben'), aYes('ana')], false, []],
  ['a word that is over', [aYes('ben'), aYes('ana', ['security'], now)], false, []],
  ['a word about another group', [aYes('ben'), aYes('ana', ['operators'])], false, []],
  ['somebody who is not in the files', [aYes('ben'), aYes('mallory', ['security'])], false, []],
  ['one person by files and by word', [aYes('ben', ['security']), aYes('ben', ['security'])], false, []],
  ['the owner, vouched for', [aYes('ben'), aYes('ana', ['security'])], false, ['ana@example.com']],
];

describe('two of security are asked, and get', () => {
  test.each(rows)('%s', (_, votes, expected, owners) => expect(enough(votes, owners)).toBe(expected));
});

test('somebody vouched for may vote, and may not any more when the word is over', () => {
  const standing = (until: UnixMillis): string => {
    const people = withVouched(aCatalog(), [aYes('ana', ['security'], until)], now);
    return standingOf('ana', needs, { people, owners: ['zoe'] }).kind;
  };
  expect([standing(later), standing(now)]).toEqual(['approver', 'none']);
});

test('what stands in the files is not changed by it', () => {
  const files = aCatalog();
  withVouched(files, [aYes('ana', ['security'])], now);
  expect(files.groups.get('security')).toEqual(['ben', 'cleo', 'dan']);
});
