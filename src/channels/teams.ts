// Teams by a workflow's webhook: holds are told there, and decided in the console. A workflow can neither change what it posted nor bring a
// click back to us, so there are no buttons that decide; docs/teams.md says what that means.
import * as z from 'zod';
import type { HoldBook } from '../approval/channel.ts';
import type { HoldView } from '../approval/view.ts';
import type { HoldId } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Secret } from '../core/secrets.ts';
import { visible } from '../core/visible.ts';
import type { Store, Version } from '../store/store.ts';
import type { Part } from './health.ts';
import type { Metric } from './metrics.ts';
import { Outbox, type Done } from './outbox.ts';
import { isHoldId } from './slack-payload.ts';
import { teamsBurst, teamsCard, teamsOutcome, teamsPlain, type TeamsMessage, type TeamsStyle } from './teams-card.ts';

export interface TeamsParts {
  readonly config: { readonly webhookUrl: Secret; readonly values: 'hidden' | 'shown' };
  readonly book: HoldBook;
  readonly store: Store;
  readonly linkOf: (hold: HoldId) => string;
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace?: {
    readonly gapMs?: number;
    readonly lookMs?: number;
    readonly retryMsMin?: number;
    readonly retryMsMax?: number;
    readonly timeoutMs?: number;
  };
}

export interface RunningTeams {
  readonly part: Part;
  readonly metrics: readonly Metric[];
  stop(): Promise<void>;
}

/** More open holds of one agent than this, and the rest is one message. */
const burstFrom = 5;
const keepMs = 7 * 86_400_000;
const burstMs = 10 * 60_000;
const claimMs = 30_000;

/** `asked` → `posted` → `over`; a claim says that somebody is at it. */
const noteSchema = z.object({
  v: z.literal(1),
  state: z.enum(['asked', 'posted', 'over']),
  plain: z.boolean().optional(),
  until: z.number().optional(),
});
type Note = z.output<typeof noteSchema>;

interface Next {
  /** Undefined: its burst has a message already. */
  readonly words: TeamsMessage | undefined;
  readonly told: 'posted' | 'over';
}

type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'later'; readonly why: string; readonly afterMs: number | undefined }
  | { readonly kind: 'refused'; readonly why: string };

export function startTeams(parts: TeamsParts): RunningTeams {
  return new Teams(parts);
}

class Teams implements RunningTeams {
  readonly part: Part;
  readonly metrics: readonly Metric[];
  readonly #parts: TeamsParts;
  readonly #outbox: Outbox;
  readonly #unwatch: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #tallies = { taken: 0, later: 0, refused: 0 };
  #looking: Promise<void> | undefined;

  constructor(parts: TeamsParts) {
    this.#parts = parts;
    const { pace = {}, log, book } = parts;
    this.#outbox = new Outbox({
      work: (_, key) => this.#work(key),
      log,
      gapMs: pace.gapMs ?? 1000,
      ...(pace.retryMsMin === undefined ? {} : { retryMsMin: pace.retryMsMin }),
      ...(pace.retryMsMax === undefined ? {} : { retryMsMax: pace.retryMsMax }),
    });
    this.#unwatch = book.watch((view) => this.#outbox.push('teams', view.id));
    // A wake-up may be lost, and after a restart nobody tells of what is open.
    this.#timer = setInterval(() => this.#look(), pace.lookMs ?? 5000);
    this.#timer.unref();
    this.#look();
    this.part = {
      name: 'teams',
      weight: 'wanted',
      check: () => {
        const [trouble] = this.#outbox.troubles();
        const waiting = `${this.#outbox.waiting} to send`;
        if (trouble === undefined) return { state: 'up', words: waiting };
        return { state: 'down', words: `${trouble.why}; ${waiting}` };
      },
    };
    const results = Object.keys(this.#tallies).filter(isResult);
    this.metrics = [
      {
        name: 'teams_messages_total',
        kind: 'counter',
        help: 'Messages to the Teams workflow, by how they ended.',
        labels: ['result'],
        read: () => results.map((result) => ({ labels: { result }, value: this.#tallies[result] })),
      },
    ];
  }

  async stop(): Promise<void> {
    this.#unwatch();
    clearInterval(this.#timer);
    await this.#looking;
    await this.#outbox.stop();
  }

  #look(): void {
    if (this.#looking !== undefined) return;
    this.#looking = this.#push()
      .catch((thrown: unknown) =>
        this.#parts.log.warn('holds could not be looked through for Teams', { error: thrown }),
      )
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #push(): Promise<void> {
    for (const { id } of await this.#parts.book.list({ state: 'open' })) this.#outbox.push('teams', id);
    for (const { key } of await this.#parts.store.list(notePrefix, 1000)) {
      const id = key.slice(notePrefix.length);
      if (isHoldId(id)) this.#outbox.push('teams', id);
    }
  }

  async #work(hold: string): Promise<Done> {
    const { book, store, clock } = this.#parts;
    const view = isHoldId(hold) ? await book.find(hold) : undefined;
    const found = await store.read(notePrefix + hold);
    const note = found === undefined ? undefined : noteSchema.safeParse(JSON.parse(found.value)).data;
    if (view === undefined || (found !== undefined && note === undefined)) return nothing;
    const next = await this.#next(view, note);
    if (next === undefined) {
      // Settled and told, or settled before it was told: its note is of no more use.
      if (view.state !== 'open' && found !== undefined) await this.#write(hold, undefined, found.version);
      return nothing;
    }
    if (note?.until !== undefined && note.until > clock.now())
      return { kind: 'later', why: 'a peer is at it', scope: 'key', afterMs: 500 };
    const claimed: Note = {
      v: 1,
      state: note?.state ?? 'asked',
      ...(note?.plain === true ? { plain: true } : {}),
      until: clock.now() + claimMs,
    };
    if (!(await this.#write(hold, claimed, found?.version ?? 'absent')))
      return { kind: 'later', why: 'a peer was faster', scope: 'key', afterMs: 100 };
    const { words, told } = next;
    const answer = words === undefined ? ({ kind: 'taken' } as const) : await this.#send(words);
    return await this.#after(answer, { view, note: claimed, told });
  }

  async #after(
    answer: Answer,
    { view, note, told }: { readonly view: HoldView; readonly note: Note; readonly told: 'posted' | 'over' },
  ): Promise<Done> {
    const { until: _, ...rest } = note;
    if (answer.kind === 'later') {
      await this.#write(view.id, rest, 'any');
      return { kind: 'later', why: answer.why, scope: 'lane', afterMs: answer.afterMs };
    }
    if (answer.kind === 'refused') {
      this.#parts.log.error('the Teams workflow refused a message', { hold: view.id, why: answer.why });
      const isLast = note.plain === true || told === 'over';
      await this.#write(view.id, isLast ? { ...rest, state: told } : { ...rest, plain: true }, 'any');
      return { kind: 'more' };
    }
    await this.#write(view.id, { ...rest, state: told }, 'any');
    return { kind: 'more' };
  }

  /** What is to be said about this hold next, and what is told then; undefined: nothing. */
  async #next(view: HoldView, note: Note | undefined): Promise<Next | undefined> {
    const style: TeamsStyle = { values: this.#parts.config.values, link: this.#parts.linkOf(view.id) };
    if (view.state !== 'open') {
      return note?.state === 'posted' ? { words: teamsOutcome(view, style), told: 'over' } : undefined;
    }
    if (note !== undefined && note.state !== 'asked') return undefined;
    const open = await this.#parts.book.list({ state: 'open', agent: view.agent });
    const order = open.toSorted((a, b) => a.askedAt - b.askedAt || (a.id < b.id ? -1 : 1));
    if (order.findIndex(({ id }) => id === view.id) >= burstFrom) {
      const isFirst = await this.#write(`burst/${view.agent}`, { v: 1, state: 'over' }, 'absent', burstMs);
      const words = isFirst ? teamsBurst(view.agent, open.length, this.#parts.consoleUrl) : undefined;
      return { words, told: 'over' };
    }
    return { words: note?.plain === true ? teamsPlain(view, style) : teamsCard(view, style), told: 'posted' };
  }

  async #send(message: TeamsMessage): Promise<Answer> {
    const answer = await post(this.#parts.config.webhookUrl, message, this.#parts.pace?.timeoutMs ?? 10_000);
    this.#tallies[answer.kind] += 1;
    return answer;
  }

  async #write(
    hold: string,
    note: Note | undefined,
    expect: Version | 'absent' | 'any',
    forMs = keepMs,
  ): Promise<boolean> {
    const { store, clock } = this.#parts;
    const key = hold.startsWith('burst/') ? `teams/${hold}` : notePrefix + hold;
    const value = note === undefined ? undefined : JSON.stringify(note);
    const change = { key, expect, value, ...(note === undefined ? {} : { expiresAt: clock.now() + forMs }) };
    return (await store.change([change])) === 'changed';
  }
}

const notePrefix = 'teams/hold/';
const nothing: Done = { kind: 'done', sent: false };

const isResult = (name: string): name is 'taken' | 'later' | 'refused' => ['taken', 'later', 'refused'].includes(name);

async function post(url: Secret, message: TeamsMessage, timeoutMs: number): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url.reveal(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(timeoutMs),
      // The address is the secret: it must not be carried to another host.
      redirect: 'error',
    });
  } catch (thrown) {
    return { kind: 'later', why: `Teams cannot be reached (${visible(wordsOf(thrown), 100)})`, afterMs: undefined };
  }
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  await response.body?.cancel();
  if (response.ok) return { kind: 'taken' };
  const why = `the Teams workflow answers ${response.status}`;
  if (response.status === 400 || response.status === 413 || response.status === 422) return { kind: 'refused', why };
  // The workflow may be switched off, or its address be replaced: a person mends that, and it waits.
  return {
    kind: 'later',
    why,
    afterMs: Number.isFinite(after) && after >= 0 ? Math.min(after, 600) * 1000 : undefined,
  };
}
