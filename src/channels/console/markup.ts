// HTML that cannot be made from a string by accident. What stands between the marks of a template is text: escaped for every place in
// a page (element, quoted attribute), with every character that does not show itself written as its code. Only `markup` makes Markup.
import { visible } from '../../core/visible.ts';

export class Markup {
  readonly #text: string;

  constructor(parts: readonly string[], values: readonly Fill[]) {
    this.#text = parts.map((part, at) => part + filled(values[at])).join('');
  }

  toString(): string {
    return this.#text;
  }
}

export type Fill = Markup | string | number | undefined | false | readonly Fill[];

/**
 * Attributes are always written in double quotes: what is filled in cannot end them. Not named `html`, which formatters take for
 * their own and lay out anew: blanks count inside `pre`.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Fill[]): Markup {
  return new Markup(parts, values);
}

export const nothing = markup``;

function filled(value: Fill): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.toString();
  if (typeof value === 'string') return escaped(visible(value, Number.POSITIVE_INFINITY));
  if (typeof value === 'number') return String(value);
  return value.map(filled).join('');
}

const marks: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (mark) => marks[mark] ?? '');
}
