// A hold as JSON, for the API and whoever scripts against it. Members are added, never renamed.
import { placeText, type Place } from '../core/place.ts';
import { parseDuration } from '../core/durations.ts';
import { cardLines, headline } from '../approval/card.ts';
import type { Terms } from '../approval/terms.ts';
import { termsText } from '../approval/terms.ts';
import type { HoldView } from '../approval/view.ts';

/** What is not there is null, so that every hold has the same members. */
export function holdJson(view: HoldView): Readonly<Record<string, unknown>> {
  const [reason] = view.reasons;
  return {
    id: view.id,
    state: view.state,
    headline: headline(view),
    ...askerJson(view),
    sql: view.sql.canonical,
    sql_raw: view.sql.raw,
    comments: view.sql.comments,
    statement: view.sql.hash,
    command: view.command,
    actions: view.actions,
    columns: view.columns.map(({ column, level, category, uses, place, owner }) => ({
      column,
      level,
      category: category ?? null,
      uses,
      place: placeJson(place),
      owner: owner ?? null,
    })),
    rule: reason.rule,
    reason: reason.words,
    reasons: view.reasons.map(({ action, rule, words, place, columns }) => {
      return { action, rule, words, place: placeJson(place), columns };
    }),
    rows_expected: view.estimate.known ? Math.round(view.estimate.value) : null,
    rows_max: view.rowsMax ?? null,
    budgets: view.budgets,
    transaction: { open: view.transactionOpen, locks: view.locks.known ? view.locks.value : null },
    asked_at: time(view.askedAt),
    deadline: time(view.openUntil),
    wait_until: time(view.waitUntil),
    waiting: view.waiting,
    ...peopleJson(view),
    ...outcomeJson(view),
    masks: view.masks,
    counter_offer: view.counterOffer ?? null,
    offers: view.offers,
    card: cardLines(view),
  };
}

function askerJson(view: HoldView) {
  return {
    agent: view.agent,
    owner: view.owner,
    database: view.database,
    role: view.role,
    session: view.session,
    application_name: view.applicationName,
    client_address: view.clientAddress,
    agent_reason: view.agentReason ?? null,
  };
}

function peopleJson(view: HoldView) {
  return {
    needs: view.needs.map(({ groups, quorum, approvers, approvedBy, met }) => {
      return { groups, quorum, approvers: approvers.map(({ name }) => name), approved_by: approvedBy, met };
    }),
    votes: view.votes.map(({ person, vote, channel, at, reason, terms, link, counts }) => ({
      person,
      vote,
      channel,
      at: time(at),
      reason: reason ?? null,
      terms: terms === undefined ? null : termsText(terms),
      link: link ?? null,
      counts,
    })),
  };
}

function outcomeJson({ settled, lapsed, uses, grantUntil, sibling }: HoldView) {
  return {
    decision:
      settled === undefined
        ? null
        : {
            state: settled.state,
            at: time(settled.at),
            by: settled.by,
            terms: settled.terms === undefined ? null : termsText(settled.terms),
            reason: settled.reason ?? null,
          },
    lapsed,
    uses,
    grant_until: time(grantUntil),
    sibling: sibling === undefined ? null : { ...sibling, at: time(sibling.at) },
  };
}

const time = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
const placeJson = (place: Place | undefined): string | null => (place === undefined ? null : placeText(place));

/** Terms as scripts write them. */
export interface TermsJson {
  readonly kind: 'once' | 'rows' | 'masked' | 'shape';
  readonly rows?: number | undefined;
  /** A duration: `2h`. */
  readonly for?: string | undefined;
  readonly uses?: number | undefined;
}

/** Undefined: a member is missing, or not of the form it should have. */
export function termsOfJson({ kind, rows, uses, for: duration }: TermsJson): Terms | undefined {
  switch (kind) {
    case 'once':
      return { kind };
    case 'rows':
      return rows === undefined ? undefined : { kind, rowsMax: rows };
    case 'masked':
      return { kind, rowsMax: rows };
    case 'shape': {
      const forMs = parseDuration(duration ?? '');
      return forMs === undefined || uses === undefined ? undefined : { kind, forMs, usesMax: uses, rowsMax: rows };
    }
  }
}
