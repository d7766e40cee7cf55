// What an agent is told when its statement does not run, and while it waits: words for a person, facts for a program, a hint for the
// next try. Nothing here decides; every text from outside was made visible by whoever put it into a verdict or a view.
import { ProxyError } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { dottedVisible } from '../sql/canonical.ts';
import type { LeveledColumn, Reason, Verdict } from '../policy/verdict.ts';
import type { Answer } from './desk.ts';
import type { HoldView } from './view.ts';

const columnsMax = 20;
const reasonsMax = 3;

/** A rule forbids it; asking people would not help. */
export function forbidden(verdict: Extract<Verdict, { readonly kind: 'deny' }>, offer: string | undefined): ProxyError {
  const against = verdict.reasons.filter((reason) => reason.verdict === 'deny');
  const unknown = against.every((reason) => reason.action === 'notKnown');
  return new ProxyError(unknown ? 'NOT_KNOWN' : 'POLICY', `refused: ${wordsOf(against)}`, {
    hint: offer === undefined ? 'Nobody can approve this; ask for less.' : passes(offer),
    facts: {
      ...{ rule: against[0]?.rule, columns: columnsOf(against), reason: wordsOf(against) },
      ...(offer === undefined ? {} : { offer }),
    },
  });
}

/** People did not say yes, or did not say it in time. */
export function unreleased(answer: Exclude<Answer, { readonly kind: 'released' }>): ProxyError {
  if (answer.kind === 'unavailable') return answer.error;
  const { hold } = answer;
  const reason = wordsOf(hold.reasons);
  const facts = { hold: hold.id, rule: hold.reasons[0].rule, columns: viewColumns(hold), reason };
  const offer = hold.counterOffer;
  switch (answer.kind) {
    case 'denied': {
      const by = answer.by.length === 0 ? '' : ` by ${answer.by.join(', ')}`;
      return new ProxyError('DENIED', `denied${by}: ${visible(answer.reason, 500)}`, {
        hint: offer === undefined ? 'Ask for less, or say why with SET countersign.reason.' : passes(offer),
        facts: { ...facts, reason: answer.reason },
      });
    }
    case 'expired':
      return new ProxyError('HOLD_TIMEOUT', `nobody decided in time about hold ${hold.id}`, {
        hint:
          hold.state === 'open'
            ? 'The hold stays open for a while: send exactly the same again later to use an approval that came meanwhile.'
            : 'Send it again to ask again.',
        facts: { ...facts, state: hold.state, open_until: new Date(hold.openUntil).toISOString() },
      });
    case 'withdrawn':
      return new ProxyError('HOLD_WITHDRAWN', 'canceling statement due to user request', { facts });
  }
}

/** What was approved is no longer what would run. */
export function changedMeanwhile(hold: HoldView): ProxyError {
  return new ProxyError('HOLD_CHANGED', `hold ${hold.id} was approved, but what it means changed while it waited`, {
    hint: 'The schema, the classification or the session changed. Send it again to ask again.',
    facts: { hold: hold.id, rule: hold.reasons[0].rule, columns: viewColumns(hold), reason: wordsOf(hold.reasons) },
  });
}

export interface WaitingNotice {
  readonly message: string;
  readonly detail: string;
  readonly hint: string | undefined;
}

/** Said at once, and again with each heartbeat. */
export function waitingNotice(hold: HoldView, waitMs: number, consoleUrl: string | undefined): WaitingNotice {
  const asked = [...new Set(hold.needs.flatMap((need) => need.groups))].join(', ');
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return {
    message: `held for approval ${hold.id}: ${wordsOf(hold.reasons)}; asked: ${asked}; waiting up to ${seconds} s`,
    detail: JSON.stringify({
      code: 'HELD',
      hold: hold.id,
      rule: hold.reasons[0].rule,
      columns: viewColumns(hold),
      reason: wordsOf(hold.reasons),
      asked: hold.needs.map(({ groups, quorum, approvedBy }) => ({ groups, quorum, approved: approvedBy.length })),
      wait_seconds: seconds,
    }),
    hint: consoleUrl === undefined ? undefined : `${consoleUrl}/holds/${hold.id}`,
  };
}

const passes = (offer: string): string => `This would pass: ${offer}`;

function wordsOf(reasons: readonly { readonly words: string }[]): string {
  const shown = reasons.slice(0, reasonsMax).map((reason) => reason.words);
  const more = reasons.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

interface NamedColumn {
  readonly column: string;
  readonly level: string;
}

function columnsOf(reasons: readonly Reason[]): readonly NamedColumn[] {
  const all = reasons.flatMap((reason) => reason.columns).map(named);
  return [...new Map(all.map((one) => [one.column, one])).values()].slice(0, columnsMax);
}

function named({ column: { relation, column }, level }: LeveledColumn): NamedColumn {
  return { column: visible(dottedVisible(relation.schema, relation.name, column), 200), level };
}

/** Those that it is held for; what else it reads is nobody's concern here. */
function viewColumns(hold: HoldView): readonly NamedColumn[] {
  const asked = new Set(hold.reasons.flatMap((reason) => reason.columns));
  const held = hold.columns.filter(({ column }) => asked.has(column));
  return held.slice(0, columnsMax).map(({ column, level }) => ({ column, level }));
}
