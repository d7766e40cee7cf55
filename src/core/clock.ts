// Time comes in as an argument, so that tests own it.
import type { UnixMillis } from './brand.ts';

export interface Clock {
  /** Wall-clock time: for records, deadlines that people read, and anything that survives a restart. */
  now(): UnixMillis;
  /** Monotonic milliseconds: for durations. Never goes back when somebody sets the clock. */
  ticks(): number;
}

export const systemClock: Clock = {
  now: () => Date.now() as UnixMillis,
  ticks: () => performance.now(),
};
