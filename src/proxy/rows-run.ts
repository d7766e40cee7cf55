// The rows of one execution on their way to the agent: counted against its level's bound, what people allowed and the budgets that it
// draws on; masked where the verdict says so. Says of each row whether it passes, and waits for room when it does not.
import type { ProxyError } from '../core/errors.ts';
import type { Execution } from '../gate-data.ts';
import { headerBytes } from '../wire/frame.ts';
import { fromServer } from '../wire/message-types.ts';
import { noticeResponse } from '../wire/server-messages.ts';
import type { Rewritten } from './mask-rows.ts';
import type { MaskedResult } from './mask-result.ts';
import type { Fate } from './replies.ts';
import type { BudgetTap } from './rows-budget.ts';
import type { RowAsking } from './rows-asking.ts';
import { rowLimit } from './rows-words.ts';
import { rowBytesUsual, type Bound, type FixedBound, type RowMeter, type Taken } from './rows.ts';
import type { Passed } from './run.ts';

/** What counts, kept apart from one execution because a cursor has many. */
export interface Counted {
  readonly meter: RowMeter;
  /** A level's `rows`, or a rule's: beyond it people are asked. */
  readonly soft: FixedBound | undefined;
  readonly taps: readonly BudgetTap[];
}

export interface RunRowsParts {
  /** Asked at the first reply, when all that was asked before has been answered: what a cursor has given by then is known. */
  readonly counted: () => Counted;
  readonly execution: Execution;
  readonly passed: Passed;
  readonly asking: RowAsking;
  readonly masked: MaskedResult | undefined;
  /** Many rows may come as one value. */
  readonly folds: boolean;
  /** Budgets of which the agent was told already that they run out. */
  readonly told: Set<string>;
}

/** In one value many rows are packed: there a row is taken to have 128 bytes, not a page of text. */
const foldedFor = rowBytesUsual / 128;

/** From this share on of a budget, the agent is told. */
const nearEnd = 0.8;

/** A count of columns, -1. */
const binaryEndBytes = headerBytes + 2;

export class RunRows {
  readonly #parts: RunRowsParts;
  #counted: Counted | undefined;
  #rests = true;
  #isBinaryCopy = false;
  #stopped: Extract<Taken, { readonly kind: 'stop' }> | undefined;

  constructor(parts: RunRowsParts) {
    this.#parts = parts;
  }

  /** Rows are looked into, so they have to come whole. */
  get whole(): boolean {
    return this.#parts.masked !== undefined;
  }

  take(size: number): 'pass' | 'stop' {
    // The end of a binary COPY is a piece of its own, and no row.
    if (this.#isBinaryCopy && size === binaryEndBytes) return 'pass';
    const counted = this.#count();
    if (this.#rests) this.#goOn(counted);
    const taken = counted.meter.take(this.#parts.folds ? size * foldedFor : size);
    if (taken.kind === 'pass') return 'pass';
    this.#stopped = taken;
    return 'stop';
  }

  /** Everything that is no row. */
  said(type: number, bytes: Buffer, start: number, end: number): Fate {
    if (type === fromServer.copyOut) this.#isBinaryCopy = bytes[start + headerBytes] === 1;
    const fate = this.#parts.masked?.said(type, bytes, start, end) ?? 'forward';
    if (type !== fromServer.commandComplete && type !== fromServer.portalSuspended) return fate;
    const notices = this.#notices();
    return notices.length === 0 ? fate : Buffer.concat([...notices, bytes.subarray(start, end)]);
  }

  rewrite(type: number, bytes: Buffer, start: number, end: number): Rewritten | undefined {
    return this.#parts.masked?.row(type, bytes, start, end);
  }

  /** After a stop: undefined when the same row may be taken again, else why nothing more passes. */
  async room(withdrawn: AbortSignal): Promise<ProxyError | undefined> {
    const stopped = this.#stopped;
    if (stopped === undefined) return undefined;
    const error = await this.#roomIn(stopped, withdrawn);
    this.#count().meter.refresh();
    return error;
  }

  #count(): Counted {
    return (this.#counted ??= this.#parts.counted());
  }

  /** A portal draws anew: what it gave back is somebody else's by now, and others may have read its cursor. */
  #goOn({ taps, meter }: Counted): void {
    this.#rests = false;
    for (const tap of taps) tap.goOn(meter);
    meter.refresh();
  }

  async #roomIn(
    { bound, wanted }: Extract<Taken, { readonly kind: 'stop' }>,
    withdrawn: AbortSignal,
  ): Promise<ProxyError | undefined> {
    const { asking, execution, passed } = this.#parts;
    const { taps, soft, meter } = this.#count();
    const tap = taps.find((one) => one === bound);
    const at = { execution, passed, sent: { rows: meter.rows, bytes: meter.bytes }, withdrawn };
    if (tap !== undefined) return await asking.budget(tap, wanted, at);
    if (soft !== undefined && isSame(soft, bound) && !soft.isLast) return await asking.beyond(soft, wanted, at);
    return rowLimit(at.sent);
  }

  /** The execution rests or is over. */
  settle(): void {
    if (this.#rests || this.#counted === undefined) return;
    this.#rests = true;
    for (const tap of this.#counted.taps) tap.settle(this.#counted.meter);
  }

  /** Said once in a session for each budget. */
  #notices(): readonly Buffer[] {
    const { told } = this.#parts;
    const { taps } = this.#count();
    const near = taps.filter((tap) => tap.share >= nearEnd && !told.has(tap.claim.key));
    return near.map((tap) => {
      told.add(tap.claim.key);
      const { level, rowsMax, per } = tap.claim;
      const message = `${Math.floor(tap.share * 100)} % of the budget of ${level} is used: ${rowsMax} rows in ${per}`;
      const hint = 'Beyond it, statements are held for approval. SELECT * FROM countersign.budgets shows what is left.';
      return noticeResponse({ severity: 'NOTICE', sqlState: '01000', message, hint });
    });
  }
}

const isSame = (one: Bound, other: Bound): boolean => one === other;
