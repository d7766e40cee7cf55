// Receipts where several proxies share a state, and the steps of a hold lie in the chains of several: whoever is asked for a receipt asks the others,
// over the state, for their parts, and each signs its own. What stands in the state is no proof, and nothing here believes it: the auditor's keys do.
//
//   who is asked           every other
//   ask/ID = the hold  ──▶ looks into its own chains
//                      ◀── say/ID/NAME = its signed parts, none among them
//   all who are there have said, or the time is over: the receipt, or in words what is missing
import { setTimeout as later } from 'node:timers/promises';
import { z } from 'zod';
import { ProxyError, wordsOf } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { randomText } from '../core/ids.ts';
import type { Store } from '../store/store.ts';
import { signedPartShape, signPart, type ChainPart, type HoldReceipt, type SignedPart } from './hold-receipt.ts';
import { holdOf } from './hold-records.ts';
import { parseRecord } from './reader.ts';
import { receiptOf, type FolderPart } from './receipts.ts';
import type { Signer } from './signer.ts';

export interface SharedReceiptsParts {
  readonly store: Pick<Store, 'list' | 'change' | 'announce' | 'listen' | 'standing'>;
  readonly clock: Clock;
  /** What this proxy's own chains have of a hold. */
  readonly own: (hold: string) => Promise<readonly FolderPart[]>;
  readonly signerOf: (dir: string) => Signer | undefined;
  /** The chain that signs where none of this proxy's has a part. */
  readonly home: { readonly origin: string; readonly dir: string };
  /** What the state knows of a hold that it has not forgotten yet. */
  readonly standing: (hold: string) => Promise<HoldStanding | undefined>;
  readonly say: (words: string) => void;
  readonly waitMs?: number;
}

export interface HoldStanding {
  readonly isSettled: boolean;
  readonly releases: number;
}

const topic = 'receipts';
const prefixes = { asks: 'receipt-ask/', says: 'receipt-say/', there: 'receipt-there/' } as const;
const roundMs = 3_000;
const thereMs = 15_000;
const askedMs = 30_000;
const usualWaitMs = 10_000;
const lookMs = 40;
/** Each costs every proxy a look into its files. */
const asksMax = 100;
const proxiesMax = 100;

const saidShape = z.array(signedPartShape);

export class SharedReceipts {
  readonly #parts: SharedReceiptsParts;
  readonly #name = randomText(12);
  readonly #answered = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #round: Promise<void> = Promise.resolve();
  #trouble: string | undefined;

  constructor(parts: SharedReceiptsParts) {
    this.#parts = parts;
    this.#unlisten = parts.store.listen(topic, () => this.#soon());
    this.#timer = setInterval(() => this.#soon(), roundMs);
    this.#timer.unref();
    this.#soon();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unlisten();
    await this.#round;
    const { store } = this.#parts;
    const gone = { key: prefixes.there + this.#name, expect: 'any', value: undefined } as const;
    if (store.standing.state === 'up') await store.change([gone]).catch(() => undefined); // It ends by itself.
  }

  async receipt(hold: string): Promise<HoldReceipt | 'open' | 'not found'> {
    const own = await this.#parts.own(hold);
    const mine = [this.#parts.home, ...own].map(({ origin }) => origin);
    const said = (await this.#askOthers(hold)).filter(({ origin }) => !mine.includes(origin));
    const theirs = said.flatMap((part) => readPart(part) ?? []);
    const standing = await this.#parts.standing(hold);
    const found = holdOf([...own, ...theirs]);
    if (found.kind !== 'settled') {
      if (found.kind === 'not found' && found.steps === 0 && standing === undefined) return 'not found';
      if (found.kind === 'open' && standing?.isSettled !== true) return 'open';
      throw incomplete(hold, found.kind === 'open' ? 'how it ended' : 'its beginning');
    }
    const { signerOf, home } = this.#parts;
    const { votes, decided, released } = found.records;
    const silent = decided.by.filter((name) => !votes.some(({ person }) => person === name));
    if (silent.length > 0) throw incomplete(hold, `the vote of ${silent.join(', ')}`);
    if (released.length < (standing?.releases ?? 0)) throw incomplete(hold, 'a release');
    const made = await receiptOf(hold, own, { signerOf, home, elsewhere: said, theirs });
    if (made.kind === 'made') return made.receipt;
    throw new ProxyError('UNAVAILABLE', `a receipt of ${hold} cannot be signed here`);
  }

  /** Of every other proxy that is there. One that does not answer in time has no part in it; what is then missing is found by its lack. */
  async #askOthers(hold: string): Promise<readonly SignedPart[]> {
    const { store, clock, waitMs = usualWaitMs } = this.#parts;
    const there = await store.list(prefixes.there, proxiesMax);
    const others = there.map(({ key }) => key.slice(prefixes.there.length)).filter((name) => name !== this.#name);
    if (others.length === 0) return [];
    const id = randomText(16);
    this.#answered.add(id);
    await store.change([{ key: prefixes.asks + id, expect: 'any', value: hold, expiresAt: clock.now() + askedMs }]);
    store.announce(topic, id);
    const deadline = clock.ticks() + waitMs;
    for (;;) {
      const says = await store.list(`${prefixes.says}${id}/`, proxiesMax);
      const isAll = others.every((name) => says.some(({ key }) => key.endsWith(`/${name}`)));
      if (isAll || clock.ticks() > deadline) return says.flatMap(({ value }) => readSaid(value));
      await later(lookMs);
    }
  }

  /** One after the other: what is asked for twice is looked at twice. */
  #soon(): void {
    this.#round = this.#round
      .then(() => this.#look())
      .then(() => (this.#trouble = undefined))
      .catch((thrown: unknown) => {
        const words = `parts of receipts cannot be told to other proxies: ${wordsOf(thrown)}`;
        if (words !== this.#trouble) this.#parts.say(words);
        this.#trouble = words;
      })
      .then(() => undefined);
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#parts;
    if (store.standing.state === 'down') return;
    const key = prefixes.there + this.#name;
    await store.change([{ key, expect: 'any', value: '1', expiresAt: clock.now() + thereMs }]);
    const asks = await store.list(prefixes.asks, asksMax);
    const open = new Set(asks.map((ask) => ask.key));
    for (const id of this.#answered) if (!open.has(prefixes.asks + id)) this.#answered.delete(id);
    for (const ask of asks) {
      const id = ask.key.slice(prefixes.asks.length);
      if (this.#answered.has(id)) continue;
      this.#answered.add(id);
      const value = JSON.stringify(await this.#signed(ask.value));
      const said = { key: `${prefixes.says}${id}/${this.#name}`, value, expiresAt: clock.now() + askedMs };
      await store.change([{ ...said, expect: 'any' }]);
    }
  }

  /** Only what anybody with an approver's token could ask this proxy for, and only records of that hold. */
  async #signed(hold: string): Promise<readonly SignedPart[]> {
    if (!/^h_\w{1,40}$/.test(hold)) return [];
    const signed: SignedPart[] = [];
    for (const part of await this.#parts.own(hold)) {
      const signer = this.#parts.signerOf(part.dir);
      if (signer !== undefined) signed.push(await signPart(hold, part, { signer }));
    }
    return signed;
  }
}

function readSaid(value: string): readonly SignedPart[] {
  try {
    return saidShape.safeParse(JSON.parse(value)).data ?? [];
  } catch {
    return []; // Not from a proxy.
  }
}

/** Whether it is genuine only the auditor's keys tell. */
function readPart({ origin, lines }: SignedPart): ChainPart | undefined {
  const records = lines.map(parseRecord).filter((record) => typeof record !== 'string');
  return records.length === lines.length && records.length > 0 ? { origin, records } : undefined;
}

function incomplete(hold: string, what: string): ProxyError {
  return new ProxyError(
    'UNAVAILABLE',
    `${what} stands in the record of a proxy that does not answer, so there is no whole receipt of ${hold} now`,
    {
      hint: 'ask again when it is back, or make it from the folders: countersign audit receipt HOLD --dir ONE --dir OTHER',
    },
  );
}
