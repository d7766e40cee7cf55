// Carries out one step for one hold at one place: takes the record, sees how the hold stands now, claims the step, calls Slack, writes down
// what came of it. Two instances never both post a card: the claim is a compare-and-swap. What Slack did and the store could not be told is
// remembered here until it can.
import { isHoldId } from './slack-payload.ts';
import type { HoldBook } from '../approval/channel.ts';
import type { HoldView } from '../approval/view.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Done } from './outbox.ts';
import type { SlackAnswer, SlackApi } from './slack-api.ts';
import { at } from './slack-json.ts';
import { listedMax, listOf } from './slack-list.ts';
import { findPosted, metadataOf, type Mark } from './slack-lost.ts';
import { fingerprint, nextStep, type PlanSettings, type Step } from './slack-plan.ts';
import type { Kept, ListRecord, PlaceRecord, SlackRecords } from './slack-records.ts';

export interface CourierParts {
  readonly api: SlackApi;
  readonly book: HoldBook;
  readonly records: SlackRecords;
  readonly settings: () => PlanSettings & { readonly digestFrom: number; readonly consoleUrl: string };
  /** Whether this hold is shown at that place too: only those count as the burst of that place. */
  readonly isShownAt: (view: HoldView, to: string) => boolean;
  /** A place is gone: show it elsewhere. */
  readonly elsewhere: (view: HoldView) => Promise<void>;
  readonly push: (lane: string, key: string, place?: 'first' | 'last') => void;
  readonly clock: Clock;
  readonly instance: string;
  /** Which bot we are; undefined: not signed in yet. */
  readonly botId: () => string | undefined;
  readonly log: Log;
}

export const cardKey = (hold: string): string => `card ${hold}`;
export const listKey = (agent: string): string => `list ${agent}`;

type Sending = Exclude<Step, { readonly kind: 'nothing' }>;

const claimMs = 20_000;
const nothing: Done = { kind: 'done', sent: false };
const soon = (why: string, afterMs: number): Done => ({ kind: 'later', why, scope: 'key', afterMs });

export class SlackCourier {
  readonly #parts: CourierParts;
  /** What Slack took and the store does not know yet. */
  readonly #landed = new Map<string, Partial<PlaceRecord>>();

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  async work(lane: string, key: string): Promise<Done> {
    const [kind = '', name = ''] = key.split(' ');
    if (kind === 'list') return await this.#list(lane, name);
    return isHoldId(name) ? await this.#card(lane, name) : nothing;
  }

  async #card(to: string, hold: string): Promise<Done> {
    const { records, book, clock } = this.#parts;
    const kept = await this.#record(to, hold);
    if (kept === 'conflict') return soon('a peer was faster', 50);
    if (kept === undefined || kept.value.done === true || !isHoldId(hold)) return nothing;
    const view = await book.find(hold);
    if (view === undefined) {
      await records.save({ ...kept.value, done: true }, kept.version);
      return nothing;
    }
    if (kept.value.sending !== undefined) return await this.#lookFor(kept, kept.value.sending, view, to);
    const settings = this.#parts.settings();
    const step = nextStep(kept.value, view, clock.now(), settings);
    if (step.kind === 'nothing') {
      if (step.isOver) await records.save({ ...kept.value, done: true }, kept.version);
      return nothing;
    }
    if (this.#isClaimed(kept.value.claim)) return soon('a peer is at it', 500);
    if (step.kind === 'post' && kept.value.form === 'card' && (await this.#isBurst(view, kept.value, to))) {
      return await this.#intoList(kept, view, to);
    }
    const sending = step.kind === 'edit' ? undefined : { part: partOf(step, kept.value), then: toldBy(step) };
    const begun = { ...kept.value, sending, claim: this.#claim() };
    if (!(await records.save(begun, kept.version))) return soon('a peer was faster', 50);
    const answer = await this.#send(step, kept.value, to);
    return await this.#after(answer, { step, record: kept.value, view, to });
  }

  /** With what landed before and could not be written then. */
  async #record(to: string, hold: string): Promise<Kept<PlaceRecord> | undefined | 'conflict'> {
    const { records } = this.#parts;
    const kept = await records.place(hold, to);
    const landed = this.#landed.get(`${to} ${hold}`);
    if (kept === undefined || landed === undefined) return kept;
    if (!(await records.save({ ...kept.value, ...landed, claim: undefined }, kept.version))) return 'conflict';
    this.#landed.delete(`${to} ${hold}`);
    return await records.place(hold, to);
  }

  #isClaimed(claim: PlaceRecord['claim']): boolean {
    return claim !== undefined && claim.by !== this.#parts.instance && claim.until > this.#parts.clock.now();
  }

  #claim(): NonNullable<PlaceRecord['claim']> {
    return { by: this.#parts.instance, until: this.#parts.clock.now() + claimMs };
  }

  /** It was begun and nothing was heard since: read the channel before posting again. */
  async #lookFor(
    kept: Kept<PlaceRecord>,
    sending: NonNullable<PlaceRecord['sending']>,
    view: HoldView,
    to: string,
  ): Promise<Done> {
    const record = kept.value;
    if (this.#isClaimed(record.claim)) return soon('a peer is at it', 500);
    const isReply = sending.part.startsWith(replyPart);
    const thread = isReply ? record.ts : record.thread;
    const place = { to, channel: record.channel, thread, sinceMs: view.askedAt };
    const found = await this.#find({ id: record.hold, part: sending.part }, place);
    if (found.kind === 'later') return found.done;
    const { channel, ts } = found;
    // What it showed when it went out is not known: the next step brings it up to date.
    const where = ts === undefined || isReply ? {} : { channel, ts, shown: undefined };
    await this.#write(record, to, ts === undefined ? {} : { ...sending.then, ...where });
    return { kind: 'more' };
  }

  async #find(
    mark: Mark,
    place: Parameters<typeof findPosted>[2],
  ): Promise<
    | { readonly kind: 'looked'; readonly channel?: string; readonly ts?: string }
    | { readonly kind: 'later'; readonly done: Done }
  > {
    const botId = this.#parts.botId();
    if (botId === undefined) return { kind: 'later', done: soon('not signed in yet', 500) };
    const found = await findPosted(this.#parts.api, mark, place, botId);
    switch (found.kind) {
      case 'found':
        return { kind: 'looked', channel: found.channel, ts: found.ts };
      case 'absent':
        return { kind: 'looked' };
      case 'blind':
        // Better twice than never.
        this.#parts.log.warn('cannot see whether Slack took a message; it is sent again', {
          id: mark.id,
          why: found.why,
        });
        return { kind: 'looked' };
      case 'later': {
        const { why, afterMs } = found.answer;
        return { kind: 'later', done: { kind: 'later', why, scope: 'lane', afterMs } };
      }
    }
  }

  async #send(step: Sending, record: PlaceRecord, to: string): Promise<SlackAnswer> {
    const { api } = this.#parts;
    const { text, blocks } = step.message;
    const channel = record.channel ?? to;
    const quiet = { unfurl_links: false, unfurl_media: false };
    if (step.kind === 'edit') return await api.call('chat.update', { channel, ts: record.ts, text, blocks });
    const metadata = metadataOf({ id: record.hold, part: partOf(step, record) });
    const thread = step.kind === 'reply' ? record.ts : record.thread;
    const inThread = thread === undefined ? {} : { thread_ts: thread };
    return await api.call('chat.postMessage', { channel, text, blocks, metadata, ...quiet, ...inThread });
  }

  async #after(
    answer: SlackAnswer,
    job: { readonly step: Sending; readonly record: PlaceRecord; readonly view: HoldView; readonly to: string },
  ): Promise<Done> {
    const { step, record, view, to } = job;
    switch (answer.kind) {
      case 'ok': {
        const [channel, ts] = [at(answer.data, 'channel'), at(answer.data, 'ts')];
        const where = step.kind === 'post' && channel !== undefined && ts !== undefined ? { channel, ts } : {};
        await this.#write(record, to, { ...step.then, ...where });
        return { kind: 'more' };
      }
      case 'later':
      case 'shutOut': {
        const isUnsure = answer.kind === 'later' && answer.unsure && step.kind !== 'edit';
        const sending = { part: partOf(step, record), then: toldBy(step) };
        await this.#write(record, to, isUnsure ? { sending } : {});
        const afterMs = answer.kind === 'later' ? answer.afterMs : undefined;
        return { kind: 'later', why: answer.why, scope: 'lane', afterMs };
      }
      case 'gone':
        return await this.#gone(answer, job);
      case 'refused':
        this.#parts.log.error('Slack refused a message', { hold: record.hold, why: answer.why });
        if (step.kind === 'reply') await this.#write(record, to, step.then);
        else if (record.plain === true) {
          await this.#write(record, to, { gaveUp: answer.why });
          if (view.state === 'open') await this.#parts.elsewhere(view);
        } else await this.#write(record, to, { plain: true });
        return { kind: 'more' };
    }
  }

  async #gone(
    answer: Extract<SlackAnswer, { readonly kind: 'gone' }>,
    { step, record, view, to }: { step: Sending; record: PlaceRecord; view: HoldView; to: string },
  ): Promise<Done> {
    this.#parts.log.warn(`a Slack ${answer.what} is gone`, { hold: record.hold, to, why: answer.why });
    if (answer.what === 'message' && view.state === 'open' && step.kind !== 'post') {
      // Somebody deleted the card while it is still needed.
      await this.#write(record, to, { ts: undefined, shown: undefined, thread: undefined });
      return { kind: 'more' };
    }
    await this.#write(record, to, { gaveUp: answer.why });
    if (view.state === 'open') await this.#parts.elsewhere(view);
    return { kind: 'more' };
  }

  /** The claim ends with it. */
  async #write(record: PlaceRecord, to: string, changes: Partial<PlaceRecord>): Promise<void> {
    const key = `${to} ${record.hold}`;
    this.#landed.set(key, { sending: undefined, ...this.#landed.get(key), ...changes });
    await this.#record(to, record.hold);
  }

  async #isBurst(view: HoldView, record: PlaceRecord, to: string): Promise<boolean> {
    // Asked for by a person, out of a list.
    if (record.thread !== undefined) return false;
    const { digestFrom } = this.#parts.settings();
    const open = await this.#parts.book.list({ state: 'open', agent: view.agent });
    const here = open
      .filter((each) => this.#parts.isShownAt(each, to))
      .toSorted((a, b) => a.askedAt - b.askedAt || (a.id < b.id ? -1 : 1));
    return here.findIndex(({ id }) => id === view.id) >= digestFrom;
  }

  async #intoList(kept: Kept<PlaceRecord>, view: HoldView, to: string): Promise<Done> {
    const { records, push } = this.#parts;
    const found = await records.list(to, view.agent);
    const isFresh = found === undefined || found.value.over === true || found.value.holds.length >= listedMax;
    const next: ListRecord = isFresh
      ? { v: 1, to, agent: view.agent, holds: [view.id] }
      : { ...found.value, holds: [...new Set([...found.value.holds, view.id])] };
    if (!(await records.saveList(next, found?.version ?? 'absent'))) return soon('a peer was faster', 50);
    if (!(await records.save({ ...kept.value, form: 'listed' }, kept.version))) return soon('a peer was faster', 50);
    push(to, listKey(view.agent));
    return nothing;
  }

  async #list(to: string, agent: string): Promise<Done> {
    const { records, book, api } = this.#parts;
    const kept = await records.list(to, agent);
    if (kept === undefined) return nothing;
    const views: HoldView[] = [];
    for (const hold of kept.value.holds) {
      const view = isHoldId(hold) ? await book.find(hold) : undefined;
      if (view !== undefined) views.push(view);
    }
    const { consoleUrl, style } = this.#parts.settings();
    const message = listOf(agent, views, { consoleUrl, isQuiet: style.isQuiet });
    const over = views.every(({ state }) => state !== 'open');
    const shown = fingerprint(message);
    if (kept.value.shown === shown) return nothing;
    if (this.#isClaimed(kept.value.claim)) return soon('a peer is at it', 500);
    const mark = { id: kept.value.holds[0] ?? '', part: 'list' };
    if (kept.value.sending !== undefined) return await this.#lookForList(kept, mark, views);
    if (over && kept.value.ts === undefined) return nothing;
    const { ts, channel = to } = kept.value;
    const sending = ts === undefined ? { part: mark.part, then: {} } : undefined;
    const begun = { ...kept.value, sending, claim: this.#claim() };
    if (!(await records.saveList(begun, kept.version))) return soon('a peer was faster', 50);
    const { text, blocks } = message;
    const metadata = metadataOf(mark);
    const answer =
      ts === undefined
        ? await api.call('chat.postMessage', {
            channel,
            text,
            blocks,
            metadata,
            unfurl_links: false,
            unfurl_media: false,
          })
        : await api.call('chat.update', { channel, ts, text, blocks });
    return await this.#afterList(answer, { to, agent, over, shown });
  }

  async #lookForList(kept: Kept<ListRecord>, mark: Mark, views: readonly HoldView[]): Promise<Done> {
    const { to, channel } = kept.value;
    const sinceMs = Math.min(this.#parts.clock.now(), ...views.map(({ askedAt }) => askedAt));
    const found = await this.#find(mark, { to, channel, thread: undefined, sinceMs });
    if (found.kind === 'later') return found.done;
    const where = found.ts === undefined ? {} : { channel: found.channel, ts: found.ts, shown: undefined };
    await this.#parts.records.saveList({ ...kept.value, ...where, sending: undefined }, kept.version);
    return { kind: 'more' };
  }

  async #afterList(
    answer: SlackAnswer,
    job: { readonly to: string; readonly agent: string; readonly over: boolean; readonly shown: string },
  ): Promise<Done> {
    const { records } = this.#parts;
    const kept = await records.list(job.to, job.agent);
    if (kept === undefined) return nothing;
    const changes = ((): Partial<ListRecord> => {
      const { over, shown } = job;
      if (answer.kind === 'gone' && answer.what === 'message') return { ts: undefined, shown: undefined };
      if (answer.kind === 'later' && answer.unsure && kept.value.ts === undefined)
        return { sending: kept.value.sending };
      if (answer.kind === 'later' || answer.kind === 'shutOut') return {};
      if (answer.kind !== 'ok') return { shown, over: true };
      const [channel, ts] = [at(answer.data, 'channel'), at(answer.data, 'ts')];
      return { over, shown, ...(channel === undefined ? {} : { channel }), ...(ts === undefined ? {} : { ts }) };
    })();
    await records.saveList({ ...kept.value, sending: undefined, ...changes, claim: undefined }, kept.version);
    if (answer.kind === 'later') return { kind: 'later', why: answer.why, scope: 'lane', afterMs: answer.afterMs };
    if (answer.kind === 'shutOut') return { kind: 'later', why: answer.why, scope: 'lane' };
    return { kind: 'more' };
  }
}

const replyPart = 'reply';

/** Which of our messages about a hold it is: the same step has the same name on every instance and after a restart. */
function partOf(step: Sending, record: PlaceRecord): string {
  if (step.kind !== 'reply') return record.form;
  const { told, outcomeTold } = step.then;
  return `${replyPart} ${told ?? (outcomeTold === true ? 'outcome' : 'reminder')}`;
}

function toldBy({ then }: Sending): Pick<PlaceRecord, 'told' | 'outcomeTold' | 'reminded'> {
  return { told: then.told, outcomeTold: then.outcomeTold, reminded: then.reminded };
}
