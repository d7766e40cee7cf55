// Block Kit as data, and the only place where text becomes a block. Nothing from outside is ever put where Slack would read marks in it:
// it stands in plain text or in rich text, whose characters mean only themselves. So back-ticks end nothing, `<!channel>` calls
// nobody, and characters that do not show are shown as their codes.
import { inOrder, visible } from '../core/visible.ts';

export interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
  readonly emoji: false;
}

/** Only for words of our own; see `mentions`. */
interface Marked {
  readonly type: 'mrkdwn';
  readonly text: string;
}

export interface Confirm {
  readonly title: PlainText;
  readonly text: PlainText;
  readonly confirm: PlainText;
  readonly deny: PlainText;
}

export interface Button {
  readonly type: 'button';
  readonly action_id: string;
  readonly text: PlainText;
  readonly value?: string;
  readonly url?: string;
  readonly style?: 'primary' | 'danger';
  readonly confirm?: Confirm;
}

interface Style {
  readonly bold?: true;
  readonly italic?: true;
  readonly code?: true;
}

type RichPart =
  | { readonly type: 'text'; readonly text: string; readonly style?: Style }
  | { readonly type: 'link'; readonly url: string; readonly text: string };

export interface RichElement {
  readonly type: 'rich_text_section' | 'rich_text_quote' | 'rich_text_preformatted';
  readonly elements: readonly RichPart[];
}

interface Option {
  readonly text: PlainText;
  readonly value: string;
}

type Input =
  | {
      readonly type: 'plain_text_input';
      readonly action_id: string;
      readonly multiline: boolean;
      readonly min_length: number;
      readonly max_length: number;
    }
  | {
      readonly type: 'number_input';
      readonly action_id: string;
      readonly is_decimal_allowed: false;
      readonly min_value: string;
      readonly max_value: string;
      readonly initial_value?: string;
    }
  | {
      readonly type: 'static_select';
      readonly action_id: string;
      readonly options: readonly Option[];
      readonly initial_option: Option;
    };

export type Block =
  | { readonly type: 'header'; readonly text: PlainText }
  | { readonly type: 'divider' }
  | { readonly type: 'context'; readonly elements: readonly (PlainText | Marked)[] }
  | {
      readonly type: 'section';
      readonly block_id?: string;
      readonly text: PlainText | Marked;
      readonly accessory?: Button;
    }
  | { readonly type: 'rich_text'; readonly elements: readonly RichElement[] }
  | { readonly type: 'actions'; readonly block_id?: string; readonly elements: readonly Button[] }
  | {
      readonly type: 'input';
      readonly block_id: string;
      readonly label: PlainText;
      readonly hint?: PlainText;
      readonly optional: boolean;
      readonly element: Input;
    };

/** What a message is made of: blocks for people, text for notifications and screen readers. */
export interface Message {
  readonly text: string;
  readonly blocks: readonly Block[];
}

export const limits = {
  header: 150,
  sectionText: 3000,
  contextText: 2000,
  buttonText: 75,
  confirmTitle: 100,
  confirmText: 300,
  confirmButton: 30,
  modalTitle: 24,
  label: 150,
  optionText: 75,
  blocks: 50,
  /** Blocks and text of one card, as JSON. Real Slack begins to refuse above 13,000. */
  cardChars: 6000,
} as const;

/** Never between the halves of a character; what was left out shows. */
export function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const last = text.charCodeAt(lengthMax - 2);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? lengthMax - 2 : lengthMax - 1)}…`;
}

/** One line, everything visible. */
export function line(text: string, lengthMax: number): string {
  return cut(shown(text), lengthMax);
}

/** Line breaks and tabs stay; a lone half of a character, which JSON could not carry, does not. */
export function lines(text: string, lengthMax: number): string {
  const some = text.length > 4 * lengthMax ? text.slice(0, 4 * lengthMax) : text;
  const safe = some.replace(/\r\n?/g, '\n').split(/([\n\t])/);
  return cut(safe.map((part) => (part === '\n' || part === '\t' ? part : shown(part))).join(''), lengthMax);
}

/** Marks of ours make a text longer, and Slack refuses a whole card for one that is too long. */
const inPlace = (text: string, lengthMax: number): string => cut(inOrder(text), lengthMax);

const shown = (text: string): string => visible(text, 1_000_000);

export const plain = (text: string, lengthMax: number): PlainText => ({
  type: 'plain_text',
  text: inPlace(line(text, lengthMax), lengthMax) || ' ',
  emoji: false,
});

export const header = (text: string): Block => ({ type: 'header', text: plain(text, limits.header) });

export const context = (text: string): Block => ({ type: 'context', elements: [plain(text, limits.contextText)] });

export const section = (text: string): Block => ({ type: 'section', text: plain(text, limits.sectionText) });

export const textPart = (text: string, lengthMax: number, style?: Style): RichPart => ({
  type: 'text',
  text: inPlace(lines(text, lengthMax), lengthMax) || ' ',
  ...(style === undefined ? {} : { style }),
});

export const linkPart = (url: string, text: string): RichPart => ({
  type: 'link',
  url,
  text: inPlace(line(text, 200), 200),
});

export const richSection = (...elements: readonly RichPart[]): RichElement => ({ type: 'rich_text_section', elements });

export const quote = (text: string, lengthMax: number): RichElement => ({
  type: 'rich_text_quote',
  elements: [textPart(text, lengthMax)],
});

export const preformatted = (text: string, lengthMax: number): RichElement => ({
  type: 'rich_text_preformatted',
  elements: [textPart(text, lengthMax)],
});

export const rich = (...elements: readonly RichElement[]): Block => ({ type: 'rich_text', elements });

/** In the one line that Slack does read marks in: its own characters stand for themselves there too. */
export function escaped(text: string): string {
  return inOrder(shown(text))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[*_~`]/g, ' ');
}

const memberForm = /^[UW][A-Z0-9]{2,20}$/;

/** Calls these people by their ids, nobody else: an id that is not of Slack's form is left out. Never @channel or @here. */
export function mentions(ids: readonly string[], idsMax: number): string {
  const good = [...new Set(ids)].filter((id) => memberForm.test(id));
  const more = good.length > idsMax ? ` and ${good.length - idsMax} more` : '';
  return `${good
    .slice(0, idsMax)
    .map((id) => `<@${id}>`)
    .join(' ')}${more}`;
}

/** As each reader's own clock shows it. */
export function date(at: number): string {
  const seconds = Math.floor(at / 1000);
  const utc = new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
  return `<!date^${seconds}^{date_short_pretty} {time}|${utc} UTC>`;
}

/** Of `escaped`, `mentions` and `date` only. */
export const marked = (text: string): Block => ({
  type: 'section',
  text: { type: 'mrkdwn', text: cut(text, limits.sectionText) },
});

export function button(id: string, text: string, more: Omit<Button, 'type' | 'action_id' | 'text'> = {}): Button {
  return { type: 'button', action_id: id, text: plain(text, limits.buttonText), ...more };
}

export function confirm(title: string, text: string, yes: string): Confirm {
  return {
    title: plain(title, limits.confirmTitle),
    text: plain(text, limits.confirmText),
    confirm: plain(yes, limits.confirmButton),
    deny: plain('Not yet', limits.confirmButton),
  };
}

export const sizeOf = (message: Message): number => JSON.stringify(message.blocks).length + message.text.length;
