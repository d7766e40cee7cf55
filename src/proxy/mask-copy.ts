// Rows of COPY in its text and CSV forms with some columns masked. The server sends one row in each CopyData; what is between the
// separators is taken apart only as far as the masked columns need it.
import { violation } from '../wire/cursor.ts';
import type { CopyLayout } from '../sql/copy-layout.ts';
import { Slab, type Rewritten } from './mask-rows.ts';
import type { ValueMask } from './mask-types.ts';

type TextLayout = Exclude<CopyLayout, { readonly kind: 'binary' }>;

interface Field {
  readonly start: number;
  readonly end: number;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const backslash = 0x5c;

export class CopyMasker {
  readonly #layout: TextLayout;
  readonly #columns: readonly (ValueMask | undefined)[];
  readonly #null: Buffer;
  readonly #isNullSure: boolean;
  readonly #slab = new Slab();
  readonly #growth: number;
  #scratch: Buffer = Buffer.alloc(256);
  #isHeader: boolean;

  constructor(layout: TextLayout, columns: readonly (ValueMask | undefined)[]) {
    this.#layout = layout;
    this.#columns = columns;
    this.#null = Buffer.from(layout.null, 'latin1');
    this.#isNullSure = isNullSure(layout);
    this.#isHeader = layout.header;
    // Every byte of a mask may have to be escaped, and the whole be put in quotes.
    this.#growth = columns.reduce((sum, mask) => sum + 2 * (mask?.bytesMax ?? 0) + this.#null.length + 2, 0);
  }

  /** A whole CopyData frame. */
  row(bytes: Buffer, start: number, end: number): Rewritten {
    const body = start + 5;
    if (this.#isHeader) {
      this.#isHeader = false;
      return { bytes, start, end };
    }
    const lineEnd = lineEndOf(bytes, body, end);
    const fields = this.#layout.kind === 'csv' ? this.#csv(bytes, body, lineEnd) : this.#text(bytes, body, lineEnd);
    if (fields.length !== this.#columns.length) throw violation('a row of another width');
    const room = this.#slab.room(end - start + this.#growth);
    const out = room.bytes;
    let at = room.at + 5;
    out[room.at] = bytes[start] ?? 0;
    let copied = body;
    fields.forEach((field, index) => {
      const mask = this.#columns[index];
      if (mask === undefined || (this.#isNullSure && this.#isNull(bytes, field))) return;
      at += bytes.copy(out, at, copied, field.start);
      at = this.#isNullSure ? this.#masked(mask, bytes, field, out, at) : at + this.#null.copy(out, at);
      copied = field.end;
    });
    at += bytes.copy(out, at, copied, end);
    out.writeUInt32BE(at - room.at - 1, room.at + 1);
    this.#slab.written(at);
    return { bytes: out, start: room.at, end: at };
  }

  /** A separator inside a value stands behind a backslash. */
  #text(bytes: Buffer, start: number, end: number): readonly Field[] {
    const { delimiter } = this.#layout;
    const fields: Field[] = [];
    let from = start;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === backslash) at += 1;
      else if (byte === delimiter) {
        fields.push({ start: from, end: at });
        from = at + 1;
      }
    }
    fields.push({ start: from, end });
    return fields;
  }

  /** The server puts a value as a whole in quotes, or not at all. */
  #csv(bytes: Buffer, start: number, end: number): readonly Field[] {
    const { delimiter } = this.#layout;
    const { quote, escape } = quotesOf(this.#layout);
    const fields: Field[] = [];
    let from = start;
    let isQuoted = false;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at];
      if (isQuoted) {
        if (byte === escape && (bytes[at + 1] === quote || bytes[at + 1] === escape)) at += 1;
        else if (byte === quote) isQuoted = false;
      } else if (byte === quote) isQuoted = true;
      else if (byte === delimiter) {
        fields.push({ start: from, end: at });
        from = at + 1;
      }
    }
    fields.push({ start: from, end });
    return fields;
  }

  #isNull(bytes: Buffer, { start, end }: Field): boolean {
    return end - start === this.#null.length && bytes.compare(this.#null, 0, this.#null.length, start, end) === 0;
  }

  #masked(mask: ValueMask, bytes: Buffer, field: Field, out: Buffer, at: number): number {
    const value = this.#layout.kind === 'csv' ? this.#unquoted(bytes, field) : unescaped(bytes, field);
    if (this.#scratch.length < mask.bytesMax) this.#scratch = Buffer.alloc(mask.bytesMax);
    const length = mask.write(this.#scratch, 0, value, 0, value.length);
    if (length < 0) return at + this.#null.copy(out, at);
    return this.#layout.kind === 'csv' ? this.#quoted(length, out, at) : this.#escaped(length, out, at);
  }

  #unquoted(bytes: Buffer, { start, end }: Field): Buffer {
    const { quote, escape } = quotesOf(this.#layout);
    if (bytes[start] !== quote) return bytes.subarray(start, end);
    const value: number[] = [];
    for (let at = start + 1; at < end - 1; at += 1) {
      if (bytes[at] === escape && (bytes[at + 1] === quote || bytes[at + 1] === escape)) at += 1;
      value.push(bytes[at] ?? 0);
    }
    return Buffer.from(value);
  }

  /** In quotes always: so a mask can look like nothing else, not even like this COPY's NULL. */
  #quoted(length: number, out: Buffer, to: number): number {
    const { quote, escape } = quotesOf(this.#layout);
    let at = to;
    out[at++] = quote;
    for (let index = 0; index < length; index += 1) {
      const byte = this.#scratch[index] ?? 0;
      if (byte === quote || byte === escape) out[at++] = escape;
      out[at++] = byte;
    }
    out[at++] = quote;
    return at;
  }

  /** Masks are of printable ASCII, so only the separator and the backslash need one in front. */
  #escaped(length: number, out: Buffer, to: number): number {
    const looksNull =
      length === this.#null.length && this.#scratch.compare(this.#null, 0, this.#null.length, 0, length) === 0;
    if (looksNull) return to + this.#null.copy(out, to);
    let at = to;
    for (let index = 0; index < length; index += 1) {
      const byte = this.#scratch[index] ?? 0;
      if (byte === backslash || byte === this.#layout.delimiter) out[at++] = backslash;
      out[at++] = byte;
    }
    return at;
  }
}

/**
 * Whether what reads as NULL is NULL. In CSV the server puts a value that looks like it in quotes; in the text form it does nothing of the
 * kind, and `COPY … (NULL 'ana@example.com')` would leave exactly her row without a mask: there all are shown as NULL, hers and theirs.
 * No value is written with a capital letter behind a backslash.
 */
const isNullSure = (layout: TextLayout): boolean => layout.kind === 'csv' || /^\\[A-Z]/.test(layout.null);

function lineEndOf(bytes: Buffer, start: number, end: number): number {
  let last = end;
  if (last > start && bytes[last - 1] === newline) last -= 1;
  if (last > start && bytes[last - 1] === carriageReturn) last -= 1;
  return last;
}

function quotesOf(layout: TextLayout): { readonly quote: number; readonly escape: number } {
  return layout.kind === 'csv' ? layout : { quote: -1, escape: -1 };
}

const named: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** What CopyAttributeOutText writes: one letter behind a backslash, never numbers. */
function unescaped(bytes: Buffer, { start, end }: Field): Buffer {
  const raw = bytes.subarray(start, end);
  if (!raw.includes(backslash)) return raw;
  const value: number[] = [];
  for (let at = 0; at < raw.length; at += 1) {
    if (raw[at] !== backslash) value.push(raw[at] ?? 0);
    else {
      at += 1;
      const byte = raw[at] ?? 0;
      value.push(named[String.fromCharCode(byte)] ?? byte);
    }
  }
  return Buffer.from(value);
}
