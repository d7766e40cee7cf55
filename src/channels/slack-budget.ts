// More rows for one of an agent's budgets, from a card: the dialog and what was typed into it. Whose word counts is the desk's business.
import type { BudgetView, TopUp } from '../approval/budgets.ts';
import { headline } from '../approval/card.ts';
import { termsLimits } from '../approval/terms.ts';
import type { HoldView } from '../approval/view.ts';
import { limits, line, plain, section, type Block } from './slack-blocks.ts';
import { modalOf, originIn, type DialogOrigin, type Modal } from './slack-dialogs.ts';
import type { Submission } from './slack-payload.ts';

const budgetDialogId = 'cs_budget_dialog';
const fields = { budget: 'cs_budget', rows: 'cs_budget_rows', reason: 'cs_budget_reason' } as const;

/** Slack takes so many in one list. */
const optionsMax = 100;

/** `budgets`: those that the card draws on. Undefined: none does any more. */
export function budgetDialog(view: HoldView, origin: DialogOrigin, budgets: readonly BudgetView[]): Modal | undefined {
  const options = budgets.slice(0, optionsMax).map(({ level, per, left, rowsMax }) => ({
    text: plain(line(`${level}, ${left} of ${rowsMax} rows left in ${per}`, limits.optionText), limits.optionText),
    value: JSON.stringify([level, per]),
  }));
  const [first] = options;
  if (first === undefined) return undefined;
  const words = `${headline(view)}. More rows for ${view.agent} until the window is over, whatever it reads of that level. This card stays as it is.`;
  const input = (id: string, text: string) =>
    ({ type: 'input', block_id: id, label: plain(text, limits.label) }) as const;
  const rows: Block = {
    ...input(fields.rows, 'Rows more'),
    optional: false,
    element: {
      ...{ type: 'number_input', action_id: fields.rows, is_decimal_allowed: false },
      ...{ min_value: '1', max_value: String(termsLimits.rowsMax) },
    },
  };
  const reason: Block = {
    ...input(fields.reason, 'Why'),
    optional: true,
    hint: plain('It goes on the record.', limits.label),
    element: { type: 'plain_text_input', action_id: fields.reason, multiline: false, min_length: 1, max_length: 500 },
  };
  const budget: Block = {
    ...input(fields.budget, 'Budget'),
    optional: false,
    element: { type: 'static_select', action_id: fields.budget, options, initial_option: first },
  };
  return {
    ...modalOf(budgetDialogId, origin, { title: 'More rows', submit: 'Add' }),
    blocks: [section(line(words, 600)), budget, rows, reason],
  };
}

export type BudgetFilled =
  | {
      readonly kind: 'budget';
      readonly origin: DialogOrigin;
      readonly more: Pick<TopUp, 'level' | 'per' | 'rows' | 'reason'>;
    }
  | { readonly kind: 'wrong'; readonly errors: Readonly<Record<string, string>> }
  | { readonly kind: 'unknown' };

export function budgetIn({ callback, metadata, values }: Submission): BudgetFilled {
  const origin = originIn(metadata);
  if (callback !== budgetDialogId || origin === undefined) return { kind: 'unknown' };
  const typed = values.get(fields.rows) ?? '';
  const rows = /^\d{1,12}$/.test(typed) ? Number(typed) : Number.NaN;
  if (!(rows >= 1 && rows <= termsLimits.rowsMax)) {
    return { kind: 'wrong', errors: { [fields.rows]: `A whole number from 1 to ${termsLimits.rowsMax}.` } };
  }
  const chosen = chosenIn(values.get(fields.budget) ?? '');
  if (chosen === undefined) return { kind: 'wrong', errors: { [fields.budget]: 'Choose a budget.' } };
  const [level, per] = chosen;
  return { kind: 'budget', origin, more: { level, per, rows, reason: values.get(fields.reason) } };
}

function chosenIn(value: string): readonly [string, string] | undefined {
  let read: unknown;
  try {
    read = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (!Array.isArray(read)) return undefined;
  const [level, per]: readonly unknown[] = read;
  return typeof level === 'string' && typeof per === 'string' ? [level, per] : undefined;
}
