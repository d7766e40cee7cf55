// Follows every hold: which places should show it, and that work for them lies in the outbox. Told of changes by the desk, and looking for
// itself from time to time: a wake-up may be lost, a reminder is nobody's change, and after a restart nobody tells at all.
import type { HoldBook } from '../approval/channel.ts';
import type { HoldView } from '../approval/view.ts';
import type { HoldId } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Outbox } from './outbox.ts';
import { cardKey, listKey } from './slack-courier.ts';
import { isHoldId } from './slack-payload.ts';
import type { PlaceRecord, SlackRecords } from './slack-records.ts';
import { destinationsOf, fallbackOf, ownerOf, type Approvers, type Routing } from './slack-routing.ts';

export interface FollowParts {
  readonly book: HoldBook;
  readonly records: SlackRecords;
  readonly outbox: Outbox;
  readonly routing: () => Routing;
  readonly approvers: () => Approvers;
  readonly clock: Clock;
  readonly log: Log;
  /** Something about holds changed: for pages that people have open. */
  readonly onChange: () => void;
  readonly lookMs?: number;
}

const lookMsUsual = 5000;
/** A hold that was settled before we looked is not told to its agent's owner after this. */
const freshMs = 10 * 60_000;

export class SlackFollow {
  readonly #parts: FollowParts;
  /** Holds to look at; `undefined`: as it stands must be asked. */
  readonly #waiting = new Map<HoldId, HoldView | undefined>();
  #unwatch: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;
  #hasSwept = false;

  constructor(parts: FollowParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unwatch = this.#parts.book.watch((view) => this.consider(view));
    this.#timer = setInterval(() => this.#run('everything'), this.#parts.lookMs ?? lookMsUsual);
    this.#timer.unref();
    this.#run('everything');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unwatch();
    clearInterval(this.#timer);
    await this.#looking;
  }

  consider(view: HoldView): void {
    this.#waiting.set(view.id, view);
    this.#run('what waits');
  }

  considerId(hold: HoldId): void {
    this.#waiting.set(hold, undefined);
    this.#run('what waits');
  }

  /** Where the channel is gone, those who can still say yes are asked one by one. */
  async elsewhere(view: HoldView): Promise<void> {
    for (const to of fallbackOf(view)) await this.#put(view, to, 'card');
  }

  async shownAt(hold: HoldId, { channel, ts }: { readonly channel: string; readonly ts: string }): Promise<void> {
    const places = await this.#parts.records.placesOf(hold);
    if (places.some((place) => place.channel === channel && place.ts === ts)) return;
    // A second posting after an answer that was lost, or the card of a dialog: from now on it is kept up to date as well.
    const to = `${channel}:${ts}`;
    const record: PlaceRecord = { v: 1, hold, to, form: 'card', channel, ts, shown: '', told: '~', outcomeTold: true };
    await this.#parts.records.create({ ...record, reminded: true });
    this.#parts.outbox.push(to, cardKey(hold), 'first');
  }

  async outOfList(hold: HoldId, { channel, ts }: { readonly channel: string; readonly ts: string }): Promise<void> {
    const { records, outbox } = this.#parts;
    const place = (await records.placesOf(hold)).find(
      (each) => each.form === 'listed' && (each.channel ?? each.to) === channel,
    );
    // In a conversation with one person the place is the person, and Slack gave the channel to the list.
    const listed = place ?? (await records.placesOf(hold)).find((each) => each.form === 'listed');
    if (listed === undefined) return;
    const kept = await records.place(hold, listed.to);
    if (kept === undefined || kept.value.form !== 'listed') return;
    await records.save({ ...kept.value, form: 'card', channel, thread: ts }, kept.version);
    outbox.push(listed.to, cardKey(hold), 'first');
  }

  #run(what: 'everything' | 'what waits'): void {
    if (this.#isStopped || this.#looking !== undefined) return;
    this.#looking = this.#look(what)
      .then(
        () => 'well' as const,
        (thrown: unknown) => {
          this.#parts.log.warn('holds could not be looked through for Slack', { error: thrown });
          return 'failed' as const;
        },
      )
      .then((how) => {
        this.#looking = undefined;
        // What came while the last one was ending; what failed waits for the next look.
        if (how === 'well' && this.#waiting.size > 0) this.#run('what waits');
      });
  }

  async #look(what: 'everything' | 'what waits'): Promise<void> {
    const { book, records } = this.#parts;
    if (what === 'everything') {
      for (const view of await book.list({ state: 'open' })) this.#waiting.set(view.id, view);
      if (!this.#hasSwept) {
        for (const hold of await records.unfinished())
          if (isHoldId(hold) && !this.#waiting.has(hold)) this.#waiting.set(hold, undefined);
        this.#hasSwept = true;
      }
    }
    let isChanged = false;
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#isStopped) break;
      const [hold, seen] = next;
      this.#waiting.delete(hold);
      const view = seen ?? (await book.find(hold));
      if (view === undefined) continue;
      isChanged = true;
      try {
        await this.#place(view);
      } catch (thrown) {
        // Not lost: it is looked at again with the next look.
        if (!this.#waiting.has(hold)) this.#waiting.set(hold, undefined);
        throw thrown;
      }
    }
    if (isChanged && what !== 'everything') this.#parts.onChange();
  }

  async #place(view: HoldView): Promise<void> {
    const { records, clock, outbox } = this.#parts;
    const now = clock.now();
    const [routing, approvers] = [this.#parts.routing(), this.#parts.approvers()];
    const known = await records.placesOf(view.id);
    const has = (to: string): boolean => known.some((place) => place.to === to);
    if (view.state === 'open') {
      for (const to of destinationsOf(view, routing, approvers, now)) if (!has(to)) await this.#put(view, to, 'card');
    }
    const owner = ownerOf(view, routing, approvers);
    const isFresh = view.state === 'open' || (view.settled !== undefined && now - view.settled.at < freshMs);
    // The owner is never an approver of it, so this is no place of a card.
    if (owner !== undefined && isFresh && !has(owner)) await this.#put(view, owner, 'owner');
    for (const place of known) {
      if (place.done === true) continue;
      if (place.form === 'listed') outbox.push(place.to, listKey(view.agent));
      outbox.push(place.to, cardKey(view.id), view.state === 'open' ? 'last' : 'first');
    }
  }

  async #put(view: HoldView, to: string, form: 'card' | 'owner'): Promise<void> {
    await this.#parts.records.create({ v: 1, hold: view.id, to, form });
    this.#parts.outbox.push(to, cardKey(view.id));
  }
}
