// What was shown where, kept in the store, so that any instance, and one that was started again, can go on editing it. A record says what
// was done; what is to be done follows from it and from the hold (slack-plan.ts).
import * as z from 'zod';
import type { Version } from '../store/store.ts';
import type { Store } from '../store/store.ts';

/** Somebody is at it; when the time is over and nothing is written, they died. */
const claim = z.object({ by: z.string(), until: z.number() });

/** What a reply in the thread settles once it is there. */
const told = {
  /** Votes up to this one were told in the thread. */
  told: z.string().optional(),
  outcomeTold: z.boolean().optional(),
  reminded: z.boolean().optional(),
};

/** A posting that was begun and of which nothing was heard: it may be there. */
const sending = z.object({ part: z.string(), then: z.object(told) });

const placeSchema = z.object({
  v: z.literal(1),
  hold: z.string(),
  /** A channel, or a person. */
  to: z.string(),
  /** `card`: the hold's own message. `listed`: a line of a list. `owner`: a word to the agent's owner when it is settled. */
  form: z.enum(['card', 'listed', 'owner']),
  /** As Slack answered: for a person it is the conversation with them. */
  channel: z.string().optional(),
  ts: z.string().optional(),
  thread: z.string().optional(),
  /** Fingerprint of the message as it was last sent. */
  shown: z.string().optional(),
  /** Slack refused the full card: words and a link instead. */
  plain: z.boolean().optional(),
  ...told,
  sending: sending.optional(),
  /** It cannot be shown there. */
  gaveUp: z.string().optional(),
  done: z.boolean().optional(),
  claim: claim.optional(),
});

const listSchema = z.object({
  v: z.literal(1),
  to: z.string(),
  agent: z.string(),
  holds: z.array(z.string()),
  /** All of them are settled: the next burst gets a list of its own. */
  over: z.boolean().optional(),
  channel: z.string().optional(),
  ts: z.string().optional(),
  shown: z.string().optional(),
  sending: sending.optional(),
  claim: claim.optional(),
});

export type PlaceRecord = Readonly<z.output<typeof placeSchema>>;
export type ListRecord = Readonly<z.output<typeof listSchema>>;

export interface Kept<T> {
  readonly value: T;
  readonly version: Version;
}

const day = 86_400_000;
const keepMs = 30 * day;

export class SlackRecords {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async place(hold: string, to: string): Promise<Kept<PlaceRecord> | undefined> {
    const found = await this.#store.read(placeKey(hold, to));
    return found === undefined ? undefined : kept(placeSchema, found);
  }

  async placesOf(hold: string): Promise<readonly PlaceRecord[]> {
    const found = await this.#store.list(placeKey(hold, ''), 200);
    return found.flatMap((each) => kept(placeSchema, each)?.value ?? []);
  }

  /** Holds that something is still to be done for. */
  async unfinished(): Promise<ReadonlySet<string>> {
    const holds = new Set<string>();
    let after: string | undefined;
    for (;;) {
      const page = await this.#store.list('slack/place/', 200, after);
      for (const each of page) {
        const value = kept(placeSchema, each)?.value;
        if (value !== undefined && value.done !== true) holds.add(value.hold);
      }
      after = page.at(-1)?.key;
      if (page.length < 200 || after === undefined) return holds;
    }
  }

  /** False when there is one already. */
  async create(record: PlaceRecord): Promise<boolean> {
    return await this.#write(placeKey(record.hold, record.to), record, 'absent');
  }

  /** False when somebody else changed it in between. */
  async save(record: PlaceRecord, version: Version): Promise<boolean> {
    return await this.#write(placeKey(record.hold, record.to), record, version);
  }

  async list(to: string, agent: string): Promise<Kept<ListRecord> | undefined> {
    const found = await this.#store.read(listKey(to, agent));
    return found === undefined ? undefined : kept(listSchema, found);
  }

  async saveList(record: ListRecord, version: Version | 'absent'): Promise<boolean> {
    return await this.#write(listKey(record.to, record.agent), record, version);
  }

  /** True the first time only, on whichever instance. `forget` when what was asked could not be done. */
  async firstTime(click: string): Promise<boolean> {
    return await this.#write(`slack/seen/${click}`, { at: this.#now() }, 'absent', day);
  }

  async forget(click: string): Promise<void> {
    await this.#store.change([{ key: `slack/seen/${click}`, expect: 'any', value: undefined }]);
  }

  async #write(key: string, value: unknown, expect: Version | 'absent', forMs = keepMs): Promise<boolean> {
    const change = { key, expect, value: JSON.stringify(value), expiresAt: this.#now() + forMs };
    return (await this.#store.change([change])) === 'changed';
  }
}

const placeKey = (hold: string, to: string): string => `slack/place/${hold}/${to}`;
const listKey = (to: string, agent: string): string => `slack/list/${to}/${agent}`;

/** What another version wrote and this one cannot read is left alone. */
function kept<Schema extends z.ZodType>(
  schema: Schema,
  stored: { readonly value: string; readonly version: Version },
): Kept<z.output<Schema>> | undefined {
  const checked = schema.safeParse(JSON.parse(stored.value));
  return checked.success ? { value: checked.data, version: stored.version } : undefined;
}
