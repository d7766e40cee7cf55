// What happened to a hold, in order. Pure.
import type { UnixMillis } from '../../core/brand.ts';
import { outcomeText, timeText, voteText } from '../../approval/card.ts';
import { countText } from '../../approval/terms.ts';
import type { HoldView } from '../../approval/view.ts';
import { markup, type Markup } from './markup.ts';
import { timeTag } from './words.ts';

export function timeline(view: HoldView): Markup {
  return markup`<ol class="timeline">${eventsOf(view).map(
    ({ at, words }) =>
      markup`<li>${at === undefined ? markup`<span class="dim">now</span>` : timeTag(at)}<span>${words}</span></li>`,
  )}</ol>`;
}

interface Happened {
  /** Undefined: it is so now. */
  readonly at: UnixMillis | undefined;
  readonly words: string;
}

function eventsOf(view: HoldView): readonly Happened[] {
  const votes = view.votes.map((vote) => ({ at: vote.at, words: voteText(vote) }));
  const outcome = outcomeText(view);
  const settled = outcome === undefined ? [] : [{ at: view.settled?.at, words: outcome }];
  const waiting =
    view.waiting === 0 ? [] : [{ at: undefined, words: `${countText(view.waiting, 'connection')} waiting` }];
  const grant = view.state === 'approved' && view.uses === 0 && !view.lapsed ? view.grantUntil : undefined;
  return [
    { at: view.askedAt, words: `${view.agent} asked` },
    ...votes.toSorted((a, b) => a.at - b.at),
    ...settled,
    ...waiting,
    ...(grant === undefined ? [] : [{ at: undefined, words: `good until ${timeText(grant)}` }]),
  ];
}
