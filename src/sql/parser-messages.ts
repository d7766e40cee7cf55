// What the pool and its workers say to each other. Plain data, as structured clone carries it.
import type { AnalysisAnswer, AnalysisJob } from './analyse.ts';
import type { InBandAnswer } from './in-band.ts';
import type { OfferRequest } from './offer.ts';
import type { ParserMajor } from './parser.ts';
import type { Snapshot } from './schema.ts';
import type { SnapshotPatch } from './snapshot-patch.ts';

export interface WorkerStart {
  readonly major: ParserMajor;
}

export type ToWorker =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Laid upon a snapshot that the worker has. */
  | { readonly kind: 'patch'; readonly patch: SnapshotPatch }
  | { readonly kind: 'forget'; readonly schemaVersion: string }
  /** From now on this worker is the slow lane's, and steps back behind everybody else on the processor. */
  | { readonly kind: 'stepBack' }
  | { readonly kind: 'work'; readonly id: number; readonly work: Work };

export type Work =
  | { readonly kind: 'analyse'; readonly job: AnalysisJob }
  /** A narrower statement for a hint. */
  | { readonly kind: 'offer'; readonly request: OfferRequest }
  /** Whether it asks the proxy itself. */
  | { readonly kind: 'inBand'; readonly text: string };

export type WorkAnswer = AnalysisAnswer | InBandAnswer | { readonly kind: 'offer'; readonly sql: string | undefined };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly answer: WorkAnswer }
  /** The parser cannot be trusted any more; the worker ends itself after saying so. */
  | { readonly kind: 'broken'; readonly id: number; readonly why: string };
