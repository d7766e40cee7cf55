// From what the gate knows to what is stored about a hold. Pure; the words that people will read are made here once, with everything
// in them visible.
import { isNonEmpty, type HoldId, type UnixMillis } from '../core/brand.ts';
import type { HoldConfig } from '../core/config-types.ts';
import { visible } from '../core/visible.ts';
import { cardSql, dottedVisible, sqlVisible } from '../sql/canonical.ts';
import type { MaskedRead } from '../policy/masking.ts';
import type { Reason } from '../policy/verdict.ts';
import type { HoldRequest } from './desk.ts';
import type { HeldFacts, HeldReason, HeldStatement, HoldLife, Sibling, Waiter } from './hold.ts';

export interface Asking {
  readonly id: HoldId;
  readonly binding: string;
  readonly shape: string | undefined;
  readonly sibling: Sibling | undefined;
  readonly now: UnixMillis;
}

/** Longer texts are cut in the middle for people; the whole stands beside it. */
const canonicalCharactersMax = 20_000;
/** The whole text as it is kept for the console: a megabyte of padding is for nobody to read. */
const textCharactersMax = 100_000;
const reasonsMax = 50;
const columnsMax = 1_000;

export function factsFrom(request: HoldRequest, asking: Asking): HeldFacts {
  const { verdict, asker } = request;
  const { id, binding, shape, sibling, now } = asking;
  const reasons = verdict.reasons
    .filter((reason) => reason.verdict !== 'allow')
    .slice(0, reasonsMax)
    .map(heldReason);
  if (!isNonEmpty(reasons)) throw new Error('a hold without a reason');
  return {
    id,
    session: request.session,
    asker: { ...asker, reason: asker.reason === undefined ? undefined : asker.reason.slice(0, 1_000) },
    binding,
    shape,
    statement: heldStatement(request),
    parameters: request.parameters,
    searchPath: request.searchPath,
    schemaVersion: request.schemaVersion,
    catalogVersion: verdict.catalogVersion,
    reasons,
    columns: verdict.columns.slice(0, columnsMax),
    masks: maskable(verdict.masksOffered),
    needs: verdict.needs,
    estimate: request.estimate,
    rowsMax: verdict.rowsMax,
    budgets: (request.budgets ?? []).map((line) => visible(line, 200)),
    locks: request.locks,
    counterOffer: request.counterOffer === undefined ? undefined : sqlVisible(request.counterOffer),
    sibling,
    askedAt: now,
  };
}

export function lifeFrom(facts: HeldFacts, waiter: Waiter, config: HoldConfig): HoldLife {
  return {
    id: facts.id,
    agent: facts.asker.agent,
    openUntil: (facts.askedAt + config.waitMs + config.pendingMs) as UnixMillis,
    grantMs: config.grantMs,
    waiters: [waiter],
    timedOut: false,
    votes: [],
    settled: undefined,
    uses: 0,
    granted: false,
    recorded: { held: false, votes: 0, settled: false },
  };
}

/** People choose among what they can read: of more columns than are kept, none is offered. */
function maskable(offered: readonly MaskedRead[] = []): readonly MaskedRead[] {
  return offered.length > columnsMax ? [] : offered;
}

function heldStatement({ statement }: HoldRequest): HeldStatement {
  const shown = cardSql(statement.text, { charactersMax: canonicalCharactersMax, literals: 'shown' });
  const hidden = cardSql(statement.text, { charactersMax: canonicalCharactersMax, literals: 'hidden' });
  const { text, hash, command } = statement;
  const isLong = text.length > textCharactersMax;
  return {
    hash,
    command,
    text: isLong
      ? `${text.slice(0, textCharactersMax)}\n⋯ ${text.length - textCharactersMax} characters left out ⋯`
      : text,
    canonical: shown.sql,
    // What cannot be cut into tokens may hold values anywhere.
    canonicalHidden: hidden.unreadable ? '(a text that cannot be read; see the whole)' : hidden.sql,
    leftOut: shown.leftOut,
    unreadable: shown.unreadable,
    comments: shown.comments,
  };
}

function heldReason({ action, rule, words, place, columns }: Reason): HeldReason {
  return {
    action,
    rule: visible(rule, 200),
    words: sqlVisible(visible(words, 1_000)),
    place,
    columns: columns.slice(0, columnsMax).map(({ column: { relation, column } }) => {
      const table = dottedVisible(relation.schema, relation.name);
      return column === '*' ? `${table}.*` : `${table}.${dottedVisible(column)}`;
    }),
  };
}
