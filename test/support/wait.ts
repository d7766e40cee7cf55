// Waiting in tests: for a condition, with a deadline, never for a time.
import { setTimeout as pause } from 'node:timers/promises';

/** Long enough for a machine that does ten other things; whoever waits for what comes never waits so long. */
const deadlineMs = 30_000;

/** Asks again until the answer is truthy, and gives it. A throwing condition counts as "not yet"; its words end up in the failure. */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const deadline = performance.now() + (options.withinMs ?? deadlineMs);
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | undefined | null | 0 | ''>;
      last = value;
    } catch (thrown) {
      last = thrown;
    }
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what} (last: ${String(last)})`);
    await pause(options.everyMs ?? 10);
  }
}

/** A promise that must settle in time; the words say what did not come. */
export async function within<T>(what: string, promise: Promise<T>, ms = deadlineMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`waited in vain for ${what}`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
