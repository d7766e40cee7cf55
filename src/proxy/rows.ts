// Counts the rows and bytes of one execution against what was allowed. Pure: it says "this row may pass" or which bound stands in its
// way; stopping the stream, asking people and going on are others' work.
//
// Estimates lie and limits can be cut around: a million values joined into one text are one row. So each bound stands in rows and in
// bytes, and whichever is reached first stops. The bounds far away cost two comparisons per row.

/** What a row may hold before it counts for more than one. A page of text; real rows are a tenth of it. */
export const rowBytesUsual = 1024;

/** A bound of a few rows must not stop at a few long ones. */
const bytesAlways = 64 * 1024;

/** Up to where rows pass, counted from the begin of the execution. The last one that passes is the one that reaches it. */
export interface Bound {
  /** For people and records: `level internal`, `budget confidential+ per 1d`. */
  readonly name: string;
  rowsMax(): number;
  bytesMax(): number;
  /** Called when a row would go beyond: true when there is room now, without waiting for anybody. */
  extend(wanted: Amount): boolean;
}

export interface Amount {
  readonly rows: number;
  readonly bytes: number;
}

/** What has passed. A cursor's executions write one together: the server may give them out by turns. */
export class RowCount implements Amount {
  rows = 0;
  bytes = 0;
}

export type Taken =
  { readonly kind: 'pass' } | { readonly kind: 'stop'; readonly bound: Bound; readonly wanted: Amount };

const pass: Taken = { kind: 'pass' };

export class RowMeter {
  readonly #bounds: readonly Bound[];
  readonly #count: RowCount;
  #rowsStop = 0;
  #bytesStop = 0;

  constructor(bounds: readonly Bound[], count: RowCount = new RowCount()) {
    this.#bounds = bounds;
    this.#count = count;
    this.refresh();
  }

  get rows(): number {
    return this.#count.rows;
  }

  get bytes(): number {
    return this.#count.bytes;
  }

  /** One more row of `size` bytes, if it may pass. A row that must wait is not counted; it is taken again when there is room. */
  take(size: number): Taken {
    const count = this.#count;
    const rows = count.rows + 1;
    const bytes = count.bytes + size;
    if (rows > this.#rowsStop || bytes > this.#bytesStop) {
      const stop = this.#beyond({ rows, bytes });
      if (stop !== undefined) return stop;
    }
    count.rows = rows;
    count.bytes = bytes;
    return pass;
  }

  /** After a bound was moved by somebody else. */
  refresh(): void {
    this.#rowsStop = Infinity;
    this.#bytesStop = Infinity;
    for (const bound of this.#bounds) {
      this.#rowsStop = Math.min(this.#rowsStop, bound.rowsMax());
      this.#bytesStop = Math.min(this.#bytesStop, bound.bytesMax());
    }
  }

  #beyond(wanted: Amount): Taken | undefined {
    for (const bound of this.#bounds) {
      const isInside = wanted.rows <= bound.rowsMax() && wanted.bytes <= bound.bytesMax();
      if (!isInside && !bound.extend(wanted)) return { kind: 'stop', bound, wanted };
    }
    this.refresh();
    return undefined;
  }
}

/** What a level, a rule or people's word lets through in one execution. Moves only when people say so. */
export class FixedBound implements Bound {
  readonly name: string;
  #rowsMax: number;
  #bytesMax: number;
  #isLast = false;

  constructor(name: string, rowsMax: number) {
    this.name = name;
    this.#rowsMax = rowsMax;
    this.#bytesMax = bytesFor(rowsMax);
  }

  rowsMax(): number {
    return this.#rowsMax;
  }

  bytesMax(): number {
    return this.#bytesMax;
  }

  extend(): boolean {
    return false;
  }

  /** People have named the number themselves: beyond it they are not asked again. */
  get isLast(): boolean {
    return this.#isLast;
  }

  endHere(): void {
    this.#isLast = true;
  }

  /** Approved up to a number of rows; never less than was allowed before. */
  raise(rowsMax: number, bytesMax: number = bytesFor(rowsMax)): void {
    this.#rowsMax = Math.max(this.#rowsMax, rowsMax);
    this.#bytesMax = Math.max(this.#bytesMax, bytesMax);
  }
}

export function bytesFor(rows: number): number {
  return Math.max(bytesAlways, rows * rowBytesUsual);
}

/** What an amount costs where only one number is kept: long rows count as several. */
export function rowsCharged({ rows, bytes }: Amount): number {
  return Math.max(rows, Math.ceil(bytes / rowBytesUsual));
}
