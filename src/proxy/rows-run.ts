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
  /** What people said yes to: beyond it nothing passes. */
  readonly hard: FixedBound | undefined;
  readonly taps: readonly BudgetTap[];
}

export interface RunRowsParts extends Counted {
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
    const taken = this.#parts.meter.take(this.#parts.folds ? size * foldedFor : size);
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
    this.#parts.meter.refresh();
    return error;
  }

  async #roomIn(
    { bound, wanted }: Extract<Taken, { readonly kind: 'stop' }>,
    withdrawn: AbortSignal,
  ): Promise<ProxyError | undefined> {
    const { taps, soft, meter, asking, execution, passed } = this.#parts;
    const tap = taps.find((one) => one === bound);
    const at = { execution, passed, sent: { rows: meter.rows, bytes: meter.bytes }, withdrawn };
    if (tap !== undefined) return await asking.budget(tap, wanted, at);
    if (soft !== undefined && isSame(soft, bound) && !soft.isLast) return await asking.beyond(soft, wanted, at);
    return rowLimit(at.sent);
  }

  /** The execution rests or is over. A portal may go on later, and draws anew then: what went back is somebody else's by now. */
  settle(): void {
    const { taps, meter } = this.#parts;
    if (taps.length === 0) return;
    for (const tap of taps) tap.settle(meter);
    meter.refresh();
  }

  /** Said once in a session for each budget. */
  #notices(): readonly Buffer[] {
    const { taps, told } = this.#parts;
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
