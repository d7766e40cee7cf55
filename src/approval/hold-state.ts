// A hold's life as a table, and the steps that change it. Pure: the clock comes in, and a step may be tried twice, since a change
// of shared state is tried again when somebody else was faster.
//
//   open ──approved──▶ approved ──used──▶ used
//     ├──denied────▶ denied        (one denial settles it)
//     ├──expired───▶ expired       (nobody decided; never an approval)
//     └──withdrawn─▶ withdrawn     (everybody who waited has gone, and nobody was told to come back)
//
// What is settled stays settled: no vote, no clock and no leaving moves it, and only an approval can be used.
import type { NonEmpty, UnixMillis } from '../core/brand.ts';
import type { CastVote, HoldLife, HoldState, Settlement, Waiter } from './hold.ts';
import { narrowest, once } from './terms.ts';

export type HoldEvent = 'voted' | 'approved' | 'denied' | 'expired' | 'withdrawn' | 'used';

type Step = { readonly kind: 'moved'; readonly to: HoldState } | { readonly kind: 'stays'; readonly why: string };

const wrong: Step = { kind: 'stays', why: 'cannot happen here' };
const stays = (why: string): Step => ({ kind: 'stays', why });
const to = (state: HoldState): Step => ({ kind: 'moved', to: state });

const settledAlready = stays('settled already');
const settledFor = (used: Step): Readonly<Record<HoldEvent, Step>> => ({
  voted: settledAlready,
  approved: settledAlready,
  denied: settledAlready,
  expired: settledAlready,
  withdrawn: settledAlready,
  used,
});

export const holdMoves: Readonly<Record<HoldState, Readonly<Record<HoldEvent, Step>>>> = {
  open: {
    voted: stays('more people are asked'),
    approved: to('approved'),
    denied: to('denied'),
    expired: to('expired'),
    withdrawn: to('withdrawn'),
    used: wrong,
  },
  approved: settledFor(to('used')),
  used: settledFor(stays('everybody who waited is released once')),
  denied: settledFor(wrong),
  expired: settledFor(wrong),
  withdrawn: settledFor(wrong),
};

export function isImpossible(step: Step): boolean {
  return step === wrong;
}

/** Computed, never stored. An open hold whose time is over has expired, whether or not somebody has written it down. */
export function stateOf(life: HoldLife, now: UnixMillis): HoldState {
  if (life.settled === undefined) return now >= life.openUntil ? 'expired' : 'open';
  return life.settled.state === 'approved' && life.uses > 0 ? 'used' : life.settled.state;
}

/** Everything that happened stands in the record: now it may take effect. */
export function isRecorded({ recorded, votes, settled }: HoldLife): boolean {
  return recorded.held && recorded.votes === votes.length && (settled === undefined || recorded.settled);
}

export function markRecorded(life: HoldLife): HoldLife {
  return { ...life, recorded: { held: true, votes: life.votes.length, settled: life.settled !== undefined } };
}

export function joined(life: HoldLife, waiter: Waiter): HoldLife | 'settled' {
  return life.settled === undefined ? { ...life, waiters: [...life.waiters, waiter] } : 'settled';
}

/** The last vote of each person: one human, one vote, and it may be changed until the hold is settled. */
export function votesInForce(votes: readonly CastVote[]): readonly CastVote[] {
  return [...new Map(votes.map((vote) => [vote.person, vote])).values()];
}

export interface Ballot {
  readonly vote: CastVote;
  /** Whether these people together are enough, by the files in force. */
  readonly enough: (approvers: readonly string[]) => boolean;
}

/** With one vote more; settled when it was the one that was missing, or a denial. */
export function withVote(life: HoldLife, { vote, enough }: Ballot): HoldLife | 'settled' {
  if (stateOf(life, vote.at) !== 'open') return 'settled';
  const votes = [...life.votes, vote];
  if (vote.vote === 'deny') {
    return {
      ...life,
      votes,
      settled: { state: 'denied', at: vote.at, by: [vote.person], terms: undefined, reason: vote.reason },
    };
  }
  const approvals = votesInForce(votes).filter((each) => each.vote === 'approve');
  const people = approvals.map((each) => each.person);
  if (!enough(people)) return { ...life, votes };
  const [first = once, ...more] = approvals.map((each) => each.terms ?? once);
  const chosen: NonEmpty<typeof first> = [first, ...more];
  return {
    ...life,
    votes,
    settled: { state: 'approved', at: vote.at, by: people, terms: narrowest(chosen), reason: undefined },
  };
}

export function expired(life: HoldLife, now: UnixMillis): HoldLife | 'settled' | 'early' {
  if (life.settled !== undefined) return 'settled';
  if (now < life.openUntil) return 'early';
  return { ...life, settled: plainly('expired', now) };
}

/** Its wait ran out: the hold stays open for a late decision. */
export function timedOut(life: HoldLife, waiter: string): HoldLife {
  return { ...without(life, [waiter]), timedOut: true };
}

/**
 * Cancelled, or gone. With nobody left who waits, and nobody who was told to come back, there is nothing to decide any more. A
 * waiter of a proxy that died is there until its time is over, and then counts as one that was told to come back.
 */
export function left(life: HoldLife, waiter: string, now: UnixMillis): HoldLife {
  const rest = without(life, [waiter]);
  if (stateOf(rest, now) !== 'open' || rest.timedOut || rest.waiters.length > 0) return rest;
  return { ...rest, settled: plainly('withdrawn', now) };
}

/** Nobody could use it any more: its agent, or the agent's way to the database, was taken away. */
export function recalled(life: HoldLife, now: UnixMillis): HoldLife | 'settled' {
  if (stateOf(life, now) !== 'open') return 'settled';
  return { ...life, waiters: [], settled: plainly('withdrawn', now) };
}

/** Those of `ids` that waited when it was approved: one decision releases each of them once. */
export function entitled(life: HoldLife, ids: readonly string[]): readonly string[] {
  const { settled } = life;
  // A proxy that is slow may still have a waiter whose time was over, and whose approval somebody else has used since.
  if (settled?.state !== 'approved' || life.granted) return [];
  return life.waiters.filter(({ id, until }) => ids.includes(id) && settled.at <= until).map(({ id }) => id);
}

export function used(life: HoldLife, ids: readonly string[]): HoldLife {
  return { ...without(life, ids), uses: life.uses + ids.length };
}

/** With the uses that somebody knows of, where the state has forgotten them: what was released is released. */
export function usedAtLeast(life: HoldLife, uses: number): HoldLife {
  return life.uses >= uses ? life : { ...life, waiters: [], uses, granted: true };
}

/** When an approval that nobody waited for stops being good. */
export function grantUntil(life: HoldLife): UnixMillis | undefined {
  const { settled } = life;
  return settled?.state === 'approved' ? ((settled.at + life.grantMs) as UnixMillis) : undefined;
}

/** Approved too late for the wire: good once for the same thing asked again. Never while somebody who waited may still use it. */
export function canBeGranted(life: HoldLife, now: UnixMillis): boolean {
  const until = grantUntil(life);
  if (until === undefined || now >= until || life.uses > 0 || !life.recorded.settled) return false;
  return life.waiters.every((waiter) => waiter.until < now);
}

export function granted(life: HoldLife): HoldLife {
  return { ...life, uses: life.uses + 1, granted: true };
}

function plainly(state: 'expired' | 'withdrawn', at: UnixMillis): Settlement {
  return { state, at, by: [], terms: undefined, reason: undefined };
}

function without(life: HoldLife, ids: readonly string[]): HoldLife {
  return { ...life, waiters: life.waiters.filter(({ id }) => !ids.includes(id)) };
}
