// Who may decide a hold, by the files in force at that moment: a person taken out of them while the hold is open no longer counts,
// and the agent's owner never does, under whatever name the config knows them.
import type { Approver, Catalog } from '../catalog/catalog.ts';
import { standsBehind } from '../catalog/owner-names.ts';
import type { UnixMillis } from '../core/brand.ts';
import type { CastVote } from './hold.ts';
import type { Need } from '../policy/verdict.ts';

export type People = Pick<Catalog, 'approvers' | 'groups'>;

export interface Crowd {
  readonly people: People;
  /** The owner when it was asked, and the one in the config now: neither may decide. */
  readonly owners: readonly string[];
}

/**
 * With the groups that an identity provider vouches somebody for, while its word is fresh. It adds to what the files say of people who are
 * in the files: nobody comes in by it who is not, and nobody stops being an owner.
 */
export function withVouched(people: People, votes: readonly CastVote[], now: UnixMillis): People {
  const fresh = votes.flatMap(({ person, vouched }) =>
    vouched !== undefined && vouched.until > now ? vouched.groups.map((group) => ({ person, group })) : [],
  );
  if (fresh.length === 0) return people;
  const groups = new Map(people.groups);
  for (const { person, group } of fresh) {
    if (people.approvers.has(person)) groups.set(group, [...new Set([...(groups.get(group) ?? []), person])]);
  }
  return { approvers: people.approvers, groups };
}

function isOwner({ approver, crowd }: { readonly approver: Approver; readonly crowd: Crowd }): boolean {
  const groups = [...crowd.people.groups]
    .filter(([, people]) => people.includes(approver.name))
    .map(([group]) => group);
  return crowd.owners.some((owner) => standsBehind(owner, approver, groups));
}

/** May approve this need now. */
export function approversOf(need: Need, crowd: Crowd): readonly Approver[] {
  const { people } = crowd;
  const names = new Set(need.groups.flatMap((group) => people.groups.get(group) ?? []));
  return [...names]
    .map((name) => people.approvers.get(name))
    .filter((approver) => approver !== undefined)
    .filter((approver) => !isOwner({ approver, crowd }));
}

/**
 * Each need is a question of its own to its groups, answered by `quorum` different people of them. Somebody in two groups answers
 * both questions with one vote, but never counts twice towards one quorum, however many of its groups they are in.
 */
export function isEnough(needs: readonly Need[], crowd: Crowd, approvedBy: readonly string[]): boolean {
  const yes = new Set(approvedBy);
  return needs.every((need) => approversOf(need, crowd).filter(({ name }) => yes.has(name)).length >= need.quorum);
}

export type Standing = { readonly kind: 'approver' } | { readonly kind: 'none'; readonly words: string };

/** Whether this person may vote on these needs at all. */
export function standingOf(person: string, needs: readonly Need[], crowd: Crowd): Standing {
  const approver = crowd.people.approvers.get(person);
  if (approver === undefined) return { kind: 'none', words: 'this person is not in approvers.yaml' };
  if (isOwner({ approver, crowd })) {
    return { kind: 'none', words: 'the owner of an agent never decides about its statements' };
  }
  const isIn = (group: string): boolean => crowd.people.groups.get(group)?.includes(person) === true;
  const isAsked = needs.some((need) => need.groups.some(isIn));
  if (isAsked) return { kind: 'approver' };
  const groups = [...new Set(needs.flatMap((need) => need.groups))].join(', ');
  return { kind: 'none', words: `this hold asks ${groups}; this person is in none of these groups` };
}
