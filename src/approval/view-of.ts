// From what is stored to what is seen: the state by the clock, the people by the files in force, and every character of the agent's
// made visible. Pure.
import { isNonEmpty, type NonEmpty, type UnixMillis } from '../core/brand.ts';
import { visible } from '../core/visible.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ColumnName } from '../sql/analysis.ts';
import type { LeveledColumn, Need } from '../policy/verdict.ts';
import { dottedVisible, sqlVisible } from '../sql/canonical.ts';
import { tokensOf } from '../sql/lexer.ts';
import { approversOf, standingOf, type Crowd } from './approvers.ts';
import type { CastVote, HeldFacts, HoldLife } from './hold.ts';
import { grantUntil, stateOf, votesInForce } from './hold-state.ts';
import { stepUpOf } from './step-up.ts';
import type { Terms } from './terms.ts';
import type { HoldView, ViewColumn, ViewNeed, ViewVote } from './view.ts';

export interface ViewContext {
  readonly now: UnixMillis;
  readonly crowd: Crowd;
  readonly levels: Catalog['levelByName'];
}

export function viewOf(facts: HeldFacts, life: HoldLife, context: ViewContext): HoldView {
  const { now } = context;
  const state = stateOf(life, now);
  const waiters = state === 'open' ? life.waiters.filter(({ until }) => until > now) : [];
  const until = grantUntil(life);
  const good = state === 'approved' && until !== undefined && until > now;
  return {
    id: facts.id,
    state,
    lapsed: state === 'approved' && !good,
    ...askerOf(facts),
    command: visible(facts.statement.command, 100),
    actions: actionsOf(facts),
    sql: sqlOf(facts),
    binding: facts.binding,
    searchPath: facts.searchPath,
    schemaVersion: facts.schemaVersion,
    catalogVersion: facts.catalogVersion,
    columns: facts.columns.map((column) => viewColumn(column, context.levels)),
    masks: facts.masks.map(({ column, style }) => ({ column: columnText(column), style })),
    reasons: facts.reasons,
    needs: needsOf(facts.needs, life, context.crowd),
    estimate: facts.estimate,
    rowsMax: facts.rowsMax,
    budgets: facts.budgets,
    transactionOpen: facts.asker.transaction === 'open',
    locks: facts.locks,
    counterOffer: facts.counterOffer,
    sibling: facts.sibling,
    votes: votesInForce(life.votes).map((vote) => viewVote(vote, facts.needs, context.crowd)),
    settled: life.settled === undefined ? undefined : { ...life.settled, reason: personWords(life.settled.reason) },
    stepUp: stepUpOf(facts, context.levels),
    offers: offersOf(facts),
    askedAt: facts.askedAt,
    waitUntil: waiters.reduce<UnixMillis | undefined>(
      (last, { until: end }) => (last === undefined || end > last ? end : last),
      undefined,
    ),
    waiting: waiters.length,
    openUntil: life.openUntil,
    grantUntil: until,
    grantMs: life.grantMs,
    uses: life.uses,
  };
}

function askerOf({ asker, session }: HeldFacts) {
  const { agent, owner, database, role, applicationName, clientAddress, reason } = asker;
  return {
    agent: visible(agent, 100),
    owner: visible(owner, 100),
    database: visible(database, 100),
    role: visible(role, 100),
    session,
    applicationName: sqlVisible(visible(applicationName, 100)),
    clientAddress: visible(clientAddress, 100),
    agentReason: reason === undefined ? undefined : sqlVisible(visible(reason, 500)),
  };
}

function sqlOf({ statement }: HeldFacts): HoldView['sql'] {
  const { canonical, canonicalHidden, leftOut, unreadable, comments, hash } = statement;
  // Lines and tabs stay what they are; everything else that does not show is shown as its code.
  const raw = statement.text
    .split(/(\r\n|[\n\t])/)
    .map((part) => (/^(?:\r\n|[\n\t])$/.test(part) ? part.replace('\r', '') : sqlVisible(part)));
  const parameters = parametersIn(statement.text);
  return { canonical, canonicalHidden, leftOut, unreadable, raw: raw.join(''), parameters, comments, hash };
}

/** Looked for in tokens only where there may be one: lists hold hundreds of statements. */
function parametersIn(text: string): number {
  if (!/\$\d/.test(text)) return 0;
  const tokens = (tokensOf(text) ?? []).filter(({ kind }) => kind === 'parameter');
  return tokens.reduce((most, { start, end }) => Math.max(most, Number(text.slice(start + 1, end))), 0);
}

function actionsOf({ reasons: [first, ...more] }: HeldFacts): HoldView['actions'] {
  return [first.action, ...new Set(more.map(({ action }) => action).filter((action) => action !== first.action))];
}

/** As people see it. */
export function shownColumn(column: ColumnName): string {
  const { table, own } = shownName(column);
  return `${table}.${own}`;
}

function shownName(column: ColumnName): { readonly table: string; readonly own: string } {
  return { table: tableText(column), own: column.column === '*' ? '*' : dottedVisible(column.column) };
}

function viewColumn(
  { column, level, category, uses, place, owner }: LeveledColumn,
  levels: Catalog['levelByName'],
): ViewColumn {
  const { table, own } = shownName(column);
  const rank = levels.get(level)?.rank ?? -1;
  return { column: `${table}.${own}`, table, name: own, level, rank, category, uses, place, owner };
}

const tableText = ({ relation: { schema, name } }: ColumnName): string => dottedVisible(schema, name);

const columnText = (column: ColumnName): string => `${tableText(column)}.${dottedVisible(column.column)}`;

function needsOf(needs: NonEmpty<Need>, life: HoldLife, crowd: Crowd): NonEmpty<ViewNeed> {
  const yes = new Set(
    votesInForce(life.votes)
      .filter(({ vote }) => vote === 'approve')
      .map(({ person }) => person),
  );
  const [first, ...more] = needs;
  const seen = (need: Need): ViewNeed => {
    const approvers = approversOf(need, crowd).map(({ name, email, slack }) => ({ name, email, slack }));
    const approvedBy = approvers.map(({ name }) => name).filter((name) => yes.has(name));
    const { groups, quorum } = need;
    const [met, unreachable] = [approvedBy.length >= quorum, approvers.length < quorum];
    return { groups, quorum, approvers, approvedBy, met, unreachable };
  };
  return [seen(first), ...more.map(seen)];
}

function viewVote(cast: CastVote, needs: readonly Need[], crowd: Crowd): ViewVote {
  const [reason, link] = [personWords(cast.reason), personWords(cast.link)];
  return { ...cast, reason, link, counts: standingOf(cast.person, needs, crowd).kind === 'approver' };
}

/** People's words go to other people's screens, and to the agent. */
function personWords(words: string | undefined): string | undefined {
  return words === undefined ? undefined : visible(words.replace(/\s+/g, ' '), 1_000);
}

/** Commands whose rows can be counted and stopped; a write is done before its first row comes back. */
const reading: ReadonlySet<string> = new Set(['SELECT', 'TABLE', 'VALUES', 'WITH', 'COPY TO STDOUT']);
const changing: ReadonlySet<string> = new Set([
  'write',
  'export',
  'destructive',
  'schema',
  'privilege',
  'session',
  'maintenance',
  'escape',
  'notKnown',
]);

/** What an approver may choose: first rows only of what reads; the shape only of what is understood, and changes nothing for good. */
export function offersOf(facts: Pick<HeldFacts, 'statement' | 'reasons' | 'shape' | 'masks'>): NonEmpty<Terms['kind']> {
  // A result that stands still in its middle is about rows whatever gives them: FETCH, RETURNING.
  const isAboutRows = facts.reasons.every(({ action }) => action === 'large');
  const reads =
    (isAboutRows || reading.has(facts.statement.command)) &&
    !facts.reasons.some(({ action }) => changing.has(action) && action !== 'export');
  const isShapely =
    facts.shape !== undefined &&
    !facts.reasons.some(({ action }) => ['schema', 'privilege', 'escape', 'notKnown'].includes(action));
  const more = [
    ...(reads ? (['rows'] as const) : []),
    ...(facts.masks.length > 0 ? (['masked'] as const) : []),
    ...(isShapely ? (['shape'] as const) : []),
  ];
  return isNonEmpty(more) ? ['once', ...more] : ['once'];
}
