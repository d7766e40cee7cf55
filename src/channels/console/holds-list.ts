// The inbox: what waits for this person, what waits for others, and what was settled lately.
import { byLevel, headline, needText, reasonLines } from '../../approval/card.ts';
import type { HoldView } from '../../approval/view.ts';
import type { Visitor } from './door.ts';
import { emptyState, page, type Notice } from './layout.ts';
import { markup, type Markup } from './markup.ts';
import { deadline, levelBadge, stateBadge, timeTag } from './words.ts';

export interface InboxParts {
  readonly visitor: Visitor;
  readonly open: readonly HoldView[];
  readonly settled: readonly HoldView[];
  readonly levels: number;
  readonly notice: Notice | undefined;
}

/** By the files, or by the identity provider's word. The desk looks again, and knows the owner under every name. */
export function mayVote({ name: person, vouched }: Visitor, { needs, owner }: HoldView): boolean {
  return needs.some(({ approvers, groups }) => {
    const isVouched = person !== owner && groups.some((group) => vouched?.groups.includes(group));
    return isVouched || approvers.some(({ name }) => name === person);
  });
}

/** May vote on it, and has not yet. */
export function waitsFor(visitor: Visitor, view: HoldView): boolean {
  return view.state === 'open' && mayVote(visitor, view) && !view.votes.some(({ person }) => person === visitor.name);
}

export function inboxPage({ visitor, open, settled, levels, notice }: InboxParts): Markup {
  const mine = open.filter((view) => waitsFor(visitor, view));
  const others = open.filter((view) => !waitsFor(visitor, view));
  return page({
    title: mine.length === 0 ? 'Inbox' : `(${mine.length}) Inbox`,
    visitor,
    section: 'inbox',
    notice,
    live: { on: 'holds', everySeconds: 15 },
    main: markup`<h1>Inbox</h1>
<section data-live="mine" aria-labelledby="mine"><h2 id="mine">Waiting for you <span class="count">${mine.length}</span></h2>
${
  mine.length === 0
    ? emptyState(
        'Nothing waits for you',
        'When an agent asks for something that you may decide, it appears here by itself.',
      )
    : list(mine, levels)
}</section>
<section data-live="others" aria-labelledby="others">${
      others.length > 0 &&
      markup`<h2 id="others">Waiting for others <span class="count">${others.length}</span></h2>${list(others, levels)}`
    }</section>
<section data-live="settled" aria-labelledby="settled">${
      settled.length > 0 &&
      markup`<h2 id="settled">Lately settled</h2>${list(settled, levels)}<p class="more"><a href="/history">All of the history</a></p>`
    }</section>`,
  });
}

export function list(views: readonly HoldView[], levels: number): Markup {
  return markup`<ul class="holds">${views.map((view) => item(view, levels))}</ul>`;
}

function item(view: HoldView, levels: number): Markup {
  const [reason] = reasonLines(view);
  return markup`<li class="hold"><div class="line"><a class="title" href="/holds/${view.id}">${headline(view)}</a>${
    view.state === 'open' ? deadline(view) : markup`${stateBadge(view)} ${timeTag(view.settled?.at ?? view.askedAt)}`
  }</div>
<div class="line">${byLevel(view.columns).map(({ level, rank }) => levelBadge(level, rank, levels))}<span class="dim">${
    view.state === 'open' ? view.needs.map(needText).join('; ') : (reason?.words ?? '')
  }</span></div></li>`;
}
