// What the pool and its workers say to each other. Plain data, as structured clone carries it.
import type { AnalysisAnswer, AnalysisJob } from './analyse.ts';
import type { ParserMajor } from './parser.ts';
import type { Snapshot } from './schema.ts';

export interface WorkerStart {
  readonly major: ParserMajor;
}

export type ToWorker =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'forget'; readonly schemaVersion: string }
  | { readonly kind: 'job'; readonly id: number; readonly job: AnalysisJob };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly answer: AnalysisAnswer }
  /** The parser cannot be trusted any more; the worker ends itself after saying so. */
  | { readonly kind: 'broken'; readonly id: number; readonly why: string };
