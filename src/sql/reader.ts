// From bytes to what they touch, for one database: from memory where the same text was read in the same state before, else by both
// witnesses. The static one runs in the worker; the server's own tree comes from the session in which the text will run.
//
//   bytes ─▶ memory ─▶ known                                  (no promise, no copy)
//      └──▶ settle ─▶ decode ─▶ worker ─▶ server’s tree ─▶ unite ─▶ memory
//
// Whatever fails on the way makes the text not known; nothing here says that a text may pass.
import { endsTransaction, isAboutSeveral, isPlainQuery, refusedBy, refusedIn } from './ahead.ts';
import type { AnalysedStatement } from './analyse.ts';
import { StatementCache, type CacheLimits } from './cache.ts';
import { commentTags } from './comment-tags.ts';
import { doubted, inDoubt, withDoubt } from './doubts.ts';
import type { InBandAnswer } from './in-band.ts';
import type { OfferRequest } from './offer.ts';
import type { ParserPool, PoolAnswer } from './parser-pool.ts';
import {
  sizeOf,
  temporaryOf,
  unreadText,
  type Meaning,
  type Probed,
  type Reading,
  type ReadRequest,
  type ReadStatement,
  type ReadText,
} from './reading.ts';
import type { SchemaIndex } from './schema-index.ts';
import { hasCallingChecks } from './early-checks.ts';
import { isTypedEarly, mayQuote, parsesEarly } from './early-parse.ts';
import { estimated, type Asked, type Estimated } from './estimated.ts';
import { arePlansFresh, isInVain, joined, withFreshPlans } from './referring.ts';
import { isOfWhole, refusedInside } from './refused-inside.ts';
import { shapeOf } from './shape-of.ts';
import { toldWhole } from './told-whole.ts';
import { decodeText, type Exactness } from './text.ts';
import { checkRowDescription, withDescribed } from './tripwire.ts';
import { unite } from './union.ts';

/** The schema as it was read last. */
export interface SchemaSource {
  readonly current: SchemaIndex | undefined;
  /** Resolves with a schema that is not older than this moment, or undefined when it cannot be read. */
  fresh(): Promise<SchemaIndex | undefined>;
  /** The first one; undefined when it does not come in time. */
  ready(): Promise<SchemaIndex | undefined>;
}

export interface ReaderParts {
  readonly pool: Pick<ParserPool, 'analyse' | 'offer' | 'inBand'>;
  readonly schema: SchemaSource;
  /** `static`: an operator does without the server's word; what the static witness does not know stays not known. */
  readonly witness: 'server' | 'static';
  /** The witnesses disagree, or the server's description names a column that nobody foresaw: a defect of ours, without literals. */
  readonly report: (words: string, normalised: string | undefined) => void;
  readonly limits?: CacheLimits;
}

interface Cold {
  readonly request: ReadRequest;
  readonly meaning: Meaning;
  readonly index: SchemaIndex;
  readonly text: string;
  readonly exact: Exactness;
  /** The schema is not older than the request. */
  readonly isFresh: boolean;
}

interface Keeping {
  readonly inert: boolean;
  readonly generation: number;
  /** What others may use; absent: the same. */
  readonly kept?: ReadText | undefined;
}

export class Reader {
  readonly #parts: ReaderParts;
  readonly #cache: StatementCache<ReadText>;
  /** What the memory was filled against; a new schema empties it. */
  #version = '';
  #generation = 0;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
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
    const answer = await this.#analyse(cold);
    return answer.kind === 'statements' ? this.#textOf(cold, answer.statements, answer.statements) : undefined;
  }

  /** Whether the server, sent this text to parse, would run something that nobody has judged. At once in nearly every database. */
  parsesEarly(request: ReadRequest): boolean | Promise<boolean> {
    const index = this.#parts.schema.current;
    if (request.session.defines === 'nothing' && index !== undefined && !hasCallingChecks(index)) return false;
    return parsesEarly(request, {
      ready: async () => this.#parts.schema.current ?? (await this.#parts.schema.ready()),
      remembered: (meaning, now) => this.#remembered(request, meaning, now),
      analyse: (cold) => this.#analyse({ ...cold, request, isFresh: true }),
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
    const read = standing.kind === 'failed' ? await this.#inFailed(cold) : await this.#witnessed(cold);
    if (read.kind !== 'read') return read;
    const sure = meaning.doubt === undefined ? read : inDoubt(read, meaning.doubt);
    return joined(sure, (each) => request.session.named(each, index.snapshot.schemaVersion));
  }

  #analyse({ request, meaning, index, text, exact }: Cold): Promise<PoolAnswer> {
    const job = { text, schemaVersion: index.snapshot.schemaVersion, state: meaning.names, exact };
    return this.#parts.pool.analyse(job, request.agent);
  }

  /** A statement that does not end the failed transaction is refused by the server, whatever it is. Several may end it in between. */
  async #inFailed(cold: Cold): Promise<Reading> {
    const answer = await this.#analyse(cold);
    switch (answer.kind) {
      case 'statements': {
        const [only, ...more] = answer.statements;
        const ends = answer.statements.some((one) =>
          one.effects.some((effect) => endsTransaction.includes(effect.kind)),
        );
        if (more.length === 0 && only !== undefined && !ends) return refusedBy('the transaction has failed');
        return this.#textOf(
          cold,
          answer.statements,
          answer.statements.map((one) => this.#untold(one)),
        );
      }
      case 'empty':
        return refusedBy('nothing but space and comments');
      case 'refused':
        return answer.by === 'server' ? refusedBy(answer.why) : unreadText(answer.why);
      case 'syntaxError':
      case 'notKnown':
        // Whatever cannot be read may hold a ROLLBACK and more behind it, which then runs: not known is not "sure to be refused".
        return unreadText('a text that cannot be read, in a failed transaction');
    }
  }

  /** Without a tree only what needs none is known. */
  #untold(one: AnalysedStatement): ReadStatement {
    if (one.probe.kind === 'none') return one;
    return { ...one, analysis: doubted(one.analysis, 'the server cannot be asked in a failed transaction') };
  }

  async #witnessed(cold: Cold): Promise<Reading> {
    const generation = this.#generation;
    // The server first: it takes longer than the worker.
    const [probed, first] = await Promise.all([this.#ahead(cold), this.#analyse(cold)]);
    // A machine that is out of breath must not make people decide about ordinary work: once more, with a fresh worker.
    const answer = first.kind === 'notKnown' ? await this.#analyse(cold) : first;
    if (probed?.kind === 'error' && !isAboutSeveral(probed)) return refusedIn(probed, 'the server refuses it');
    switch (answer.kind) {
      case 'empty':
        return this.#keep(cold, this.#textOf(cold, [], []), { inert: false, generation });
      case 'notKnown':
        return unreadText(answer.why);
      case 'refused':
        return answer.by === 'server' ? refusedBy(answer.why) : unreadText(answer.why);
      case 'syntaxError':
        return await this.#syntaxError(cold, answer.message, probed);
      case 'statements':
        return await this.#fresh(cold, await this.#both(cold, answer.statements, { generation, probed }));
    }
  }

  /** Both witnesses at once, where it is plain that the server will be asked about this very text; it parses, and runs nothing. */
  #ahead({ request: { sql, types, session }, isFresh, index }: Cold): Promise<Probed> | undefined {
    const isAhead = this.witness === undefined && !isFresh && isPlainQuery(sql) && !hasCallingChecks(index);
    return isAhead ? session.probe(sql, types) : undefined;
  }

  /** What is not known, or was asked behind a lock, may be something that was made a moment ago: once more, if the schema has moved. */
  async #fresh(cold: Cold, reading: Reading): Promise<Reading> {
    const unsure = reading.kind === 'read' && reading.statements.some((one) => one.analysis.unknowns.length > 0);
    const isPast = cold.index !== this.#indexOf(cold.meaning);
    if (!(unsure || isPast) || cold.isFresh || cold.meaning.own !== undefined) return reading;
    const index = await this.#parts.schema.fresh();
    if (index === undefined || index === cold.index) return reading;
    return await this.#witnessed({ ...cold, index, isFresh: true });
  }

  /** The parser rejects a few texts that the server takes. Its own error is the agent's to see; if it has none, nobody knows. */
  async #syntaxError(cold: Cold, message: string, ahead: Probed | undefined): Promise<Reading> {
    if (this.witness === 'static' || (hasCallingChecks(cold.index) && mayQuote(cold.request.sql)))
      return unreadText(`a text that cannot be read: ${message}`);
    const probed = ahead ?? (await cold.request.session.probe(cold.request.sql, cold.request.types));
    if (probed.kind === 'tree' || isAboutSeveral(probed))
      return unreadText('a text that the server reads and the parser does not');
    return refusedIn(probed, 'a syntax error');
  }

  async #both(
    cold: Cold,
    statements: readonly AnalysedStatement[],
    { generation, probed }: { readonly generation: number; readonly probed: Probed | undefined },
  ): Promise<Reading> {
    const read: ReadStatement[] = [];
    let [sure, asked]: [boolean, Asked | undefined] = [true, undefined];
    for (const one of statements) {
      const told = await this.#told(cold, one, statements.length, probed);
      if ('error' in told) return told;
      sure &&= told.sure;
      asked = told.asked;
      read.push(told.statement);
    }
    const whole = this.#textOf(cold, statements, read);
    const { session, types } = cold.request;
    const { text, kept, isAlone }: Estimated =
      this.witness === 'static'
        ? { text: whole }
        : await estimated(whole, asked, { index: cold.index, session, types });
    if (!sure) return text;
    const [only, ...more] = statements;
    const inert = more.length === 0 && only?.inert === true && text.reason === undefined && isAlone !== true;
    return this.#keep(cold, text, { inert, generation, kept });
  }

  /** One statement by both witnesses. */
  async #told(
    cold: Cold,
    one: AnalysedStatement,
    count: number,
    ahead: Probed | undefined,
  ): Promise<
    | { readonly statement: ReadStatement; readonly sure: boolean; readonly asked?: Asked }
    | Extract<Reading, { kind: 'serverAnswers' }>
  > {
    if (one.probe.kind === 'none' || this.#parts.witness === 'static') return { statement: one, sure: true };
    const without = (why: string) => ({ statement: withDoubt(one, why), sure: true });
    if (one.probe.kind === 'impossible') return without(one.probe.why);
    if (one.analysis.early === true) return { statement: one, sure: true };
    if (isTypedEarly(cold.request.types, cold.index))
      return without('a parameter’s type has checks that would run while the text is parsed');
    if (one.tree === 'moved' && one.analysis.unknowns.length === 0) return { statement: one, sure: true };
    if (one.tree !== 'current') return without('an earlier statement of the same text changes what names mean');
    const sql = this.#bytesOf(cold, one, count);
    if (sql === undefined) return without('a text whose bytes cannot be cut for sure in this encoding');
    const types = one.probe.kind === 'inner' ? (one.probe.types ?? cold.request.types) : cold.request.types;
    const isWhole = count === 1 && one.probe.kind === 'whole';
    const probed = (isWhole ? ahead : undefined) ?? (await cold.request.session.probe(sql, types));
    if (probed.kind === 'tree')
      return { statement: this.#united(cold, one, probed), sure: true, asked: { sql, parameters: probed.parameters } };
    if (isWhole) return refusedIn(probed, 'the server refuses it');
    if (count === 1 && one.probe.kind === 'inner' && isOfWhole(probed, one.probe))
      return refusedInside(probed, { whole: cold.text, inner: one.probe.text });
    return { statement: withDoubt(one, 'the server refuses a part of it'), sure: false };
  }

  #united(cold: Cold, one: AnalysedStatement, probed: Extract<Probed, { kind: 'tree' }>): ReadStatement {
    const { index } = cold;
    const temporary = temporaryOf(cold.meaning);
    const { analysis, disagreement } = unite(one.analysis, probed.facts, index, temporary);
    if (disagreement !== undefined) this.#parts.report(disagreement, one.normalised);
    const tripped = checkRowDescription(analysis, probed.fields, index, temporary);
    const checked = tripped.ok
      ? analysis
      : doubted(analysis, `the server gives out ${tripped.why}, which nobody foresaw`);
    if (!tripped.ok && analysis.unknowns.length === 0) {
      this.#parts.report(`the server gives out ${tripped.why}, which nobody foresaw`, one.normalised);
    }
    const held = one.held === undefined ? undefined : unite(one.held, probed.facts, index, temporary).analysis;
    return { ...one, analysis: checked, held };
  }

  /** In the session's encoding. Offsets are those of UTF-8, so only there, and where all is ASCII, can a part be cut by them. */
  #bytesOf({ request, text, meaning }: Cold, one: AnalysedStatement, count: number): Buffer | undefined {
    if (count === 1 && one.probe.kind === 'whole') return request.sql;
    const isAscii = Buffer.byteLength(text) === text.length;
    if (!isAscii && !/^(?:utf8|unicode)$/i.test(meaning.encodings.client)) return undefined;
    if (one.probe.kind === 'inner') return Buffer.from(one.probe.text);
    return request.sql.subarray(one.at, one.at + one.bytes);
  }

  #textOf(cold: Cold, analysed: readonly AnalysedStatement[], statements: readonly ReadStatement[]): ReadText {
    const normalised = analysed.map((one) => one.normalised ?? '').join('; ');
    const temporary = temporaryOf(cold.meaning);
    return {
      kind: 'read',
      statements: statements.map(({ analysis, held, refersTo, effects }) => ({
        analysis: toldWhole(cold, analysis),
        held: held === undefined ? undefined : withDescribed(toldWhole(cold, held), { ...cold, temporary, effects }),
        refersTo,
        effects,
      })),
      effects: analysed.flatMap((one) => one.effects),
      normalised: normalised === '' ? undefined : normalised,
      index: cold.index,
      temporary,
      reason: cold.text.includes('reason') ? commentTags(cold.text).get('reason') : undefined,
      shape: shapeOf(cold.request.sql, analysed, statements),
    };
  }

  #keep(cold: Cold, text: ReadText, how: Keeping): ReadText {
    // The schema moved while the witnesses spoke: true for this once, but nothing to remember.
    if (how.generation !== this.#generation || cold.index !== this.#indexOf(cold.meaning)) return text;
    if (cold.meaning.doubt !== undefined) return text;
    const version = cold.index.snapshot.schemaVersion;
    const key = cold.meaning.keyAt(version) + cold.request.typesKey;
    this.#cache.keep(key, cold.request.sql, { value: how.kept ?? text, bytes: sizeOf(text), inert: how.inert });
    return text;
  }
}
