// The two dialogs: why not, and what exactly is permitted. What was typed is checked before the dialog closes, with the words beside the field.
import { termsLimits, type Terms } from '../approval/terms.ts';
import type { HoldView } from '../approval/view.ts';
import { headline } from '../approval/card.ts';
import { limits, plain, section, type Block } from './slack-blocks.ts';
import { at, isRecord } from './slack-json.ts';
import { isHoldId, type Submission } from './slack-payload.ts';
import type { HoldId } from '../core/brand.ts';

export const dialogs = { deny: 'cs_deny_dialog', shape: 'cs_shape_dialog' } as const;
const fields = { reason: 'cs_reason', forMs: 'cs_for', uses: 'cs_uses', rows: 'cs_rows_each' } as const;

export interface Modal {
  readonly type: 'modal';
  readonly callback_id: string;
  readonly private_metadata: string;
  readonly title: ReturnType<typeof plain>;
  readonly submit: ReturnType<typeof plain>;
  readonly close: ReturnType<typeof plain>;
  readonly blocks: readonly Block[];
}

/** Where the click came from, to answer there. */
export interface DialogOrigin {
  readonly hold: HoldId;
  readonly channel: string | undefined;
  readonly ts: string | undefined;
}

export const modalOf = (callback: string, origin: DialogOrigin, words: { title: string; submit: string }) => ({
  type: 'modal' as const,
  callback_id: callback,
  private_metadata: JSON.stringify(origin),
  title: plain(words.title, limits.modalTitle),
  submit: plain(words.submit, limits.modalTitle),
  close: plain('Back', limits.modalTitle),
});

export function denyDialog(view: HoldView, origin: DialogOrigin): Modal {
  const reason: Block = {
    type: 'input',
    block_id: fields.reason,
    optional: false,
    label: plain('Why not', limits.label),
    hint: plain(`${view.agent} is told this, and it goes on the record.`, limits.label),
    element: { type: 'plain_text_input', action_id: fields.reason, multiline: true, min_length: 1, max_length: 500 },
  };
  return {
    ...modalOf(dialogs.deny, origin, { title: 'Deny', submit: 'Deny' }),
    blocks: [section(headline(view)), reason],
  };
}

const times: readonly (readonly [string, number])[] = [
  ['15 minutes', 15 * 60_000],
  ['1 hour', 3_600_000],
  ['8 hours', 8 * 3_600_000],
  ['1 day', 86_400_000],
  ['7 days', 7 * 86_400_000],
];

export function shapeDialog(view: HoldView, origin: DialogOrigin): Modal {
  const options = times.map(([words, ms]) => ({ text: plain(words, limits.optionText), value: String(ms) }));
  const [first] = options;
  if (first === undefined) throw new Error('no times to choose from');
  const number = (id: string, more: { max: number; initial?: string; optional: boolean; label: string }): Block => ({
    type: 'input',
    block_id: id,
    optional: more.optional,
    label: plain(more.label, limits.label),
    element: {
      type: 'number_input',
      action_id: id,
      is_decimal_allowed: false,
      min_value: '1',
      max_value: String(more.max),
      ...(more.initial === undefined ? {} : { initial_value: more.initial }),
    },
  });
  const words = `${headline(view)}. The same statement and columns, with any values, by ${view.agent} only; it ends when the classification changes.`;
  return {
    ...modalOf(dialogs.shape, origin, { title: 'Approve this shape', submit: 'Approve' }),
    blocks: [
      section(words),
      {
        type: 'input',
        block_id: fields.forMs,
        optional: false,
        label: plain('For how long', limits.label),
        element: { type: 'static_select', action_id: fields.forMs, options, initial_option: first },
      },
      number(fields.uses, { max: termsLimits.usesMax, initial: '10', optional: false, label: 'How often' }),
      number(fields.rows, { max: termsLimits.rowsMax, optional: true, label: 'Rows each time, at most' }),
    ],
  };
}

export type Filled =
  | { readonly kind: 'deny'; readonly origin: DialogOrigin; readonly reason: string }
  | { readonly kind: 'shape'; readonly origin: DialogOrigin; readonly terms: Terms }
  /** By field, words to show beside it. */
  | { readonly kind: 'wrong'; readonly errors: Readonly<Record<string, string>> }
  | { readonly kind: 'unknown' };

export function filledIn(submission: Submission): Filled {
  const origin = originIn(submission.metadata);
  if (origin === undefined) return { kind: 'unknown' };
  if (submission.callback === dialogs.deny) {
    const reason = (submission.values.get(fields.reason) ?? '').trim();
    if (reason === '') return { kind: 'wrong', errors: { [fields.reason]: 'A denial needs a reason.' } };
    return { kind: 'deny', origin, reason: reason.slice(0, 500) };
  }
  return submission.callback === dialogs.shape ? shapeIn(submission, origin) : { kind: 'unknown' };
}

function shapeIn({ values }: Submission, origin: DialogOrigin): Filled {
  const whole = (id: string): number => (/^\d{1,12}$/.test(values.get(id) ?? '') ? Number(values.get(id)) : Number.NaN);
  const [forMs, usesMax] = [whole(fields.forMs), whole(fields.uses)];
  const rowsMax = values.has(fields.rows) ? whole(fields.rows) : undefined;
  const errors: Record<string, string> = {};
  if (!(forMs >= termsLimits.forMsMin && forMs <= termsLimits.forMsMax)) errors[fields.forMs] = 'Choose a time.';
  if (!(usesMax >= 1 && usesMax <= termsLimits.usesMax))
    errors[fields.uses] = `A whole number from 1 to ${termsLimits.usesMax}.`;
  if (rowsMax !== undefined && !(rowsMax >= 1 && rowsMax <= termsLimits.rowsMax))
    errors[fields.rows] = `A whole number from 1 to ${termsLimits.rowsMax}, or nothing.`;
  if (Object.keys(errors).length > 0) return { kind: 'wrong', errors };
  return { kind: 'shape', origin, terms: { kind: 'shape', forMs, usesMax, rowsMax } };
}

export function originIn(metadata: string): DialogOrigin | undefined {
  let read: unknown;
  try {
    read = JSON.parse(metadata);
  } catch {
    return undefined;
  }
  const hold = at(read, 'hold');
  if (!isRecord(read) || hold === undefined || !isHoldId(hold)) return undefined;
  return { hold, channel: at(read, 'channel'), ts: at(read, 'ts') };
}
