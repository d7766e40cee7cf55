// Results of one execution with the columns masked that its verdict names. A Query may hold several statements, so it is followed which
// one is speaking; types and formats are the server's word, given before the first row. Where that word is missing, NULL is shown.
//
// What the server says in errors and notices may hold values too ("invalid input syntax for type integer: …"), so those are told by
// their code alone.
import type { MaskStyle } from '../core/mask-style.ts';
import { maskPlan, type MaskedRead } from '../policy/masking.ts';
import type { Analysis, ColumnName } from '../sql/analysis.ts';
import type { CopyLayout } from '../sql/copy-layout.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import { violation } from '../wire/cursor.ts';
import { headerBytes } from '../wire/frame.ts';
import { fromServer } from '../wire/message-types.ts';
import {
  decodeServerMessage,
  errorResponse,
  fieldOf,
  type ColumnDescription,
  type Field,
} from '../wire/server-messages.ts';
import { CopyMasker } from './mask-copy.ts';
import { RowMasker, type Rewritten } from './mask-rows.ts';
import type { ValueMask } from './mask-types.ts';
import type { Fate } from './replies.ts';
import { nullMask, valueMask } from './mask-values.ts';

export interface MaskedResultParts {
  readonly statements: readonly Analysis[];
  readonly masks: readonly MaskedRead[];
  /** Of the database, for hashes; undefined: it is not known, and what should be hashed is NULL. */
  readonly key: Buffer | undefined;
  /** Result formats as Bind gave them; undefined where the server says it: a simple Query reads from a BINARY cursor too. */
  readonly formats: readonly number[] | undefined;
  /** For types, where an execution is not described and in COPY. */
  readonly index: SchemaIndex | undefined;
}

type ColumnType = Pick<ColumnDescription, 'typeOid' | 'typeModifier'> & Partial<Pick<ColumnDescription, 'format'>>;
type Masker = (bytes: Buffer, start: number, end: number) => Rewritten;

export class MaskedResult {
  readonly #parts: MaskedResultParts;
  /** Which statement of the text speaks: each ends with one CommandComplete. */
  #at = 0;
  #masker: Masker | undefined;

  constructor(parts: MaskedResultParts) {
    this.#parts = parts;
  }

  /** What becomes of everything that is no row. */
  said(type: number, bytes: Buffer, start: number, end: number): Fate {
    switch (type) {
      case fromServer.rowDescription: {
        const message = decodeServerMessage(type, bytes.subarray(start + headerBytes, end));
        if (message.kind === 'rowDescription') this.#masker = this.#rowMasker(message.columns);
        return 'forward';
      }
      case fromServer.copyOut:
        this.#masker = this.#copyMasker();
        return 'forward';
      case fromServer.commandComplete:
        this.#at += 1;
        this.#masker = undefined;
        return 'forward';
      case fromServer.error:
        return withoutWords(bytes, start, end);
      case fromServer.notice:
        return 'swallow';
      default:
        return 'forward';
    }
  }

  row(type: number, bytes: Buffer, start: number, end: number): Rewritten {
    // A portal that is executed without being described: drivers do so where they know a statement already.
    this.#masker ??= type === fromServer.dataRow ? this.#rowMasker(this.#typesBySchema()) : this.#copyMasker();
    return this.#masker(bytes, start, end);
  }

  #plan(): readonly (MaskStyle | undefined)[] {
    const analysis = this.#parts.statements[this.#at];
    if (analysis === undefined) throw violation('a result of a statement that was not sent');
    return maskPlan(analysis.outputs, this.#parts.masks);
  }

  #rowMasker(columns: readonly ColumnType[]): Masker {
    const plan = this.#plan();
    const isKnown = columns.length === plan.length;
    const masks = plan.map((style, index) => this.#maskOf(style, index, isKnown ? columns[index] : undefined));
    if (masks.every((mask) => mask === undefined)) return asItIs;
    const masker = new RowMasker(masks);
    return (...frame) => masker.row(...frame);
  }

  #maskOf(style: MaskStyle | undefined, index: number, column: ColumnType | undefined): ValueMask | undefined {
    if (style === undefined) return undefined;
    if (column === undefined) return nullMask;
    const { formats } = this.#parts;
    const code =
      formats === undefined ? (column.format ?? 0) : formats.length === 1 ? formats[0] : (formats[index] ?? 0);
    if (code !== 0 && code !== 1) return nullMask;
    return valueMask({ style, ...typeOf(column), format: code === 1 ? 'binary' : 'text' }, this.#parts.key);
  }

  #copyMasker(): Masker {
    const plan = this.#plan();
    const layout = this.#layout();
    if (plan.every((style) => style === undefined)) return asItIs;
    if (layout.kind === 'binary') {
      const masker = new RowMasker(plan.map((style) => (style === undefined ? undefined : nullMask)));
      return (...frame) => masker.copyRow(...frame);
    }
    const types = this.#typesBySchema();
    const masks = plan.map((style, index) => this.#textMask(style, types[index]));
    const masker = new CopyMasker(layout, masks);
    return (...frame) => masker.row(...frame);
  }

  #textMask(style: MaskStyle | undefined, type: ColumnType | undefined): ValueMask | undefined {
    if (style === undefined) return undefined;
    return type === undefined ? nullMask : valueMask({ style, ...type, format: 'text' }, this.#parts.key);
  }

  /** Of plain columns; what is computed is NULL anyway. */
  #typesBySchema(): readonly ColumnType[] {
    const outputs = this.#parts.statements[this.#at]?.outputs ?? [];
    return outputs.map(({ sources: [source] }) => ({ typeOid: this.#typeOf(source), typeModifier: -1 }));
  }

  #typeOf(column: ColumnName | undefined): number {
    const { index } = this.#parts;
    if (index === undefined || column === undefined) return 0;
    const relation = index.relationsNamed(column.relation.name).find((one) => one.schema === column.relation.schema);
    let oid = relation?.attributes.find((one) => one.name === column.column)?.type ?? 0;
    // A domain's values look like those of the type under it.
    for (let info = index.type(oid); info?.kind === 'd'; info = index.type(oid)) oid = info.base;
    return oid;
  }

  #layout(): CopyLayout {
    const layout = this.#parts.statements[this.#at]?.copy;
    if (layout?.known !== true) throw violation('a COPY whose rows cannot be read');
    return layout.value;
  }
}

const typeOf = ({ typeOid, typeModifier }: ColumnType): ColumnType => ({ typeOid, typeModifier });

const asItIs: Masker = (bytes, start, end) => ({ bytes, start, end });

/** Severity and code stay: drivers branch on them. */
function withoutWords(bytes: Buffer, start: number, end: number): Buffer {
  const { fields } = errorFields(bytes, start, end);
  const severity = fieldOf(fields, 'V') ?? 'ERROR';
  return errorResponse({
    severity,
    sqlState: fieldOf(fields, 'C') ?? 'XX000',
    message: 'the database reports an error; its words are not shown, because they may hold masked values',
  });
}

function errorFields(bytes: Buffer, start: number, end: number): { readonly fields: readonly Field[] } {
  const message = decodeServerMessage(fromServer.error, bytes.subarray(start + headerBytes, end));
  return message.kind === 'error' ? message : { fields: [] };
}
