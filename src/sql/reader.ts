// From bytes to what they touch, for one database: from memory where the same text was read in the same state before, else by both
// witnesses, and then remembered for as long as the schema is the same.
//
//   bytes ─▶ memory ─▶ known                                  (no promise, no copy)
//      └──▶ settle ─▶ decode ─▶ witnesses.ts: worker ─▶ server’s tree ─▶ unite ─▶ memory
//
// Whatever fails on the way makes the text not known; nothing here says that a text may pass.
import { refusedBy, refusedIn } from './ahead.ts';
import type { Clock } from '../core/clock.ts';
import { StatementCache, type CacheLimits } from './cache.ts';
import { inDoubt } from './doubts.ts';
import { hasCallingChecks } from './early-checks.ts';
import { parsesEarly } from './early-parse.ts';
import type { InBandAnswer } from './in-band.ts';
import type { OfferRequest } from './offer.ts';
import type { ParserPool } from './parser-pool.ts';
import {
  sizeOf,
  unreadText,
  type Meaning,
  type OwnSchema,
  type Reading,
  type ReadRequest,
  type ReadText,
} from './reading.ts';
import { arePlansFresh, isInVain, joined, withFreshPlans } from './referring.ts';
import { isReplaceable } from './replaceable.ts';
import type { SchemaIndex } from './schema-index.ts';
import { decodeText } from './text.ts';
import { Witnesses, type Cold, type Keeping, type WitnessParts } from './witnesses.ts';

/** The schema as it was read last. */
export interface SchemaSource {
  readonly current: SchemaIndex | undefined;
  /** Resolves with a schema that is not older than this moment, or undefined when it cannot be read. */
  fresh(): Promise<SchemaIndex | undefined>;
  /** The first one; undefined when it does not come in time. */
  ready(): Promise<SchemaIndex | undefined>;
}

export interface ReaderParts extends WitnessParts {
  readonly pool: Pick<ParserPool, 'analyse' | 'offer' | 'inBand'>;
  readonly schema: SchemaSource;
  readonly clock: Clock;
  readonly limits?: CacheLimits;
}

/** Longer than this and the server may have kept our question behind the lock of somebody who made definitions meanwhile. */
const heldUpMs = 20;
/** While a restore defines one thing after the other, the schema may move each time. */
const againMax = 10;

export class Reader {
  readonly #parts: ReaderParts;
  readonly #witnesses: Witnesses;
  readonly #cache: StatementCache<ReadText>;
  /** What the memory was filled against; a new schema empties it. */
  #version = '';
  #generation = 0;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#witnesses = new Witnesses(parts);
    this.#cache = new StatementCache(parts.limits);
  }

  get witness(): 'static' | undefined {
    return this.#parts.witness === 'static' ? 'static' : undefined;
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return this.#cache.size;
  }

  /** At once when the same text was read in the same state. */
  read(request: ReadRequest): Reading | Promise<Reading> {
    const { meaning, hasFailed } = request.session;
    const index = this.#indexOf(meaning);
    if (meaning === undefined || index === undefined || hasFailed) return this.#cold(request);
    if (!arePlansFresh(index.snapshot.schemaVersion, meaning, request.session)) return this.#cold(request);
    const found = this.#remembered(request, meaning, index);
    return found === undefined || isInVain(found, request.session) !== undefined ? this.#cold(request) : found;
  }

  /** What the static witness alone knows of another text in the same state: for offers, which are judged in full when they are sent. */
  async readAside(request: ReadRequest, text: string): Promise<ReadText | undefined> {
    const { meaning } = request.session;
    const index = this.#indexOf(meaning);
    if (meaning === undefined || index === undefined) return undefined;
    const cold: Cold = { request, meaning, index, text, exact: { kind: 'names' }, isFresh: true };
    const answer = await this.#witnesses.analyse(cold);
    return answer.kind === 'statements'
      ? this.#witnesses.textOf(cold, answer.statements, answer.statements)
      : undefined;
  }

  /** Whether the server, sent this text to parse, would run something that nobody has judged. At once in nearly every database. */
  parsesEarly(request: ReadRequest): boolean | Promise<boolean> {
    const index = this.#parts.schema.current;
    if (request.session.defines === 'nothing' && index !== undefined && !hasCallingChecks(index)) return false;
    return parsesEarly(request, {
      ready: async () => this.#parts.schema.current ?? (await this.#parts.schema.ready()),
      remembered: (meaning, now) => this.#remembered(request, meaning, now),
      analyse: (cold) => this.#witnesses.analyse({ ...cold, request, isFresh: true }),
    });
  }

  /** This very text, for people and for offers; undefined where it cannot be decoded for sure. */
  textOf({ sql, session }: ReadRequest): string | undefined {
    const decoded = session.meaning === undefined ? undefined : decodeText(sql, session.meaning.encodings);
    return decoded?.kind === 'text' ? decoded.text : undefined;
  }

  /** Whether a text asks the proxy itself; undefined: nobody can tell now. */
  async inBand(text: string, agent: string): Promise<InBandAnswer | undefined> {
    return await this.#parts.pool.inBand(text, agent);
  }

  /** A narrower text that gives exactly what is wished for. */
  async offer(request: ReadRequest, offer: OfferRequest): Promise<string | undefined> {
    return await this.#parts.pool.offer(offer, request.agent);
  }

  /** A name that was made or dropped a moment ago: what was read before it is forgotten. */
  forget(): void {
    this.#generation += 1;
    this.#cache.clear();
  }

  /** Undefined: somebody has to be asked first. */
  #indexOf(meaning: Meaning | undefined): SchemaIndex | undefined {
    const { current } = this.#parts.schema;
    if (meaning?.own === undefined) return current;
    return meaning.own.basis === current ? meaning.own.index : undefined;
  }

  #remembered(request: ReadRequest, meaning: Meaning, index: SchemaIndex): ReadText | undefined {
    if (meaning.doubt !== undefined) return undefined;
    const version = index.snapshot.schemaVersion;
    // One session's own version comes and goes without touching what is known for all others.
    if (meaning.own === undefined && version !== this.#version) {
      this.#version = version;
      this.forget();
    }
    const key = meaning.keyAt(version);
    const kept = request.kept?.of === request.sql ? request.kept : undefined;
    const before = kept?.reading;
    if (before?.by === this && before.generation === this.#generation && before.key === key) return before.text;
    const found = this.#cache.find(key + request.typesKey, request.sql)?.value;
    if (found?.statements.some((one) => one.refersTo.length > 0) === true)
      return joined(found, (each) => request.session.named(each, version));
    if (kept !== undefined && found !== undefined)
      kept.reading = { by: this, generation: this.#generation, key, text: found };
    return found;
  }

  /** A name that is not there has the server's own error. */
  async #cold(request: ReadRequest): Promise<Reading> {
    const reading = await this.#settled(request);
    const reference = reading.kind === 'read' ? isInVain(reading, request.session) : undefined;
    if (reference !== undefined && (await request.session.isAbsent(reference)))
      return refusedBy(`there is no such ${reference.kind} in this session`);
    return await withFreshPlans(reading, request.session);
  }

  async #settled(request: ReadRequest): Promise<Reading> {
    const standing = await request.session.settle();
    if (standing.kind === 'skipping') return { kind: 'skipped' };
    if (standing.kind === 'stopped') return refusedIn(standing, 'the server stopped it');
    const { meaning } = standing;
    const index = meaning.own?.index ?? this.#parts.schema.current ?? (await this.#parts.schema.ready());
    if (index === undefined) return unreadText('the schema of the database cannot be read');
    const known = standing.kind === 'failed' ? undefined : this.#remembered(request, meaning, index);
    if (known !== undefined) return known;
    const decoded = decodeText(request.sql, meaning.encodings);
    if (decoded.kind === 'serverRefuses') return { kind: 'serverAnswers', why: decoded.why, error: undefined };
    if (decoded.kind === 'unreadable') return unreadText(decoded.why);
    const cold: Cold = { request, meaning, index, text: decoded.text, exact: decoded.exact, isFresh: false };
    const read = standing.kind === 'failed' ? await this.#witnesses.inFailed(cold) : await this.#witnessed(cold);
    if (read.kind !== 'read') return read;
    const sure = meaning.doubt === undefined ? read : inDoubt(read, meaning.doubt);
    return joined(sure, (each) => request.session.named(each, index.snapshot.schemaVersion));
  }

  async #witnessed(cold: Cold, again = 0): Promise<Reading> {
    const { clock } = this.#parts;
    const [generation, asked] = [this.#generation, clock.ticks()];
    const { reading, keeping, dependsOn } = await this.#witnesses.ask(cold);
    const mustBeNow = clock.ticks() - asked > heldUpMs || callsOfUsers(reading, cold.index);
    if (reading.kind === 'read' && keeping !== undefined) this.#keep(cold, reading, keeping, generation);
    return dependsOn === 'the schema' ? await this.#fresh(cold, reading, { mustBeNow, again }) : reading;
  }

  /** What is not known, or was asked behind a lock, may be something that was made a moment ago: once more, if the schema has moved. */
  async #fresh(
    cold: Cold,
    reading: Reading,
    { mustBeNow, again }: { readonly mustBeNow: boolean; readonly again: number },
  ): Promise<Reading> {
    const unsure = reading.kind === 'read' && reading.statements.some((one) => one.analysis.unknowns.length > 0);
    const isPast = cold.index !== this.#indexOf(cold.meaning);
    const { own } = cold.meaning;
    if (own !== undefined) return mustBeNow ? await this.#onSameBasis(own, reading) : reading;
    if (!mustBeNow && (cold.isFresh || !(unsure || isPast))) return reading;
    const { schema } = this.#parts;
    // Definitions of ours that end at this very moment make it past once more.
    const index = (await schema.fresh()) ?? (mustBeNow ? await schema.ready() : undefined);
    if (index === cold.index) return reading;
    if (index !== undefined && again < (mustBeNow ? againMax : 1))
      return await this.#witnessed({ ...cold, index, isFresh: true }, again + 1);
    return mustBeNow ? unreadText('definitions moved while the server was asked') : reading;
  }

  /** Its own definitions were read on top of everybody's as they were before it waited. */
  async #onSameBasis({ basis }: OwnSchema, reading: Reading): Promise<Reading> {
    const { schema } = this.#parts;
    const isSame = ((await schema.fresh()) ?? (await schema.ready())) === basis;
    return isSame || reading.kind !== 'read'
      ? reading
      : inDoubt(reading, 'others changed definitions while it was read');
  }

  #keep(cold: Cold, text: ReadText, { inert, kept = text }: Keeping, generation: number): void {
    // The schema moved while the witnesses spoke: true for this once, but nothing to remember.
    if (generation !== this.#generation || cold.index !== this.#indexOf(cold.meaning)) return;
    if (cold.meaning.doubt !== undefined) return;
    const version = cold.index.snapshot.schemaVersion;
    const key = cold.meaning.keyAt(version) + cold.request.typesKey;
    this.#cache.keep(key, cold.request.sql, { value: kept, bytes: sizeOf(text), inert });
  }
}

/** What a function does stands in no tree of the server's, and no wait is too short to replace it. */
function callsOfUsers(reading: Reading, index: SchemaIndex): boolean {
  return reading.kind === 'read' && reading.statements.some(({ analysis }) => isReplaceable(analysis, index));
}
