// What a session is made of, and what it must know about the server's messages besides their order.
import type { Socket } from 'node:net';
import type { Log } from '../core/log.ts';
import type { Limits } from '../core/limits.ts';
import type { Gate } from '../gate.ts';
import type { InBandSource } from './in-band.ts';
import type { RequestLimits } from './request-desk.ts';
import type { RowDesk } from './rows-session.ts';
import type { SessionMindParts } from './session-mind.ts';
import type { Turn } from './turn.ts';

export type SessionLimits = RequestLimits &
  Pick<Limits, 'messageBytesMax' | 'waitingBytesMax' | 'outputBytesMax' | 'pendingRepliesMax'>;

/** Postgres keeps a message below one gigabyte (PQ_LARGE_MESSAGE_LIMIT); a longer one is not Postgres. */
export const serverMessageBytesMax = 1024 * 1024 * 1024;

export interface SessionParts extends SessionMindParts {
  readonly agent: Socket;
  readonly upstream: Socket;
  readonly gate: Gate;
  readonly turn: Turn;
  readonly log: Log;
  readonly limits: SessionLimits;
  /** Counts and masks rows. */
  readonly rows: RowDesk;
  /** What the proxy itself answers. */
  readonly inBand: InBandSource;
  /** Asks the server to stop what this session runs; resolves when it has been told. */
  readonly cancelUpstream: () => Promise<void>;
  /** `idle`: nothing was owed, so the upstream connection may be reset and used again. */
  readonly onEnd: (upstream: 'idle' | 'unusable') => void;
}

export const statusLetters = { none: 'I', open: 'T', failed: 'E' } as const;

/** The severity that is never translated says whether the server ends the session with this error. */
export function isFatal(bytes: Buffer, start: number, end: number): boolean {
  return /\0V(?:FATAL|PANIC)\0/.test(bytes.toString('latin1', start, end));
}
