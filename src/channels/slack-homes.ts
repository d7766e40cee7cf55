// The home pages that people have open: made when they look, and made again when something changes while they may still be looking.
import type { HoldBook } from '../approval/channel.ts';
import type { Clock } from '../core/clock.ts';
import type { Done } from './outbox.ts';
import type { SlackApi } from './slack-api.ts';
import { homeOf, strangersHome } from './slack-home.ts';
import type { Clicker } from './slack-payload.ts';
import type { SlackPeople } from './slack-people.ts';

export interface HomesParts {
  readonly api: SlackApi;
  readonly book: HoldBook;
  readonly people: SlackPeople;
  readonly consoleUrl: string;
  readonly clock: Clock;
}

const lookingMs = 10 * 60_000;
const openMax = 500;
const listMax = 500;

export class SlackHomes {
  /** The outbox's name for this work; its lane is one for each person. */
  readonly key = 'home';
  readonly #parts: HomesParts;
  readonly #open = new Map<string, { readonly clicker: Clicker; readonly at: number }>();

  constructor(parts: HomesParts) {
    this.#parts = parts;
  }

  lane(user: string): string {
    return `home:${user}`;
  }

  open(clicker: Clicker, push: (lane: string) => void): void {
    if (this.#open.size >= openMax) this.#open.clear();
    this.#open.set(clicker.user, { clicker, at: this.#parts.clock.ticks() });
    push(this.lane(clicker.user));
  }

  refresh(push: (user: string) => void): void {
    for (const [user, { at }] of this.#open) {
      if (this.#parts.clock.ticks() - at > lookingMs) this.#open.delete(user);
      else push(user);
    }
  }

  async publish(lane: string): Promise<Done> {
    const user = lane.slice('home:'.length);
    const known = this.#open.get(user);
    if (known === undefined) return { kind: 'done', sent: false };
    const { api, people, book, consoleUrl } = this.#parts;
    const standing = await people.check(known.clicker);
    const view =
      standing.kind === 'nobody'
        ? strangersHome
        : homeOf(standing.person.name, await book.list({ limit: listMax }), consoleUrl);
    const answer = await api.call('views.publish', { user_id: user, view });
    if (answer.kind === 'later') return { kind: 'later', why: answer.why, scope: 'lane', afterMs: answer.afterMs };
    return { kind: 'done', sent: true };
  }
}
