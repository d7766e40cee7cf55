// Where records go besides the log: the port that every sink fills. A sink gets batches within its own limits and says what became of
// them; when to try again, and from where, is the shipper's business.
import type { LoggedRecord } from './record.ts';

export interface SinkLimits {
  readonly recordsMax: number;
  /** Of the records as JSON; a sink whose form is longer says less here than its service takes. */
  readonly bytesMax: number;
  /** A batch that is not full waits this long for more: object stores bill each object. */
  readonly lingerMs: number;
}

export interface SinkBatch {
  /** `countersign/<instance>`: with `seq` the name of a record, by which a receiver drops what it gets twice. */
  readonly origin: string;
  readonly records: readonly [LoggedRecord, ...LoggedRecord[]];
}

export type Delivery =
  | { readonly kind: 'taken' }
  /** Not now: too many requests, an outage, a wrong token that somebody has to mend. */
  | { readonly kind: 'later'; readonly why: string; readonly afterMs?: number }
  /** Never, as it is: the receiver cannot read it or finds it too large. */
  | { readonly kind: 'refused'; readonly why: string };

export interface Sink {
  readonly name: string;
  readonly limits: SinkLimits;
  /** Must settle soon after `signal` is aborted. */
  deliver(batch: SinkBatch, signal: AbortSignal): Promise<Delivery>;
}

/** A record's name for the world: the same at every delivery. */
export function recordId(origin: string, record: LoggedRecord): string {
  return `${origin}/${record.seq}`;
}
