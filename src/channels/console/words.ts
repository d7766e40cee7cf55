// Small pieces of pages that several of them show: levels, states, times, SQL.
import type { UnixMillis } from '../../core/brand.ts';
import { foldAscii } from '../../core/names.ts';
import { placeText, type Place } from '../../core/place.ts';
import { stateWords, timeText } from '../../approval/card.ts';
import type { HoldView, ViewColumn } from '../../approval/view.ts';
import { tokensOf, type Token } from '../../sql/lexer.ts';
import { markup, type Markup } from './markup.ts';

/** Five colours for however many levels a house has; -1 is a level that is gone from the files. */
export function levelClass(rank: number, levels: number): string {
  if (rank < 0) return 'level-gone';
  return `level-${levels < 2 ? 0 : Math.round((rank / (levels - 1)) * 4)}`;
}

export function levelBadge(level: string, rank: number, levels: number): Markup {
  return markup`<span class="level ${levelClass(rank, levels)}">${level}</span>`;
}

export function stateBadge({ state, lapsed }: Pick<HoldView, 'state' | 'lapsed'>): Markup {
  return markup`<span class="state state-${lapsed ? 'expired' : state}">${lapsed ? 'approved, not used' : stateWords[state]}</span>`;
}

export function timeTag(at: UnixMillis): Markup {
  return markup`<time datetime="${new Date(at).toISOString()}">${timeText(at)}</time>`;
}

/** Counts down where there is a script; says the moment where there is none. */
export function countdown(until: UnixMillis, what: string): Markup {
  return markup`<span class="countdown">${what} <time data-until="${until}" datetime="${new Date(until).toISOString()}">until ${timeText(until)}</time></span>`;
}

/** What is pressing: an agent that waits on the wire, else the end of the hold. */
export function deadline({ waitUntil, openUntil }: Pick<HoldView, 'waitUntil' | 'openUntil'>): Markup {
  return waitUntil === undefined ? countdown(openUntil, 'open') : countdown(waitUntil, 'the agent waits');
}

export function placeWords(place: Place | undefined): Markup {
  return place === undefined
    ? markup`<span class="dim">no line says so</span>`
    : markup`<code class="place" title="${placeText(place)}">${lineOf(place)}</code>`;
}

/** File in its folder, and the line: the column and the way to the folder are for editors. */
export const lineOf = ({ file, line }: Place): string => `${file.split('/').slice(-2).join('/')}:${line}`;

const sqlWords = new Set(
  (
    'select from where and or not in is null like ilike between exists case when then else end as on using join left right inner outer full cross ' +
    'natural group by order having limit offset fetch first rows only distinct union all except intersect with recursive lateral values insert into ' +
    'update set delete returning truncate create table view materialized index drop alter add column copy to stdout stdin grant revoke begin commit ' +
    'rollback explain analyze do call over partition window filter asc desc nulls last cast true false default cascade temporary schema function'
  ).split(' '),
);

/** The text of a statement, line by line: words of the language, values, and columns in the colour of their level. */
export function sqlCode(text: string, columns: readonly ViewColumn[], levels: number): Markup {
  const tokens = tokensOf(text);
  const lines =
    tokens === undefined ? text.split('\n').map((line) => [markup`${line}`]) : lineUp(text, tokens, columns, levels);
  // The reading direction of each line is ours, whatever letters stand in it.
  return markup`<pre class="sql" tabindex="0"><code>${lines.map((line) => markup`<bdi dir="ltr" class="line">${line}</bdi>`)}</code></pre>`;
}

function lineUp(text: string, tokens: readonly Token[], columns: readonly ViewColumn[], levels: number): Markup[][] {
  const lines: Markup[][] = [[]];
  const coloured = nameable(text, tokens, columns);
  for (const token of tokens) {
    const kind = classOf(text, token, coloured, levels);
    for (const [index, piece] of text.slice(token.start, token.end).split('\n').entries()) {
      if (index > 0) lines.push([]);
      if (piece !== '')
        lines.at(-1)?.push(kind === '' ? markup`${piece}` : markup`<span class="${kind}">${piece}</span>`);
    }
  }
  return lines;
}

/**
 * The columns that may colour a word of their name. Behind a view a word can mean a stricter column of another name: where such a one is
 * read without being named, a milder colour would comfort falsely, so words of milder columns stay plain.
 */
function nameable(text: string, tokens: readonly Token[], columns: readonly ViewColumn[]): readonly ViewColumn[] {
  const words = new Set(tokens.map((token) => nameOf(text, token)));
  const rankOf = ({ rank }: ViewColumn): number => (rank < 0 ? Infinity : rank);
  const unnamed = columns.filter(({ name }) => name !== '*' && !words.has(name)).map(rankOf);
  const floor = Math.max(-1, ...unnamed);
  return columns.filter((column) => rankOf(column) >= floor);
}

const nameOf = (text: string, { kind, start, end }: Token): string =>
  kind === 'word' ? foldAscii(text.slice(start, end)) : text.slice(start, end);

function classOf(text: string, { kind, start, end }: Token, columns: readonly ViewColumn[], levels: number): string {
  switch (kind) {
    case 'string':
    case 'number':
      return 'value';
    case 'parameter':
      return 'parameter';
    case 'lineComment':
    case 'blockComment':
      return 'comment';
    case 'word':
    case 'quotedName': {
      const name = nameOf(text, { kind, start, end });
      // The strictest column of that name: which one is meant is in the list below, where nothing is guessed.
      const ranks = columns.filter((column) => column.name === name).map(({ rank }) => (rank < 0 ? Infinity : rank));
      if (ranks.length > 0) {
        const rank = Math.max(...ranks);
        return `column ${levelClass(rank === Infinity ? -1 : rank, levels)}`;
      }
      return kind === 'word' && sqlWords.has(name) ? 'keyword' : '';
    }
    default:
      return '';
  }
}
