// What both witnesses say of one text in one state of a session: the parser in the worker, and the server's own tree, by Parse in the session
// in which the text will run. Nothing is remembered here, and where one of the two is missing the text is not known for sure.
import { endsTransaction, isAboutSeveral, isPlainQuery, refusedBy, refusedIn } from './ahead.ts';
import type { AnalysedStatement } from './analyse.ts';
import { commentTags } from './comment-tags.ts';
import { doubted, withDoubt } from './doubts.ts';
import { hasCallingChecks } from './early-checks.ts';
import { isTypedEarly, mayQuote } from './early-parse.ts';
import { estimated, type Asked, type Estimated } from './estimated.ts';
import type { ParserPool, PoolAnswer } from './parser-pool.ts';
import {
  temporaryOf,
  unreadText,
  type Meaning,
  type Probed,
  type Reading,
  type ReadRequest,
  type ReadStatement,
  type ReadText,
} from './reading.ts';
import { isOfWhole, refusedInside } from './refused-inside.ts';
import type { SchemaIndex } from './schema-index.ts';
import { shapeOf } from './shape-of.ts';
import type { Exactness } from './text.ts';
import { toldWhole } from './told-whole.ts';
import { checkRowDescription, withDescribed } from './tripwire.ts';
import { unite } from './union.ts';

/** A text that nobody remembers, and the state in which it is read. */
export interface Cold {
  readonly request: ReadRequest;
  readonly meaning: Meaning;
  readonly index: SchemaIndex;
  readonly text: string;
  readonly exact: Exactness;
  /** The schema is not older than the request. */
  readonly isFresh: boolean;
}

export interface WitnessParts {
  readonly pool: Pick<ParserPool, 'analyse'>;
  /** `static`: an operator does without the server's word; what the static witness does not know stays not known. */
  readonly witness: 'server' | 'static';
  /** The witnesses disagree, or the server's description names a column that nobody foresaw: a defect of ours, without literals. */
  readonly report: (words: string, normalised: string | undefined) => void;
}

/** What may be remembered of a text that both were sure about. */
export interface Keeping {
  readonly inert: boolean;
  /** What others may use; absent: the same. */
  readonly kept?: ReadText | undefined;
}

export interface Testimony {
  readonly reading: Reading;
  /** Absent: true for this once. */
  readonly keeping?: Keeping;
  /** Whether a newer schema might give another. */
  readonly dependsOn: 'the schema' | 'nothing';
}

const final = (reading: Reading): Testimony => ({ reading, dependsOn: 'nothing' });

export class Witnesses {
  readonly #parts: WitnessParts;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** Both at once where that can be. */
  async ask(cold: Cold): Promise<Testimony> {
    // The server first: it takes longer than the worker.
    const [probed, first] = await Promise.all([this.#ahead(cold), this.analyse(cold)]);
    // A machine that is out of breath must not make people decide about ordinary work: once more, with a fresh worker.
    const answer = first.kind === 'notKnown' ? await this.analyse(cold) : first;
    if (probed?.kind === 'error' && !isAboutSeveral(probed)) return final(refusedIn(probed, 'the server refuses it'));
    switch (answer.kind) {
      case 'empty':
        return { ...final(this.textOf(cold, [], [])), keeping: { inert: false } };
      case 'notKnown':
        return final(unreadText(answer.why));
      case 'refused':
        return final(answer.by === 'server' ? refusedBy(answer.why) : unreadText(answer.why));
      case 'syntaxError':
        return final(await this.#syntaxError(cold, answer.message, probed));
      case 'statements':
        return { ...(await this.#both(cold, answer.statements, probed)), dependsOn: 'the schema' };
    }
  }

  analyse({ request, meaning, index, text, exact }: Cold): Promise<PoolAnswer> {
    const job = { text, schemaVersion: index.snapshot.schemaVersion, state: meaning.names, exact };
    return this.#parts.pool.analyse(job, request.agent);
  }

  /** A statement that does not end the failed transaction is refused by the server, whatever it is. Several may end it in between. */
  async inFailed(cold: Cold): Promise<Reading> {
    const answer = await this.analyse(cold);
    switch (answer.kind) {
      case 'statements': {
        const [only, ...more] = answer.statements;
        const ends = answer.statements.some((one) =>
          one.effects.some((effect) => endsTransaction.includes(effect.kind)),
        );
        if (more.length === 0 && only !== undefined && !ends) return refusedBy('the transaction has failed');
        return this.textOf(
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

  /** Both witnesses at once, where it is plain that the server will be asked about this very text; it parses, and runs nothing. */
  #ahead({ request: { sql, types, session }, isFresh, index }: Cold): Promise<Probed> | undefined {
    const isAhead = this.#parts.witness === 'server' && !isFresh && isPlainQuery(sql) && !hasCallingChecks(index);
    return isAhead ? session.probe(sql, types) : undefined;
  }

  /** The parser rejects a few texts that the server takes. Its own error is the agent's to see; if it has none, nobody knows. */
  async #syntaxError(cold: Cold, message: string, ahead: Probed | undefined): Promise<Reading> {
    if (this.#parts.witness === 'static' || (hasCallingChecks(cold.index) && mayQuote(cold.request.sql)))
      return unreadText(`a text that cannot be read: ${message}`);
    const probed = ahead ?? (await cold.request.session.probe(cold.request.sql, cold.request.types));
    if (probed.kind === 'tree' || isAboutSeveral(probed))
      return unreadText('a text that the server reads and the parser does not');
    return refusedIn(probed, 'a syntax error');
  }

  async #both(
    cold: Cold,
    statements: readonly AnalysedStatement[],
    probed: Probed | undefined,
  ): Promise<Pick<Testimony, 'reading' | 'keeping'>> {
    const read: ReadStatement[] = [];
    let [sure, asked]: [boolean, Asked | undefined] = [true, undefined];
    for (const one of statements) {
      const told = await this.#told(cold, one, statements.length, probed);
      if ('error' in told) return { reading: told };
      sure &&= told.sure;
      asked = told.asked;
      read.push(told.statement);
    }
    const whole = this.textOf(cold, statements, read);
    const { session, types } = cold.request;
    const { text, kept, isAlone }: Estimated =
      this.#parts.witness === 'static'
        ? { text: whole }
        : await estimated(whole, asked, { index: cold.index, session, types });
    if (!sure) return { reading: text };
    const [only, ...more] = statements;
    const inert = more.length === 0 && only?.inert === true && text.reason === undefined && isAlone !== true;
    return { reading: text, keeping: { inert, kept } };
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

  textOf(cold: Cold, analysed: readonly AnalysedStatement[], statements: readonly ReadStatement[]): ReadText {
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
}
