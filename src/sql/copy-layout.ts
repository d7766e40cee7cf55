// How the rows of a COPY … TO will look: what somebody must know who wants to find a column in them. Not known whenever an option is
// not understood for sure, because a separator taken for a letter would let a masked value pass.
import { known, notKnown, type Known } from '../core/known.ts';
import { foldAscii } from '../core/names.ts';
import { stringOf, type Node } from './ast.ts';
import type { CopyStmt } from './ast-utility.ts';

export type CopyLayout =
  | { readonly kind: 'binary' }
  /** Separators as bytes; `null` as the bytes in Latin-1. `header`: the first row names the columns. */
  | { readonly kind: 'text'; readonly delimiter: number; readonly null: string; readonly header: boolean }
  | {
      readonly kind: 'csv';
      readonly delimiter: number;
      readonly null: string;
      readonly header: boolean;
      readonly quote: number;
      readonly escape: number;
    };

const understood = new Set(['format', 'delimiter', 'null', 'header', 'quote', 'escape', 'force_quote', 'freeze']);

export function copyLayoutOf(statement: CopyStmt): Known<CopyLayout> {
  const options = new Map<string, Node | undefined>();
  for (const option of statement.options ?? []) {
    const name = foldAscii(option.DefElem?.defname ?? '');
    // An encoding of its own could make a separator the second half of a character.
    if (!understood.has(name) || options.has(name)) return notKnown(`COPY with the option ${name}`);
    options.set(name, option.DefElem?.arg);
  }
  const format = options.has('format') ? stringOf(options.get('format')) : 'text';
  const text = (name: string, usual: string): string | undefined =>
    options.has(name) ? stringOf(options.get(name)) : usual;
  const isCsv = format === 'csv';
  if (format === 'binary') return known({ kind: 'binary' });
  if (format !== 'text' && !isCsv) return notKnown('COPY in a format that is not known');
  const delimiter = byteOf(text('delimiter', isCsv ? ',' : '\t'));
  const nullText = text('null', isCsv ? '' : '\\N');
  const header = headerOf(options);
  const quote = byteOf(text('quote', '"'));
  const escape = options.has('escape') ? byteOf(text('escape', '')) : quote;
  if (delimiter === undefined || nullText === undefined || header === undefined) return notKnown('COPY options');
  if (/[^\x20-\x7e]/.test(nullText)) return notKnown('COPY with a NULL that is not plain ASCII');
  if (!isCsv) return known({ kind: 'text', delimiter, null: nullText, header });
  if (quote === undefined || escape === undefined) return notKnown('COPY options');
  return known({ kind: 'csv', delimiter, null: nullText, header, quote, escape });
}

function byteOf(text: string | undefined): number | undefined {
  return text?.length === 1 && text.charCodeAt(0) < 128 ? text.charCodeAt(0) : undefined;
}

/** defGetCopyHeaderChoice: without a value it is on. */
function headerOf(options: ReadonlyMap<string, Node | undefined>): boolean | undefined {
  if (!options.has('header')) return false;
  const argument = options.get('header');
  if (argument === undefined) return true;
  if (argument.Boolean !== undefined) return argument.Boolean.boolval === true;
  if (argument.Integer !== undefined) return (argument.Integer.ival ?? 0) === 1;
  const word = foldAscii(stringOf(argument) ?? '');
  if (word === 'true' || word === 'on') return true;
  return word === 'false' || word === 'off' ? false : undefined;
}
