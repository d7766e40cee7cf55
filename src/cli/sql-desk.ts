// Judges a text against a picture of a schema, in this process and without running anything: what `test` and `explain` stand on.
// The texts are the DBA's own; the proxy itself reads agents' texts in a contained worker.
import { known, notKnown } from '../core/known.ts';
import type { Analysis } from '../sql/analysis.ts';
import { analyseText } from '../sql/analyse.ts';
import { loadParser, parserMajorOf, type Parser } from '../sql/parser.ts';
import { refilledText } from '../sql/refilled.ts';
import { unreadable } from '../sql/reading.ts';
import { SchemaResolvers } from '../sql/resolve.ts';
import type { Snapshot } from '../sql/schema.ts';
import type { Asker } from '../policy/asker.ts';
import type { Classification } from '../policy/classification.ts';
import { judge } from '../policy/judge.ts';
import { offerCandidates } from '../policy/offer-candidates.ts';
import { makeOffer } from '../sql/offer.ts';
import { stricter, type Verdict, type VerdictKind } from '../policy/verdict.ts';

export interface Question {
  readonly classification: Classification;
  readonly asker: Asker;
  readonly sql: string;
  readonly searchPath: readonly string[];
  readonly now: number;
  /** Rows that the planner would expect. */
  readonly rows: number | undefined;
}

export interface Text {
  readonly sql: string;
  readonly role: string;
  readonly searchPath: readonly string[];
}

export interface JudgedStatement {
  readonly sql: string;
  readonly analysis: Analysis;
  readonly verdict: Verdict;
}

export interface Judgement {
  /** Of the text as a whole: the strictest of its statements. */
  readonly kind: VerdictKind;
  readonly statements: readonly JudgedStatement[];
}

export class SqlDesk {
  readonly #parser: Parser;
  readonly #resolvers: SchemaResolvers;
  readonly #schemaVersion: string;

  static async open(snapshot: Snapshot): Promise<SqlDesk> {
    return new SqlDesk(await loadParser(parserMajorOf(snapshot.serverMajor)), snapshot);
  }

  private constructor(parser: Parser, snapshot: Snapshot) {
    this.#parser = parser;
    this.#resolvers = new SchemaResolvers(parser);
    this.#resolvers.add(snapshot);
    this.#schemaVersion = snapshot.schemaVersion;
  }

  /** A narrower statement that was judged to pass; undefined: none is sure. Only for a text of one statement. */
  offer(question: Question, judgement: Judgement): string | undefined {
    const [only, ...more] = judgement.statements;
    if (only === undefined || more.length > 0 || judgement.kind === 'allow') return undefined;
    for (const wish of offerCandidates(only.verdict, only.analysis, question.classification.policy)) {
      const text = makeOffer(this.#parser, { text: question.sql, wish });
      if (text !== undefined && this.judge({ ...question, sql: text, rows: undefined }).kind === 'allow') return text;
    }
    return undefined;
  }

  judge(question: Question): Judgement {
    const { classification, asker, now } = question;
    const estimate = question.rows === undefined ? notKnown('nobody asked the planner') : known(question.rows);
    const statements = this.analyse({ ...question, role: asker.role }).map(({ sql, analysis }): JudgedStatement => {
      return { sql, analysis, verdict: judge(analysis, { classification, asker, now, estimate }) };
    });
    const kind = statements.reduce<VerdictKind>((worst, one) => stricter(worst, one.verdict.kind), 'allow');
    return { kind, statements };
  }

  /** A text whose literals became parameters, made to parse again; undefined: it cannot be. */
  refill(text: string): string | undefined {
    return refilledText(text, (filled) => {
      const parsed = this.#parser.parse(filled);
      return parsed.kind === 'syntaxError' ? parsed.cursorPosition : undefined;
    });
  }

  /** What each statement of a text touches. */
  analyse({ sql, role, searchPath }: Text): readonly { readonly sql: string; readonly analysis: Analysis }[] {
    const state = { searchPath: known(searchPath), role, temp: known([]) };
    const answer = analyseText(this.#parser, this.#resolvers.resolver, {
      text: sql,
      schemaVersion: this.#schemaVersion,
      state,
    });
    switch (answer.kind) {
      case 'statements': {
        const bytes = Buffer.from(sql);
        return answer.statements.map((one) => ({
          sql: bytes
            .subarray(one.at, one.at + one.bytes)
            .toString('utf8')
            .trim(),
          analysis: one.analysis,
        }));
      }
      case 'empty':
        return [];
      case 'syntaxError':
        return [{ sql, analysis: unreadable(`syntax error: ${answer.message}`) }];
      case 'refused':
        return [{ sql, analysis: unreadable(answer.why) }];
    }
  }
}
