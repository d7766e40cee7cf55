// A hold as a Slack message. Made from the view alone, so that every instance makes the same one, and small enough that Slack always
// takes it: what is too long is cut, with a link to the whole.
import type { HoldId } from '../core/brand.ts';
import { countText } from '../approval/terms.ts';
import type { HoldView } from '../approval/view.ts';
import {
  agentWords,
  askerText,
  byLevel,
  columnsText,
  factLines,
  headline,
  needText,
  outcomeText,
  permitLines,
  reasonLines,
  siblingLines,
  stateWords,
  voteText,
} from '../approval/card.ts';
import {
  button,
  confirm,
  context,
  date,
  escaped,
  header,
  limits,
  line,
  linkPart,
  marked,
  mentions,
  preformatted,
  quote,
  rich,
  richSection,
  section,
  sizeOf,
  textPart,
  type Block,
  type Button,
  type Message,
  type RichElement,
} from './slack-blocks.ts';

export interface CardStyle {
  readonly values: 'hidden' | 'shown';
  readonly firstRows: number;
  /** Approvals of columns of this rank or above ask once more; undefined: none does. */
  readonly confirmFromRank: number | undefined;
  readonly linkOf: (hold: HoldId) => string;
  /** Not to be called yet: of a group that is asked second. */
  readonly isQuiet: (view: HoldView, person: string) => boolean;
}

export const actionIds = {
  once: 'cs_once',
  rows: 'cs_rows',
  masked: 'cs_masked',
  shape: 'cs_shape',
  budget: 'cs_budget_more',
  deny: 'cs_deny',
  open: 'cs_open',
  review: 'cs_review',
} as const;

/** How much of each part is shown: tried from the widest on until the card fits. */
interface Widths {
  readonly sql: number;
  readonly columns: number;
  readonly parts: number;
  readonly words: number;
}

const widths: readonly [Widths, ...Widths[]] = [
  { sql: 1800, columns: 40, parts: 4, words: 300 },
  { sql: 1000, columns: 20, parts: 3, words: 200 },
  { sql: 600, columns: 10, parts: 2, words: 120 },
  { sql: 300, columns: 5, parts: 1, words: 80 },
  { sql: 120, columns: 2, parts: 1, words: 40 },
];

export function cardOf(view: HoldView, style: CardStyle): Message {
  for (const width of widths) {
    const message = { text: textOf(view), blocks: blocksOf(view, style, width) };
    if (sizeOf(message) < limits.cardChars) return message;
  }
  return plainCard(view, style);
}

/** What is shown when Slack refuses the card itself: words and the link. Everything else is a click away. */
export function plainCard(view: HoldView, style: CardStyle): Message {
  const outcome = outcomeText(view);
  const words = outcome === undefined ? headline(view) : `${outcome} ${headline(view)}`;
  const open = actionsBlock(view.id, [openButton(view, style)]);
  return { text: textOf(view), blocks: [section(line(words, 500)), open] };
}

/** For notifications; Slack reads marks in it. */
export function textOf(view: HoldView): string {
  const mark = view.state === 'open' ? '' : `${capital(stateWords[view.state])}: `;
  return escaped(line(`${mark}${headline(view)}`, 300));
}

function blocksOf(view: HoldView, style: CardStyle, width: Widths): readonly Block[] {
  return view.state === 'open' ? openBlocks(view, style, width) : settledBlocks(view, style, width);
}

function openBlocks(view: HoldView, style: CardStyle, width: Widths): readonly Block[] {
  return [
    header(headline(view)),
    rich(richSection(textPart(askerText(view), width.words, { italic: true }))),
    rich(...whyElements(view, width)),
    ...agentBlocks(view, width),
    rich(...sqlElements(view, style, width)),
    context(firstOf(factLines(view), width.parts + 1).join(' · ')),
    ...siblingBlocks(view, style, width),
    context(permitLines(view, style).join(' ')),
    askedBlock(view, style, width),
    ...voteBlocks(view, width),
    actionsBlock(view.id, buttonsOf(view, style)),
  ];
}

function settledBlocks(view: HoldView, style: CardStyle, width: Widths): readonly Block[] {
  const short = { ...width, sql: Math.min(width.sql, 500) };
  return [
    header(`${capital(stateWords[view.state])} · ${headline(view)}`),
    section(line(outcomeText(view) ?? '', 700)),
    rich(richSection(textPart(askerText(view), width.words, { italic: true }))),
    rich(...whyElements(view, width)),
    rich(...sqlElements(view, style, short)),
    ...voteBlocks(view, width),
    actionsBlock(view.id, [openButton(view, style)]),
  ];
}

function whyElements(view: HoldView, width: Widths): readonly RichElement[] {
  const reasons = reasonLines(view);
  const why = reasons
    .slice(0, width.parts)
    .flatMap(({ words, where }) => [
      textPart(`${line(words, width.words)}  `, width.words + 2),
      textPart(line(shortPlace(where), 120), 120, { code: true }),
      textPart('\n', 1),
    ]);
  const more =
    reasons.length > width.parts ? [textPart(`… and ${reasons.length - width.parts} more reasons\n`, 60)] : [];
  const columns = byLevel(view.columns)
    .slice(0, width.parts + 1)
    .flatMap(({ level, columns: list }) => [
      textPart(`${line(level, 60)}: `, 70, { bold: true }),
      textPart(`${line(columnsText(list, width.columns), width.columns * 40)}\n`, width.columns * 40 + 1),
    ]);
  const levels = byLevel(view.columns).length - width.parts - 1;
  const list =
    columns.length === 0
      ? []
      : [richSection(...columns, ...(levels > 0 ? [textPart(`… and ${countText(levels, 'more level')}`, 60)] : []))];
  return [
    richSection(
      textPart(view.state === 'open' ? 'Why it waits\n' : 'Why it waited\n', 20, { bold: true }),
      ...why,
      ...more,
    ),
    ...list,
  ];
}

/** Folders above the classification's own are the machine's business. */
const shortPlace = (where: string): string => where.replace(/(^|\s)\S*[\\/]([^\\/\s]+[\\/][^\\/\s]+)/g, '$1$2');

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/** Always labelled: these are the words of the one who wants something. */
function agentBlocks(view: HoldView, width: Widths): readonly Block[] {
  const said = agentWords(view);
  if (said.length === 0) return [];
  const left = said.length > width.parts ? `, ${width.parts} of ${said.length}` : '';
  const label = richSection(textPart(`The agent says (unverified${left})`, 60, { bold: true }));
  return [rich(label, ...said.slice(0, width.parts).map((words) => quote(words, width.words)))];
}

function sqlElements(view: HoldView, style: CardStyle, width: Widths): readonly RichElement[] {
  const text = sqlText(view, style);
  const isCut = text.length > width.sql || view.sql.leftOut > 0;
  const words = [
    view.sql.unreadable ? 'It cannot be read as SQL. ' : '',
    style.values === 'hidden' ? 'Values are hidden here. ' : '',
    isCut ? 'It is cut. ' : '',
  ].join('');
  const tail = [
    textPart(words === '' ? ' ' : words, 200),
    linkPart(style.linkOf(view.id), 'See all of it in the console'),
    textPart('  ', 2),
    textPart(line(view.sql.hash, 20), 20, { code: true }),
  ];
  return [preformatted(middleCut(text, width.sql), width.sql + 40), richSection(...tail)];
}

/** Where a string has no end nobody can say what is a value, so all of it is hidden where values are. */
function sqlText({ sql }: HoldView, { values }: CardStyle): string {
  if (values === 'shown') return sql.canonical;
  return sql.unreadable ? '(shown in the console only: what in it is a value cannot be told)' : sql.canonicalHidden;
}

/** Beginning and end are kept: an attacker would put what matters where it is cut. */
function middleCut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const half = Math.floor(lengthMax / 2);
  const [head, tail] = [text.slice(0, half), text.slice(-half)];
  const headEnd = /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head;
  const tailStart = /^[\udc00-\udfff]/.test(tail) ? tail.slice(1) : tail;
  return `${headEnd}\n… ${text.length - headEnd.length - tailStart.length} characters left out …\n${tailStart}`;
}

function siblingBlocks(view: HoldView, style: CardStyle, width: Widths): readonly Block[] {
  const [first, ...more] = siblingLines(view, style.values);
  if (first === undefined) return [];
  const different = more.length === 0 ? [] : [preformatted(more.join('\n'), width.words)];
  return [rich(richSection(textPart(first, 200)), ...different)];
}

/** The one line with marks: who is asked, what is missing, until when. Ids and dates only, and names escaped. */
function askedBlock(view: HoldView, style: CardStyle, width: Widths): Block {
  const needs = firstOf(
    view.needs.map((need) => escaped(line(needText(need), 200))),
    width.parts + 1,
  );
  const wait = view.waitUntil === undefined ? '' : `waits on the wire until ${date(view.waitUntil)}, `;
  const more = view.waiting > 1 ? ` (${view.waiting} connections wait)` : '';
  return marked(
    `${needs.join(' · ')}\n${mentions(calledIds(view, style), 8)}\n${wait}open until ${date(view.openUntil)}${more}`,
  );
}

/** Whose answer is still missing. */
export function calledIds(view: HoldView, { isQuiet }: Pick<CardStyle, 'isQuiet'>): readonly string[] {
  const voted = new Set(view.votes.map(({ person }) => person));
  return view.needs
    .filter(({ met }) => !met)
    .flatMap(({ approvers }) => approvers)
    .filter(({ name }) => !voted.has(name) && !isQuiet(view, name))
    .flatMap(({ slack }) => slack ?? []);
}

function voteBlocks(view: HoldView, width: Widths): readonly Block[] {
  if (view.votes.length === 0) return [];
  const told = view.votes.slice(-width.parts - 2).map((vote) => line(voteText(vote), 200));
  const left = view.votes.length - told.length;
  return [context([...(left > 0 ? [`${countText(left, 'vote')} before …`] : []), ...told].join(' · '))];
}

/** What is left out is said: an agent that makes a card long chooses what no longer fits. */
function firstOf(words: readonly string[], most: number): readonly string[] {
  return words.length <= most ? words : [...words.slice(0, most), `… and ${words.length - most} more`];
}

/** A level may want the console, where people sign in, and not a button that any unlocked phone can press. */
export const isConsoleOnly = ({ stepUp }: Pick<HoldView, 'stepUp'>): boolean => stepUp !== 'none';

function buttonsOf(view: HoldView, style: CardStyle): readonly Button[] {
  const open = openButton(view, style);
  if (isConsoleOnly(view)) return [{ ...openButton(view, style, 'Approve in the console'), style: 'primary' }];
  const top = Math.max(-1, ...view.columns.map(({ rank }) => (rank < 0 ? Number.MAX_SAFE_INTEGER : rank)));
  const asksAgain = style.confirmFromRank !== undefined && top >= style.confirmFromRank;
  const approve = (id: string, text: string, value: string, isPrimary = id === actionIds.once): Button =>
    button(id, text, {
      value,
      ...(isPrimary ? { style: 'primary' as const } : {}),
      ...(asksAgain
        ? { confirm: confirm(text, `${headline(view)}. ${text}?`, text.slice(0, limits.confirmButton)) }
        : {}),
    });
  const choices: Readonly<Record<(typeof view.offers)[number], () => Button>> = {
    once: () => approve(actionIds.once, 'Approve once', view.id),
    // The number that was shown is the number that is meant, whatever the config says by then.
    rows: () =>
      approve(
        actionIds.rows,
        `Approve first ${style.firstRows.toLocaleString('en-US')} rows`,
        `${view.id} ${style.firstRows}`,
      ),
    masked: () => approve(actionIds.masked, 'Approve masked', view.id),
    // Its dialog asks already.
    shape: () => button(actionIds.shape, 'Approve this shape…', { value: view.id }),
  };
  const deny = button(actionIds.deny, 'Deny…', { value: view.id, style: 'danger' });
  // Its dialog says how each stands by then.
  const budget = view.budgets.length === 0 ? [] : [button(actionIds.budget, 'More rows…', { value: view.id })];
  return [...view.offers.map((kind) => choices[kind]()), ...budget, deny, open];
}

function openButton(view: HoldView, style: CardStyle, text = 'Open'): Button {
  return button(actionIds.open, text, { url: style.linkOf(view.id) });
}

const actionsBlock = (hold: HoldId, elements: readonly Button[]): Block => ({
  type: 'actions',
  block_id: hold,
  elements,
});

/** One line of the list that takes the place of many cards. */
export function listLine(view: HoldView): string {
  const mark = view.state === 'open' ? '' : `${capital(stateWords[view.state])} · `;
  return line(`${mark}${headline(view)} · ${view.needs.map(needText).join(' · ')}`, 300);
}
