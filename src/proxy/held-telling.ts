// Tells an agent that people are asked: at once, and again with each heartbeat, so that neither it nor a firewall in between takes the
// silence for a dead connection.
import type { UnixMillis } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { waitingNotice } from '../approval/refusals.ts';
import type { HoldView } from '../approval/view.ts';
import { noticeResponse } from '../wire/server-messages.ts';

export interface HeldTellingParts {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly consoleUrl: string | undefined;
  readonly tell: (frame: Buffer) => void;
}

export class HeldTelling {
  readonly #parts: HeldTellingParts;

  constructor(parts: HeldTellingParts) {
    this.#parts = parts;
  }

  /** Until the returned function is called. */
  begin(hold: HoldView, until: UnixMillis): () => void {
    const { clock, heartbeatMs, consoleUrl, tell } = this.#parts;
    const say = (): void => {
      const { message, detail, hint } = waitingNotice(hold, until - clock.now(), consoleUrl);
      const report = { severity: 'NOTICE', sqlState: '01000', message, detail } as const;
      tell(noticeResponse(hint === undefined ? report : { ...report, hint }));
    };
    // An approval that was there already is no wait.
    if (until <= clock.now()) return () => undefined;
    say();
    const timer = setInterval(say, heartbeatMs);
    timer.unref();
    return () => clearInterval(timer);
  }
}
