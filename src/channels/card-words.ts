// What cards say about a hold, in sentences: the same on every channel. Layout is the channel's; nothing here knows one.
import type { HoldView, ViewColumn, ViewNeed, ViewVote } from '../approval/view.ts';
import type { Terms } from '../approval/terms.ts';
import { placeText } from '../core/place.ts';

/** `report-bot wants 2 restricted columns · shop` */
export function headline(view: HoldView): string {
  return `${view.agent} wants ${wanted(view)} · ${view.database}`;
}

function wanted(view: HoldView): string {
  const top = topLevel(view.columns);
  const acts = view.actions.filter((action) => action !== 'read' && action !== 'large');
  if (acts.includes('notKnown')) return 'something that cannot be read for sure';
  const act = acts.map((action) => deeds[action]).find((deed) => deed !== undefined);
  if (act !== undefined) return `${act}${top === undefined ? '' : ` (${countText(top)})`}`;
  if (top !== undefined) return countText(top);
  return view.actions.includes('large') ? 'many rows' : view.command;
}

const deeds: Readonly<Record<string, string | undefined>> = {
  export: 'to take data out',
  destructive: 'to delete without a limit',
  schema: 'to change the schema',
  privilege: 'to change privileges',
  escape: 'to leave the database',
  write: 'to write',
  session: 'to change its session',
  maintenance: 'maintenance',
};

interface LevelGroup {
  readonly level: string;
  readonly rank: number;
  readonly columns: readonly ViewColumn[];
}

/** Strictest first. What nobody gave a level (its name is gone from the files) comes before all. */
export function byLevel(columns: readonly ViewColumn[]): readonly LevelGroup[] {
  const groups = new Map<string, ViewColumn[]>();
  for (const column of columns) groups.set(column.level, [...(groups.get(column.level) ?? []), column]);
  const order = ({ rank }: LevelGroup): number => (rank < 0 ? Number.MAX_SAFE_INTEGER : rank);
  return [...groups]
    .map(([level, list]) => ({ level, rank: list[0]?.rank ?? -1, columns: list }))
    .toSorted((a, b) => order(b) - order(a));
}

const topLevel = (columns: readonly ViewColumn[]): LevelGroup | undefined => byLevel(columns)[0];

function countText({ level, columns }: LevelGroup): string {
  const real = columns.filter(({ name }) => name !== '*').length;
  if (real === 0) return columns.length === 1 ? `a ${level} table` : `${columns.length} ${level} tables`;
  return real === 1 ? `1 ${level} column` : `${real} ${level} columns`;
}

/** `customers (email, phone), orders (total)`, cut at so many columns. */
export function columnsText(columns: readonly ViewColumn[], namesMax: number): string {
  const shown = columns.slice(0, namesMax);
  const tables = new Map<string, string[]>();
  for (const { table, name } of shown) tables.set(table, [...(tables.get(table) ?? []), name]);
  const text = [...tables]
    .map(([table, names]) => (names.every((name) => name === '*') ? `${table} (rows)` : `${table} (${names.join(', ')})`))
    .join(', ');
  return columns.length > namesMax ? `${text} … and ${columns.length - namesMax} more` : text;
}

/** `for ana, as role gate, in psql from 10.0.0.3` */
export function askerText(view: HoldView): string {
  const program = view.applicationName === '' ? '' : ` in ${view.applicationName}`;
  return `on behalf of ${view.owner}, as role ${view.role},${program} from ${view.clientAddress}`;
}

export interface ReasonLine {
  readonly words: string;
  /** `rule night-exports, policy.yaml:12` */
  readonly where: string;
}

export function reasonLines(view: HoldView): readonly ReasonLine[] {
  return view.reasons.map(({ words, rule, place }) => ({
    words,
    where: place === undefined ? rule : `${rule}, ${shortPlace(placeText(place))}`,
  }));
}

/** Folders are the machine's business. */
const shortPlace = (text: string): string => text.replace(/^.*[\\/]/, '');

/** Rows expected and what bounds them, budgets, transaction and locks: one short line each. */
export function factLines(view: HoldView): readonly string[] {
  const rows = view.estimate.known ? `about ${count(view.estimate.value)} rows expected` : 'rows expected: not known';
  const cap = view.rowsMax === undefined ? '' : `, ${count(view.rowsMax)} are let through without asking`;
  const budgets = view.budgets.map((budget) => `budget ${budget}`);
  return [`${view.command}: ${view.actions.join(', ')}; ${rows}${cap}`, ...budgets, ...transactionLines(view)];
}

function transactionLines(view: HoldView): readonly string[] {
  if (!view.transactionOpen) return [];
  if (!view.locks.known) return ['inside an open transaction; the locks that it holds are not known'];
  const held = view.locks.value;
  if (held.length === 0) return ['inside an open transaction, which holds no locks'];
  return [`inside an open transaction, which holds locks while it waits: ${held.join(', ')}`];
}

const count = (number: number): string => Math.round(number).toLocaleString('en-US');

export interface Offer {
  readonly firstRows: number;
}

/** What a yes permits, one sentence for each kind that is offered. */
export function permitLines(view: HoldView, offer: Offer): readonly string[] {
  return view.offers.map((kind) => permitText(view, kind, offer));
}

function permitText(view: HoldView, kind: Terms['kind'], { firstRows }: Offer): string {
  switch (kind) {
    case 'once':
      return `Approve once: this very statement, with these values, one time; if ${view.agent} has stopped waiting, it can send it again within ${durationText(view.grantMs)}.`;
    case 'rows':
      return `Approve first ${count(firstRows)} rows: the same, and nothing after row ${count(firstRows)} is sent.`;
    case 'shape':
      return 'Approve this shape: the same statement and columns with any values, for the time, uses and rows that you choose.';
  }
}

export function termsText(terms: Terms | undefined): string {
  if (terms === undefined || terms.kind === 'once') return 'once';
  if (terms.kind === 'rows') return `first ${count(terms.rowsMax)} rows`;
  const rows = terms.rowsMax === undefined ? '' : `, ${count(terms.rowsMax)} rows each`;
  return `this shape for ${durationText(terms.forMs)}, ${count(terms.usesMax)} ${terms.usesMax === 1 ? 'time' : 'times'}${rows}`;
}

export function durationText(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const [size, unit] = units.find(([each]) => ms >= each && ms % each === 0) ?? [1000, 's'];
  return `${Math.max(1, Math.round(ms / size))} ${unit}`;
}

/** `security: 1 of 2 (ben)` */
export function needText(need: ViewNeed): string {
  const names = need.approvedBy.length === 0 ? '' : ` (${need.approvedBy.join(', ')})`;
  const warning = need.unreachable ? ' – too few people can approve this' : '';
  return `${need.groups.join(' or ')}: ${Math.min(need.approvedBy.length, need.quorum)} of ${need.quorum}${names}${warning}`;
}

export function voteText(vote: ViewVote): string {
  const what = vote.vote === 'approve' ? `approved (${termsText(vote.terms)})` : 'denied';
  return `${vote.person} ${what} by ${vote.channel}${vote.counts ? '' : ' – no longer an approver, does not count'}`;
}

/** How it ended, in one sentence; undefined while it is open. */
export function outcomeText(view: HoldView): string | undefined {
  const by = view.settled?.by.join(', ') ?? '';
  switch (view.state) {
    case 'open':
      return undefined;
    case 'approved':
      return view.lapsed
        ? `Approved by ${by}, never used, and no longer good.`
        : `Approved by ${by}: ${termsText(view.settled?.terms)}.`;
    case 'used':
      return `Approved by ${by}: ${termsText(view.settled?.terms)}; the statement was released.`;
    case 'denied':
      return `Denied by ${by}.`;
    case 'expired':
      return 'Expired: nobody decided in time, so it was not run.';
    case 'withdrawn':
      return `Withdrawn: ${view.agent} cancelled it or left before people decided.`;
  }
}

export const stateMark: Readonly<Record<HoldView['state'], string>> = {
  open: 'Waiting',
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Expired',
  withdrawn: 'Withdrawn',
  used: 'Approved and run',
};

/** The newest approved one of the same shape, and in what this one differs. */
export function siblingLines(view: HoldView, values: 'hidden' | 'shown'): readonly string[] {
  const { sibling } = view;
  if (sibling === undefined) return [];
  const head = `Like ${sibling.hold}, approved by ${sibling.by.join(', ')}`;
  if (values === 'hidden') return [`${head}; only values differ (hidden here, shown in the console).`];
  const old = new Set(sibling.canonical.split('\n'));
  const fresh = view.sql.canonical.split('\n').filter((line) => !old.has(line));
  const [first] = fresh;
  if (first === undefined) return [`${head}, with the same values.`];
  return [`${head}. Different here:`, ...fresh.slice(0, 3).map((line) => line.trim())];
}
