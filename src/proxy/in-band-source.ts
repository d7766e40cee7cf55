// What stands in the proxy's own tables: this agent's holds from the desk, its budgets, and the verdict on a text by the very parts that would
// judge it if it came. Approvers' names are there only where the agent is told them anyway: with a decision.
import type { HoldBook } from '../approval/channel.ts';
import { outcomeText } from '../approval/card.ts';
import type { BudgetBook } from '../approval/budgets.ts';
import type { HoldView } from '../approval/view.ts';
import { columnText } from '../audit/bodies.ts';
import { placeText } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import type { GateParts } from '../gate-data.ts';
import type { Execution } from '../gate-data.ts';
import type { Reason, Verdict } from '../policy/verdict.ts';
import { headerBytes } from '../wire/frame.ts';
import { decodeServerMessage, fieldOf } from '../wire/server-messages.ts';
import { fromServer } from '../wire/message-types.ts';
import { rowsExpected } from '../sql/estimated.ts';
import type { Reading } from '../sql/reading.ts';
import type { InBandSource } from './in-band.ts';
import type { InBandRows } from './in-band-rows.ts';

export interface InBandSourceParts extends Pick<GateParts, 'judging' | 'offers'> {
  readonly desk: Pick<HoldBook, 'list'>;
  readonly budgets: Pick<BudgetBook, 'of'>;
}

const holdsMax = 50;
const sqlCharactersMax = 500;

export function inBandSource(parts: InBandSourceParts): InBandSource {
  const { desk, budgets } = parts;
  return {
    holds: async (agent) => (await desk.list({ agent, limit: holdsMax })).map(holdRow),
    budgets: async (agent) =>
      (await budgets.of(agent)).map(({ level, per, rowsMax, used, left, added }) => ({
        ...{ level, per, rows_max: rowsMax, rows_used: used, rows_left: left, rows_added: added },
      })),
    explain: (execution) => explainRows(execution, parts),
  };
}

function holdRow(view: HoldView): InBandRows[number] {
  const [reason] = view.reasons;
  const { settled } = view;
  return {
    ...{ id: view.id, state: view.state, command: view.command, uses: view.uses },
    asked_at: time(view.askedAt),
    waits_until: time(view.waitUntil),
    open_until: time(view.openUntil),
    usable_until: view.state === 'approved' && !view.lapsed ? time(view.grantUntil) : null,
    sql: visible(view.sql.raw.replace(/\s+/g, ' '), sqlCharactersMax),
    ...{ rule: reason.rule, reason: reason.words },
    columns: view.columns.map(({ column, level }) => ({ column, level })),
    asked: view.needs.map(({ groups, quorum, approvedBy }) => ({
      groups,
      quorum,
      approved: approvedBy.length,
    })),
    decided_at: time(settled?.at),
    decided_by: settled === undefined ? null : settled.by,
    decision: outcomeText(view) ?? null,
    would_pass: view.counterOffer ?? null,
  };
}

const time = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

async function explainRows(execution: Execution, { judging, offers }: InBandSourceParts): Promise<InBandRows> {
  const reading = await execution.reader.read(execution);
  if (reading.kind !== 'read') return [errorRow(reading)];
  const asker = execution.asker(reading.reason);
  const verdict = judging.verdict(reading, asker);
  const offer = verdict.kind === 'allow' ? undefined : await offers.narrower({ execution, asker, reading, verdict });
  const expected = rowsExpected(reading);
  const [reason] = verdict.reasons;
  return [
    {
      verdict: verdict.kind,
      reason: reason?.words ?? null,
      rule: reason?.rule ?? null,
      place: reason?.place === undefined ? null : placeText(reason.place),
      command: reading.statements.map((one) => one.analysis.command).join('; '),
      columns: columnsOf(verdict),
      asked: verdict.kind === 'hold' ? verdict.needs.map(({ groups, quorum }) => ({ groups, quorum })) : [],
      rows_expected: expected.known ? Math.round(expected.value) : null,
      rows_max: verdict.rowsMax ?? null,
      would_pass: offer ?? null,
      reasons: verdict.reasons.map(reasonJson),
    },
  ];
}

/** Nobody judges it: the server refuses it. */
function errorRow(reading: Exclude<Reading, { readonly kind: 'read' }>): InBandRows[number] {
  const said = reading.kind === 'serverAnswers' && reading.error !== undefined ? saidBy(reading.error) : undefined;
  const why = reading.kind === 'serverAnswers' ? reading.why : 'an earlier error';
  return { verdict: 'error', reason: visible(said ?? why, 500), columns: [], asked: [], reasons: [] };
}

function saidBy(frame: Buffer): string | undefined {
  const message = decodeServerMessage(fromServer.error, frame.subarray(headerBytes));
  return message.kind === 'error' ? fieldOf(message.fields, 'M') : undefined;
}

/** A level may read thousands of columns; an agent needs to see which. */
const columnsMax = 200;

function columnsOf(verdict: Pick<Verdict, 'columns'>): readonly object[] {
  return verdict.columns
    .slice(0, columnsMax)
    .map((one) => ({ column: visible(columnText(one)), level: one.level, uses: one.uses }));
}

function reasonJson({ verdict, action, rule, words, place, columns }: Reason): object {
  const where = place === undefined ? null : placeText(place);
  const names = columns.slice(0, columnsMax).map((one) => visible(columnText(one)));
  return { verdict, action, rule, words: visible(words), place: where, columns: names };
}
