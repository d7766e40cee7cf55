// What is said about a hold, in words: one text for Slack, Teams, console, API and terminal; a channel only lays it out and cuts it to
// its size. Pure. What the agent wrote is always labelled as the agent's, on lines that begin with a mark of ours: its SQL and its reason
// cannot look like a line of the card.
import type { UnixMillis } from '../core/brand.ts';
import { assertNever } from '../core/exhaustive.ts';
import { maskStyleWords } from '../core/mask-style.ts';
import { quoteName } from '../core/names.ts';
import { placeText } from '../core/place.ts';
import type { Action } from '../policy/verdict.ts';
import type { HoldState } from './hold.ts';
import { countText, spokenText, termsText, type Terms } from './terms.ts';
import type { HoldView, ViewColumn, ViewNeed, ViewVote } from './view.ts';

/** `report-bot wants 2 restricted columns · shop` */
export function headline(view: HoldView): string {
  return `${view.agent} wants ${wanted(view)} · ${view.database}`;
}

function wanted({ actions, columns, command }: HoldView): string {
  if (actions.includes('notKnown')) return 'something that cannot be understood for sure';
  const [strictest] = byLevel(columns);
  const of = strictest === undefined ? undefined : levelText(strictest);
  const deed = deeds.find(([action]) => actions.includes(action))?.[1];
  if (deed !== undefined) return of === undefined ? deed : `${deed} (${of})`;
  return of ?? (actions.includes('large') ? 'more rows than are let through at once' : command);
}

/** What is more than reading, strictest first. */
const deeds: readonly (readonly [Action, string])[] = [
  ['escape', 'to reach out of the database'],
  ['privilege', 'to change rights or roles'],
  ['destructive', 'to delete or overwrite whole tables'],
  ['schema', 'to change the schema'],
  ['export', 'to copy data out'],
  ['write', 'to write'],
  ['maintenance', 'to run maintenance'],
  ['session', 'to change its session'],
];

/** The kinds of action as words for a line of their own. */
export const actionWords: Readonly<Record<Action, string>> = {
  read: 'reads',
  large: 'many rows',
  write: 'writes',
  export: 'copies data out',
  destructive: 'deletes or overwrites whole tables',
  schema: 'changes the schema',
  privilege: 'changes rights or roles',
  session: 'changes its session',
  transaction: 'transaction control',
  maintenance: 'maintenance',
  escape: 'reaches out of the database',
  notKnown: 'not understood for sure',
};

export interface LevelGroup {
  readonly level: string;
  readonly rank: number;
  readonly columns: readonly ViewColumn[];
}

/** Strictest first. A level whose name is gone from the files comes before all. */
export function byLevel(columns: readonly ViewColumn[]): readonly LevelGroup[] {
  const groups = new Map<string, ViewColumn[]>();
  for (const column of columns) {
    const group = groups.get(column.level);
    if (group === undefined) groups.set(column.level, [column]);
    else group.push(column);
  }
  const order = ({ rank }: LevelGroup): number => (rank < 0 ? Number.POSITIVE_INFINITY : rank);
  return [...groups]
    .map(([level, list]) => ({ level, rank: list[0]?.rank ?? -1, columns: list }))
    .sort((a, b) => order(b) - order(a));
}

function levelText({ level, columns }: LevelGroup): string {
  const named = columns.filter(({ name }) => name !== '*').length;
  return named === 0 ? countText(columns.length, `${level} table`) : countText(named, `${level} column`);
}

/** `public.customers (email, phone), public.orders (rows)`; the first so many names. */
export function columnsText(columns: readonly ViewColumn[], namesMax: number): string {
  const tables = new Map<string, string[]>();
  for (const { table, name } of columns.slice(0, namesMax)) tables.set(table, [...(tables.get(table) ?? []), name]);
  const parts = [...tables].map(([table, names]) => {
    const shown = names.map((name) => (name === '*' ? 'rows' : name));
    return `${table} (${shown.join(', ')})`;
  });
  const more = columns.length - namesMax;
  return parts.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** `on behalf of ana, as role gate, from 10.0.0.7; calls itself "reports"`: a name that it chose could go on as the sentence does. */
export function askerText({ owner, role, applicationName, clientAddress }: HoldView): string {
  const program = applicationName === '' ? '' : `; calls itself ${said(applicationName)}`;
  return `on behalf of ${owner}, as role ${quoteName(role)}, from ${clientAddress}${program}`;
}

/** The agent's words end where we say they end. */
const said = (words: string): string => `"${words.replaceAll('"', "'")}"`;

export interface ReasonLine {
  readonly words: string;
  /** `level restricted, classification/shop.yaml:7` */
  readonly where: string;
}

export function reasonLines({ reasons }: HoldView): readonly ReasonLine[] {
  return reasons.map(({ words, rule, place }) => ({
    words,
    where: place === undefined ? rule : `${rule}, ${placeText(place).replace(/:\d+$/, '')}`,
  }));
}

/** Rows expected and the cap in force, budgets, transaction and locks: a short line for each. */
export function factLines(view: HoldView): readonly string[] {
  const { estimate, rowsMax } = view;
  const rows = estimate.known
    ? `about ${countText(Math.round(estimate.value), 'row')} expected`
    : 'rows expected: not known';
  const cap = rowsMax === undefined ? '' : `; ${countText(rowsMax, 'row')} at once pass without asking`;
  return [
    `${view.command}: ${view.actions.map((action) => actionWords[action]).join(', ')}`,
    ...parameterLines(view),
    `${rows}${cap}`,
    ...view.budgets.map((line) => `budget ${line}`),
    ...transactionLines(view),
  ];
}

/** Not shown and not kept: what an approval is for has their hash in it. */
function parameterLines({ sql: { parameters } }: HoldView): readonly string[] {
  if (parameters === 0) return [];
  const which = parameters === 1 ? 'the value of $1 is' : `the values of $1 to $${parameters} are`;
  return [`${which} sent apart from the text and not shown here; a yes is for what was sent`];
}

function transactionLines({ transactionOpen, locks }: HoldView): readonly string[] {
  if (!transactionOpen) return [];
  if (!locks.known) return ['inside an open transaction; which locks it holds is not known'];
  if (locks.value.length === 0) return ['inside an open transaction without locks'];
  return [`inside an open transaction that blocks others while it waits: ${locks.value.join(', ')}`];
}

/** The agent's own words, each labelled as such by whoever shows them. */
export function agentWords({ agentReason, sql }: HoldView): readonly string[] {
  return [...(agentReason === undefined || agentReason === '' ? [] : [agentReason]), ...sql.comments];
}

/** What an approval permits, in one sentence. */
export function permitText(view: HoldView, terms: Terms): string {
  const again = `if ${view.agent} has stopped waiting, it may send the same again within ${spokenText(view.grantMs)}`;
  if (view.command === 'DUMP') return dumpPermit;
  switch (terms.kind) {
    case 'once':
      return `Approve once: exactly this statement with these values, one time; ${again}.`;
    case 'rows':
      return `Approve the first ${countText(terms.rowsMax, 'row')}: exactly this statement, one time, and the stream stops there; ${again}.`;
    case 'masked': {
      const rows = terms.rowsMax === undefined ? '' : `, and the stream stops after ${countText(terms.rowsMax, 'row')}`;
      return `Approve masked: exactly this statement, one time${rows}, with ${masksText(view)} in place of the values; ${again}.`;
    }
    case 'shape':
      return `Approve the shape: ${termsText(terms)}; same columns, role and schema, while the classification stays as it is.`;
    default:
      return assertNever(terms);
  }
}

/** What each of the yeses that are offered here permits, and what it takes to give one: never a button without its sentence. */
export function permitLines(view: HoldView, { firstRows }: { readonly firstRows: number }): readonly string[] {
  const how = stepUpText(view);
  return [...(how === undefined ? [] : [how]), ...view.offers.map((kind) => offerText(view, kind, firstRows))];
}

function offerText(view: HoldView, kind: Terms['kind'], firstRows: number): string {
  switch (kind) {
    case 'once':
      return permitText(view, { kind });
    case 'rows':
      return `Approve first ${countText(firstRows, 'row')}: the same, and the stream stops there.`;
    case 'masked':
      return permitText(view, { kind, rowsMax: undefined });
    case 'shape':
      return 'Approve this shape: the same statement, columns, role and schema with any values, for a time, uses and rows that you choose.';
    default:
      return assertNever(kind);
  }
}

/** Where a yes has to be given; undefined: anywhere. */
export function stepUpText({ stepUp }: Pick<HoldView, 'stepUp'>): string | undefined {
  switch (stepUp) {
    case 'none':
      return undefined;
    case 'console':
      return 'This is approved in the console, where people sign in.';
    case 'passkey':
      return 'This is approved in the console, with a passkey.';
    default:
      return assertNever(stepUp);
  }
}

const dumpPermit =
  'Approve the dump: all rows of each table that is listed, once, in this transaction and those that share its snapshot, while the classification and the schema stay as they are; nothing else.';

/** `public.customers.email (email), public.customers.notes (null)` */
export function masksText({ masks }: Pick<HoldView, 'masks'>): string {
  const shown = masks.slice(0, masksMax).map(({ column, style }) => `${column} (${maskStyleWords[style]})`);
  const more = masks.length - masksMax;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const masksMax = 12;

/** `security: 1 of 2 (ben; cleo or dan can)` */
export function needText({ groups, quorum, approvedBy, approvers, met, unreachable }: ViewNeed): string {
  const others = approvers.map(({ name }) => name).filter((name) => !approvedBy.includes(name));
  const waiting = met || others.length === 0 ? [] : [`${listed(others, namesMax)} can`];
  const names = [...(approvedBy.length === 0 ? [] : [approvedBy.join(', ')]), ...waiting].join('; ');
  const warning = unreachable ? ': too few people may approve this' : '';
  return `${groups.join(' or ')}: ${Math.min(approvedBy.length, quorum)} of ${quorum}${names === '' ? '' : ` (${names})`}${warning}`;
}

const namesMax = 8;

function listed(names: readonly string[], most: number): string {
  const more = names.length - most;
  const shown = names.slice(0, most);
  const last = more > 0 ? `${more} more` : shown.pop();
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} or ${last ?? ''}`;
}

/** `ben approved (once), by slack` */
export function voteText({ person, vote, terms, channel, reason, counts }: ViewVote): string {
  const what = vote === 'approve' ? `approved (${termsText(terms ?? { kind: 'once' })})` : 'denied';
  const why = reason === undefined ? '' : `: ${reason}`;
  return `${person} ${what}, by ${channel}${counts ? '' : ' (no longer an approver of this: does not count)'}${why}`;
}

export const stateWords: Readonly<Record<HoldState, string>> = {
  open: 'waiting',
  approved: 'approved',
  denied: 'denied',
  expired: 'expired',
  withdrawn: 'withdrawn',
  used: 'approved and run',
};

/** How it ended, in one sentence; undefined while it is open. */
export function outcomeText(view: HoldView): string | undefined {
  const by = view.settled?.by.join(' and ') ?? '';
  const terms = termsText(view.settled?.terms ?? { kind: 'once' });
  switch (view.state) {
    case 'open':
      return undefined;
    case 'approved':
      if (view.lapsed) return `Approved by ${by}, but never used in time: it is no longer good.`;
      if (view.uses === 0 && view.grantUntil !== undefined) {
        return `Approved by ${by}: ${terms}. Good until ${timeText(view.grantUntil)} if ${view.agent} sends it again.`;
      }
      return `Approved by ${by}: ${terms}.`;
    case 'used':
      return `Approved by ${by}: ${terms}. Released ${countText(view.uses, 'time')}.`;
    case 'denied':
      return `Denied by ${by}: ${view.settled?.reason ?? 'no reason was given'}`;
    case 'expired':
      return 'Expired: nobody decided in time, so it was not run.';
    case 'withdrawn':
      return `Withdrawn: ${view.agent} cancelled it or left before anybody decided.`;
    default:
      return assertNever(view.state);
  }
}

/** Until when people can decide, and until when somebody waits for it. */
export function deadlineText({ waitUntil, openUntil, waiting }: HoldView): string {
  const end = `open until ${timeText(openUntil)}`;
  if (waitUntil === undefined) return `nobody waits any more; ${end}`;
  return `${countText(waiting, 'connection')} waiting until ${timeText(waitUntil)}; ${end}`;
}

/** `2026-11-21 08:15:02 UTC` */
export function timeText(at: UnixMillis): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** In what this differs from the last approved statement of its shape; empty where there is none. */
export function siblingLines({ sibling, sql }: HoldView, values: 'shown' | 'hidden'): readonly string[] {
  if (sibling === undefined) return [];
  const head = `same shape as ${sibling.hold}, approved by ${sibling.by.join(' and ')} at ${timeText(sibling.at)}`;
  if (values === 'hidden') return [`${head}; only values differ`];
  const before = new Set(sibling.canonical.split('\n'));
  const fresh = sql.canonical.split('\n').filter((line) => !before.has(line));
  return fresh.length === 0 ? [`${head}, with the same values`] : [`${head}; other than there:`, ...fresh.slice(0, 5)];
}

const sqlLinesMax = 200;

/** The whole card as plain lines, for the terminal. */
export function cardLines(view: HoldView): readonly string[] {
  const outcome = outcomeText(view);
  const canonical = view.sql.canonical.split('\n');
  const left = canonical.length - sqlLinesMax;
  return [
    `${view.id}  ${stateWords[view.state]}`,
    headline(view),
    askerText(view),
    ...(outcome === undefined ? [deadlineText(view)] : [outcome]),
    '',
    ...factLines(view),
    'held because:',
    ...reasonLines(view).map(({ words, where }) => `  ${words} (${where})`),
    ...byLevel(view.columns).map((group) => `${group.level}: ${columnsText(group.columns, 50)}`),
    ...agentWords(view).map((words) => `the agent says, unverified: ${said(words)}`),
    `statement ${view.sql.hash.slice(0, 16)}${view.sql.unreadable ? ', which cannot be read' : ''}:`,
    ...canonical.slice(0, sqlLinesMax).map((line) => `  | ${line}`),
    ...(left > 0 ? [`  ${countText(left, 'line')} more`] : []),
    ...siblingLines(view, 'shown').map((line, index) => (index === 0 ? line : `  | ${line}`)),
    ...(view.counterOffer === undefined ? [] : ['would pass without asking:', `  | ${view.counterOffer}`]),
    'asked:',
    ...view.needs.map((need) => `  ${needText(need)}`),
    ...(view.votes.length === 0 ? [] : ['votes:', ...view.votes.map((vote) => `  ${voteText(vote)}`)]),
    ...(outcome === undefined ? [stepUpText(view) ?? [], permitText(view, { kind: 'once' })].flat() : []),
    ...(outcome === undefined && view.masks.length > 0
      ? [permitText(view, { kind: 'masked', rowsMax: undefined })]
      : []),
  ];
}
