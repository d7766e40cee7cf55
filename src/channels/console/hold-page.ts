// One hold whole: what is asked, by whom, why people are asked, what they said, and the forms to say it. Everything on it comes from
// the view; what the agent wrote stands in frames that are labelled as the agent's.
import {
  agentWords,
  askerText,
  byLevel,
  deadlineText,
  factLines,
  headline,
  needText,
  outcomeText,
  siblingLines,
} from '../../approval/card.ts';
import type { HoldView, ViewColumn } from '../../approval/view.ts';
import type { Visitor } from './door.ts';
import { waitsFor } from './holds-list.ts';
import { page, type Notice } from './layout.ts';
import { markup, nothing, type Markup } from './markup.ts';
import type { PasskeyStanding } from './passkey-desk.ts';
import { timeline } from './timeline.ts';
import { voteForms } from './vote-forms.ts';
import { deadline, levelBadge, placeWords, sqlCode, stateBadge } from './words.ts';

export interface HoldPageParts {
  readonly visitor: Visitor;
  readonly view: HoldView;
  readonly levels: number;
  readonly notice: Notice | undefined;
  /** How it stands with a passkey that a yes takes; undefined: it takes none. */
  readonly passkey: PasskeyStanding | undefined;
}

export function holdPage({ visitor, view, levels, notice, passkey }: HoldPageParts): Markup {
  return page({
    title: `${view.state === 'open' && waitsFor(visitor, view) ? '● ' : ''}${headline(view)}`,
    visitor,
    section: 'inbox',
    notice,
    live: { on: 'holds', hold: view.id, everySeconds: 15 },
    main: markup`<p class="back"><a href="/inbox">Inbox</a></p>
<div class="head" data-live="head"><h1>${headline(view)}</h1><p class="line">${stateBadge(view)}${
      view.state === 'open' && deadline(view)
    } <span class="dim">${view.id}</span></p>
${glance(view, levels)}<p class="dim">${askerText(view)}. ${outcomeText(view) ?? deadlineText(view)}</p></div>
<div class="columns"><div class="wide">
${statement(view, levels)}
${offered(view, levels)}
${columnTable(view, levels)}
</div><div class="narrow">
<div class="vote" data-live="vote" data-keep-while-typing>${voteForms(view, visitor, passkey)}</div>
${why(view)}
<section class="card" data-live="people"><h2>Who is asked</h2><ul class="plain">${view.needs.map(
      (need) => markup`<li${need.met && markup` class="met"`}>${needText(need)}</li>`,
    )}</ul></section>
<section class="card" data-live="timeline"><h2>What happened</h2>${timeline(view)}</section>
</div></div>`,
  });
}

const glanceMax = 6;

/** What it is about, before anything else is read: the strictest first. */
function glance(view: HoldView, levels: number): Markup {
  return markup`<ul class="plain glance">${byLevel(view.columns).map(({ level, rank, columns }) => {
    const names = [...new Set(columns.map(({ table, name }) => `${table}.${name}`))];
    const shown = names.slice(0, glanceMax);
    const more = names.length - shown.length;
    return markup`<li class="line">${levelBadge(level, rank, levels)}<bdi>${shown.join(', ')}${more > 0 && ` and ${more} more`}</bdi></li>`;
  })}</ul>`;
}

function statement(view: HoldView, levels: number): Markup {
  const { sql } = view;
  const said = agentWords(view);
  const [compared, ...fresh] = siblingLines(view, 'shown');
  return markup`<section class="card statement"><h2>The statement</h2>
${sql.unreadable && markup`<p class="notice bad">This text cannot be read as SQL for sure. It is shown as it was sent, with every hidden character as its code.</p>`}
${sqlCode(sql.canonical, view.columns, levels)}
${sql.leftOut > 0 && markup`<p class="dim">${sql.leftOut} characters are left out of the middle; the whole is below.</p>`}
<ul class="plain facts">${factLines(view).map((line) => markup`<li>${line}</li>`)}</ul>
${said.length > 0 && markup`<div class="said"><p class="label">The agent’s own words, not verified:</p>${said.map((words) => markup`<blockquote><bdi dir="ltr">${words}</bdi></blockquote>`)}</div>`}
${compared !== undefined && markup`<div class="compared"><p>${compared}</p>${fresh.length > 0 && sqlCode(fresh.join('\n'), view.columns, levels)}</div>`}
<details><summary>As it was sent, with comments</summary>${sqlCode(sql.raw, view.columns, levels)}<p class="dim">Hash <code>${sql.hash}</code>, search_path ${view.searchPath.join(', ')}, schema ${view.schemaVersion.slice(0, 12)}, classification ${view.catalogVersion.slice(0, 12)}.</p></details>
</section>`;
}

function offered({ counterOffer, columns }: HoldView, levels: number): Markup {
  if (counterOffer === undefined) return nothing;
  return markup`<section class="card offer"><h2>What would pass without asking</h2>${sqlCode(counterOffer, columns, levels)}<p class="dim">The agent is told this when it is denied or nobody decides.</p></section>`;
}

function why(view: HoldView): Markup {
  return markup`<section class="card"><h2>Why people are asked</h2><ul class="reasons">${view.reasons.map(
    ({ words, rule, place }) =>
      markup`<li>${words}<br><span class="dim">${rule}${place !== undefined && markup`, ${placeWords(place)}`}</span></li>`,
  )}</ul></section>`;
}

const usesWords: Readonly<Record<string, string>> = {
  output: 'in the result',
  filter: 'filters',
  join: 'joins',
  group: 'groups',
  order: 'sorts',
  other: 'used',
};

function columnTable(view: HoldView, levels: number): Markup {
  if (view.columns.length === 0) return nothing;
  return markup`<section class="card touches"><h2>What it touches, and how each got its level</h2>${byLevel(
    view.columns,
  ).map(
    ({ level, rank, columns }) =>
      markup`<h3>${levelBadge(level, rank, levels)}</h3><ul class="paths">${columns.map(path)}</ul>`,
  )}</section>`;
}

/** From the line in the files to what the agent gets. */
function path({ table, name, level, category, uses, place, owner }: ViewColumn): Markup {
  const steps: readonly Markup[] = [
    placeWords(place),
    ...(category === undefined ? [] : [markup`category ${category}`]),
    markup`${level}`,
    markup`<strong>${name === '*' ? 'rows' : name}</strong>`,
    markup`${uses.map((use) => usesWords[use] ?? use).join(', ')}`,
  ];
  return markup`<li><bdi class="what">${table}.<strong>${name === '*' ? '* (its rows)' : name}</strong></bdi><ol class="path">${steps.map((step) => markup`<li>${step}</li>`)}</ol>${
    owner !== undefined && markup`<span class="dim">owner: ${owner}</span>`
  }</li>`;
}
