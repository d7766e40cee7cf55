// Brings the log to one sink: at least once, in order, from a cursor that survives restarts. Reads files, so it never stands in the way of
// a statement; a sink that is down for a week costs disk that the log needs anyway. Sends only what is under a signed checkpoint: that is
// on disk and will not be cut, so the cursor never points at something that was not.
import { existsSync, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fileWords } from '../core/file-words.ts';
import { readText, writeWholeAside } from './keys.ts';
import { readNote, type Checkpoint } from './note.ts';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';
import type { Delivery, Sink, SinkBatch } from './sink.ts';
import { headFile } from './tail.ts';

const cursorShape = z.strictObject({
  segment: z.number().int(),
  offset: z.number().int(),
  seq: z.number().int(),
  /** Records that the receiver refused for good, each with a word in the operators' log. */
  skipped: z.number().int(),
});

type Cursor = z.infer<typeof cursorShape>;

export interface ShipperOptions {
  readonly dir: string;
  readonly sink: Sink;
  readonly pollMs?: number;
  readonly backoffMsMax?: number;
  /** For the operators' log: trouble that began or changed, records that were skipped. */
  readonly say?: (words: string) => void;
}

export interface ShipperState {
  readonly name: string;
  /** `seq` of the next record to send. */
  readonly seq: number;
  readonly skipped: number;
  readonly trouble: string | undefined;
}

const sliceBytesMin = 1024 * 1024;
const deliverMsMax = 30_000;

export class Shipper {
  readonly #options: ShipperOptions;
  readonly #cursorFile: string;
  #cursor: Cursor;
  #trouble: string | undefined;
  #failures = 0;
  #waitingSince: number | undefined;
  #running: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(options: ShipperOptions) {
    this.#options = options;
    const folder = join(options.dir, 'cursors');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#cursorFile = join(folder, `${options.sink.name}.json`);
    this.#cursor = readCursor(this.#cursorFile) ?? { segment: 0, offset: 0, seq: 0, skipped: 0 };
  }

  get state(): ShipperState {
    const { seq, skipped } = this.#cursor;
    return { name: this.#options.sink.name, seq, skipped, trouble: this.#trouble };
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** Ends the delivery under way; what it had not acknowledged is sent again at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let waitMs = this.#options.pollMs ?? 1_000;
      try {
        waitMs = await this.#round(waitMs);
      } catch (error) {
        waitMs = this.#later({ kind: 'later', why: fileWords(error) });
      }
      if (waitMs > 0) await pause(waitMs, this.#stop.signal);
    }
  }

  /** One batch. Gives how long to wait before the next; 0 when there is more to send. */
  async #round(pollMs: number): Promise<number> {
    const head = readHeadOf(this.#options.dir);
    if (head === undefined || this.#cursor.seq >= head.records) return pollMs;
    const sliceBytes = Math.max(sliceBytesMin, this.#options.sink.limits.bytesMax);
    const slice = await readSlice(this.#options.dir, this.#cursor, { recordsMax: head.records, sliceBytes });
    const [first, ...rest] = slice.lines;
    if (first === undefined) {
      if (slice.next === undefined) return pollMs;
      await this.#moveTo({ ...this.#cursor, ...slice.next });
      return 0;
    }
    const taken = withinLimits([first, ...rest], this.#options.sink);
    // More is there than was read, or this segment is at its end: waiting would bring nothing to this batch.
    const full = taken.complete || slice.more || slice.next !== undefined;
    if (full || this.#lingered()) return this.#send(head.origin, taken.lines);
    return Math.min(pollMs, this.#options.sink.limits.lingerMs);
  }

  #lingered(): boolean {
    const now = performance.now();
    this.#waitingSince ??= now;
    return now - this.#waitingSince >= this.#options.sink.limits.lingerMs;
  }

  async #send(origin: string, lines: readonly [Line, ...Line[]]): Promise<number> {
    const [first, ...rest] = lines;
    const batch: SinkBatch = { origin, records: [first.record, ...rest.map((line) => line.record)] };
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(deliverMsMax)]);
    const delivery = await this.#options.sink.deliver(batch, signal);
    if (this.#stop.signal.aborted && delivery.kind !== 'taken') return 0;
    switch (delivery.kind) {
      case 'taken':
        await this.#went(lines.at(-1) ?? first, 0);
        return 0;
      case 'later':
        return this.#later(delivery);
      case 'refused':
        return this.#refused(origin, lines, delivery);
    }
  }

  /** One record that a receiver cannot take must not hold up all others: halve the batch until it stands alone. */
  async #refused(
    origin: string,
    lines: readonly [Line, ...Line[]],
    delivery: Delivery & { readonly why: string },
  ): Promise<number> {
    const [first, ...rest] = lines;
    if (rest.length > 0) return this.#send(origin, [first, ...rest.slice(0, Math.floor(rest.length / 2))]);
    this.#options.say?.(`sink ${this.#options.sink.name} refused record ${first.record.seq}, skipped: ${delivery.why}`);
    await this.#went(first, 1);
    return 0;
  }

  async #went(last: Line, skipped: number): Promise<void> {
    await this.#moveTo({
      segment: last.segment,
      offset: last.end,
      seq: last.record.seq + 1,
      skipped: this.#cursor.skipped + skipped,
    });
    if (this.#trouble !== undefined) this.#options.say?.(`sink ${this.#options.sink.name} takes records again`);
    this.#trouble = undefined;
    this.#failures = 0;
    this.#waitingSince = undefined;
  }

  async #moveTo(cursor: Cursor): Promise<void> {
    this.#cursor = cursor;
    await writeWholeAside(this.#cursorFile, `${JSON.stringify(cursor)}\n`, 0o600);
  }

  #later(delivery: Extract<Delivery, { readonly kind: 'later' }>): number {
    if (this.#trouble !== delivery.why) this.#options.say?.(`sink ${this.#options.sink.name}: ${delivery.why}`);
    this.#trouble = delivery.why;
    this.#failures += 1;
    const usual = Math.min(this.#options.backoffMsMax ?? 60_000, 500 * 2 ** Math.min(this.#failures, 10));
    return delivery.afterMs ?? usual;
  }
}

interface Line {
  readonly record: LoggedRecord;
  readonly segment: number;
  /** Offset just behind it. */
  readonly end: number;
  readonly bytes: number;
}

function withinLimits(
  lines: readonly [Line, ...Line[]],
  sink: Sink,
): { readonly lines: readonly [Line, ...Line[]]; readonly complete: boolean } {
  const { recordsMax, bytesMax, lingerMs } = sink.limits;
  const [first, ...rest] = lines;
  const fitting: [Line, ...Line[]] = [first];
  let bytes = first.bytes;
  for (const line of rest) {
    bytes += line.bytes;
    if (fitting.length >= recordsMax || bytes > bytesMax) return { lines: fitting, complete: true };
    fitting.push(line);
  }
  return { lines: fitting, complete: lingerMs === 0 || fitting.length >= recordsMax };
}

interface Slice {
  readonly lines: readonly Line[];
  readonly more: boolean;
  /** Where to go on when this segment is read to its end. */
  readonly next: { readonly segment: number; readonly offset: number } | undefined;
}

async function readSlice(
  dir: string,
  cursor: Cursor,
  limits: { readonly recordsMax: number; readonly sliceBytes: number },
): Promise<Slice> {
  const numbers = segmentNumbers(dir);
  // A segment that was moved to an archive before it was sent is gone for this sink; the gap in `seq` says so to the receiver.
  const segment = numbers.find((number) => number >= cursor.segment);
  if (segment === undefined) return { lines: [], more: false, next: undefined };
  const from = segment === cursor.segment ? cursor.offset : 0;
  const { bytes, more } = await readPart(join(dir, segmentName(segment)), { from, sliceBytes: limits.sliceBytes });
  const lines: Line[] = [];
  for (let start = 0; ;) {
    const end = bytes.indexOf(10, start);
    if (end < 0) break;
    const record = parseRecord(bytes.toString('utf8', start, end));
    if (typeof record === 'string') throw new Error(`${segmentName(segment)}, byte ${from + start}: ${record}`);
    if (record.seq >= limits.recordsMax) return { lines, more: false, next: undefined };
    lines.push({ record, segment, end: from + end + 1, bytes: end - start });
    start = end + 1;
  }
  const later = numbers.find((number) => number > segment);
  return { lines, more, next: later === undefined || more ? undefined : { segment: later, offset: 0 } };
}

/** So many bytes, or the whole of a line that is longer. */
async function readPart(
  path: string,
  at: { readonly from: number; readonly sliceBytes: number },
): Promise<{ readonly bytes: Buffer; readonly more: boolean }> {
  const file = await open(path, 'r');
  try {
    for (let length = at.sliceBytes; ; length *= 4) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at.from);
      const more = bytesRead === length;
      if (!more || buffer.includes(10)) return { bytes: buffer.subarray(0, bytesRead), more };
    }
  } finally {
    await file.close();
  }
}

function readHeadOf(dir: string): Checkpoint | undefined {
  const note = readNote(readText(join(dir, headFile)) ?? '', []);
  return note.kind === 'note' ? note.checkpoint : undefined;
}

/** A cursor that cannot be read starts again from the beginning: twice is allowed, never is not. */
function readCursor(file: string): Cursor | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return cursorShape.safeParse(JSON.parse(readText(file) ?? '')).data;
  } catch {
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
