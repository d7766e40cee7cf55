// How a reader asks the agent's own session: waits until nothing is owed, then puts questions of ours into it. All of it happens while
// the session waits for the gate, so nothing of the agent's comes in between.
import type { Known } from '../core/known.ts';
import { known, notKnown } from '../core/known.ts';
import { ProxyError } from '../core/errors.ts';
import { readTemporary } from '../sql/schema-temporary.ts';
import type { Relation } from '../sql/schema.ts';
import type { Analysis, RelationName } from '../sql/analysis.ts';
import type { AskedSession, Meaning, OwnSchema, PlansAt, Probed, Standing } from '../sql/reading.ts';
import { ownTakenBack } from '../sql/schema-own.ts';
import type { DumpFacts } from '../gate-data.ts';
import type { Named } from '../policy/lineage.ts';
import { rowsOfPlan, type PlanQuestion } from '../sql/estimate.ts';
import type { Reference } from '../sql/statement.ts';
import {
  Answers,
  Aside,
  questionMessages,
  type AsideEnd,
  type AsideReader,
  type AsideResult,
  type AsideRows,
} from './aside.ts';
import type { Mirror } from './mirror.ts';
import { settingQuestions } from './settings-asked.ts';
import { madeOf, madeQuestion } from './made-question.ts';
import { PlanAnswer, planMessages, planSyncs } from './plan-question.ts';
import type { OwnDefinitions } from './own-definitions.ts';
import { awaits, type Replies } from './replies.ts';
import { probeMessages, ProbeReader } from './witness-protocol.ts';

/** What the session does for its asking. */
export interface AskingDesk {
  readonly replies: Replies;
  send(bytes: Buffer, start: number, end: number): void;
  /** Resolves when nothing is owed; at once when nothing is. */
  settled(): Promise<void>;
  /** Something of the agent's was bound or run since its last Sync: its implicit transaction must not be ended. */
  readonly batchOpen: boolean;
}

/** Of the agent's, in the open transaction. LOCK is told apart because it takes locks and no snapshot. */
export type RanInTransaction = 'nothing' | 'LOCK' | 'queries';

/** What the server's answers are for. */
export interface Found {
  readonly onTemporary: (relations: readonly Relation[]) => void;
  readonly onMade: (relations: readonly Named[]) => Promise<void>;
}

export class Asking implements AskedSession {
  readonly #desk: AskingDesk;
  readonly #mirror: Mirror;
  readonly #own: OwnDefinitions;
  readonly #found: Found;
  /** The schema when the session began, before anything was sent. */
  readonly #begunAt: string | undefined;
  #isNew = true;
  plansAt: PlansAt | undefined;

  constructor(
    desk: AskingDesk,
    about: { readonly mirror: Mirror; readonly own: OwnDefinitions; readonly begunAt: string | undefined },
    found: Found,
  ) {
    this.#begunAt = about.begunAt;
    this.#desk = desk;
    this.#mirror = about.mirror;
    this.#own = about.own;
    this.#found = found;
  }

  get meaning(): Meaning | undefined {
    return this.#mirror.meaning;
  }

  async freshPlans(at: PlansAt): Promise<{ readonly frame: Buffer } | undefined> {
    const { replies } = this.#desk;
    if (replies.skipping || replies.status === 'failed') return undefined;
    try {
      // A session that nothing has run in yet has no plans but of texts that it sent since it began.
      if (!this.#isNew || at.schemaVersion !== this.#begunAt || at.own !== '') await this.#questions(['DISCARD PLANS']);
    } catch (thrown) {
      if (thrown instanceof Stopped) return thrown;
      throw thrown;
    }
    this.#isNew = false;
    this.plansAt = at;
    return undefined;
  }

  get hasFailed(): boolean {
    const { replies } = this.#desk;
    return replies.status === 'failed' && !replies.runsForAgent;
  }

  get defines(): 'nothing' | 'something' {
    return this.#mirror.defines;
  }

  named(reference: Reference, schemaVersion: string): Analysis | undefined {
    return this.#mirror.sqlNames.find(reference, schemaVersion);
  }

  async settle(): Promise<Standing> {
    const { replies } = this.#desk;
    await this.#desk.settled();
    if (replies.skipping) return { kind: 'skipping' };
    if (replies.status === 'failed') return { kind: 'failed', meaning: this.#mirror.anyMeaning() };
    try {
      await this.#learn();
    } catch (thrown) {
      if (thrown instanceof Stopped) return { kind: 'stopped', frame: thrown.frame };
      throw thrown;
    }
    return { kind: 'settled', meaning: this.#mirror.anyMeaning() };
  }

  async #learn(): Promise<void> {
    if (this.#mirror.settingsStale) {
      const answers = await this.#questions(settingQuestions);
      this.#mirror.learnSettings(answers.map((rows) => rows[0]?.[0] ?? null));
    }
    if (this.#mirror.temporaryStale) {
      const temporary = await readTemporary(async (sql) => (await this.#questions([sql]))[0] ?? []);
      if (temporary.known) this.#found.onTemporary(temporary.value);
      this.#mirror.learnTemporary(temporary);
    }
    const made = this.#mirror.takeMade();
    if (made.length > 0) await this.#learnMade(made);
    if (this.#isOwnPast()) this.#mirror.learnOwn(await this.#ownDefinitions());
  }

  /** Where the question is stopped, what was made stays unknown, and nothing is read until it has been asked again. */
  async #learnMade(made: readonly RelationName[]): Promise<void> {
    try {
      const [rows = []] = await this.#questions([madeQuestion(made)]);
      await this.#found.onMade(madeOf(rows));
    } catch (thrown) {
      this.#mirror.made(made);
      throw thrown;
    }
  }

  #isOwnPast(): boolean {
    const { own } = this.#mirror;
    if (own === 'none') return false;
    return own === 'stale' || (own.known && this.#own.isPast(own.value));
  }

  /** Only in an open transaction, where a savepoint can stand: a batch that has begun one by itself knows none. */
  #ownDefinitions(): Promise<Known<OwnSchema>> {
    if (this.#desk.replies.status !== 'open')
      return Promise.resolve(notKnown('definitions changed in this transaction, which is not committed yet'));
    return this.#own.read(async (texts) => {
      const result = await this.#ask(questionMessages(texts, 'sync'), 'sync', new Answers(texts.length));
      if (result.kind === 'lost') throw ended();
      if (result.kind === 'done') return result.outcome;
      // The savepoint is there unless its own statement failed; then the transaction has failed with it, and stays so.
      await this.#ask(questionMessages(ownTakenBack, 'sync'), 'sync', new Answers(ownTakenBack.length));
      return undefined;
    });
  }

  async probe(sql: Buffer, types: readonly number[]): Promise<Probed> {
    const end = this.#end();
    const { clientMinMessages, recoding } = this.#mirror;
    const reader = new ProbeReader(recoding);
    const frames = probeMessages({ sql, types, clientMinMessages, end });
    const result = await this.#ask(frames, end, {
      take: (message) => {
        const told = reader.take(message);
        return typeof told === 'string' ? told : { outcome: told };
      },
    });
    if (result.kind === 'error') return result;
    if (result.kind === 'lost') throw ended();
    if (result.outcome.kind === 'error') throw new Error('an error of the probe came as an outcome');
    const { facts, fields, parameters } = result.outcome;
    return { kind: 'tree', facts, fields, parameters };
  }

  /** In a pipeline nobody is asked: an error would undo what the agent has sent before, and only its own Sync ends that. */
  async estimate(question: PlanQuestion): Promise<Known<number>> {
    await this.#desk.settled();
    const { status, skipping } = this.#desk.replies;
    if (this.#desk.batchOpen || skipping) return notKnown('a pipeline of the agent is open');
    if (status === 'failed') return notKnown('the transaction has failed');
    const aside = new Aside(new PlanAnswer(), 'sync', planSyncs);
    const result = await this.#put(planMessages(question, status), aside);
    if (result.kind === 'lost') throw ended();
    if (result.kind === 'error') return notKnown('the planner had an error');
    return rowsOfPlan(result.outcome, question.counted);
  }

  /**
   * What the open transaction has locked, for whoever decides how long it may wait. A question fixes the transaction's snapshot, and
   * SET TRANSACTION comes too late then: so it is only asked where something has fixed it already, or what is asked about (`next`) does.
   */
  async locks(ran: RanInTransaction, next: RanInTransaction): Promise<Known<readonly string[]>> {
    if (this.#desk.replies.status !== 'open' || this.#desk.replies.length > 0 || ran === 'nothing') return known([]);
    // Behind what itself fixes none, a SET TRANSACTION may still come.
    if (next !== 'queries') return notKnown('a question would fix the snapshot of the transaction');
    try {
      const [rows = []] = await this.#questions([locksQuestion]);
      return known(rows.map(([relation, mode]) => `${relation ?? ''} (${mode ?? ''})`));
    } catch (thrown) {
      if (thrown instanceof ProxyError) return notKnown('the server did not say');
      throw thrown;
    }
  }

  /** How large relations are, and whether the open transaction stands on one snapshot and changes nothing. */
  async dumpFacts(oids: readonly number[]): Promise<Known<DumpFacts>> {
    if (this.#desk.replies.status !== 'open' || this.#desk.replies.length > 0)
      return notKnown('no transaction is open');
    try {
      const [modes = [], rows = []] = await this.#questions([modesQuestion, sizesQuestion(oids)]);
      const [isolation, readOnly] = modes[0] ?? [];
      const isSnapshot = readOnly === 'on' && (isolation === 'repeatable read' || isolation === 'serializable');
      const sizes = new Map(
        rows.map(([oid, count, bytes]) => [Number(oid), { rows: Number(count), bytes: Number(bytes) }]),
      );
      return known({ isSnapshot, sizes });
    } catch (thrown) {
      if (thrown instanceof ProxyError) return notKnown('the server did not say');
      throw thrown;
    }
  }

  /** Of prepared statements. Undefined: in a failed transaction, or where the server throws away what it is sent. None when it does not say. */
  async names(): Promise<ReadonlySet<string> | undefined> {
    return await this.#namesOf(namesQuestion, []);
  }

  /** Of portals, whoever made them. The same; when the server does not say, the one that is meant. */
  async portals(meant: string): Promise<ReadonlySet<string> | undefined> {
    return await this.#namesOf(portalsQuestion, [meant]);
  }

  /**
   * Nothing of the agent's is sent between this answer and the statement that it is for, and the server looks its name up first: so what is
   * not there now is not there then. Names beyond ASCII, and those that are cut, are not looked for.
   */
  async isAbsent({ kind, name }: Reference): Promise<boolean> {
    const { replies } = this.#desk;
    if (replies.length > 0 || replies.skipping || replies.status === 'failed') return false;
    if (!/^[\x01-\x7f]{1,62}$/.test(name)) return false;
    try {
      const [rows = []] = await this.#questions([absenceQuestion(kind, name)]);
      return rows[0]?.[0] === '0';
    } catch (thrown) {
      if (thrown instanceof ProxyError && thrown.code !== 'UPSTREAM_LOST') return false;
      throw thrown;
    }
  }

  async #namesOf(question: string, inDoubt: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    const { replies } = this.#desk;
    if (replies.skipping || replies.status === 'failed') return undefined;
    try {
      const [rows = []] = await this.#questions([question]);
      return new Set(rows.map(([hex]) => Buffer.from(hex ?? '', 'hex').toString('latin1')));
    } catch (thrown) {
      if (thrown instanceof ProxyError) return new Set(inDoubt);
      throw thrown;
    }
  }

  async #questions(texts: readonly string[]): Promise<readonly AsideRows[]> {
    const end = this.#end();
    const result = await this.#ask(questionMessages(texts, end), end, new Answers(texts.length));
    switch (result.kind) {
      case 'done':
        return result.outcome;
      case 'lost':
        throw ended();
      case 'error':
        if (isStop.test(result.sqlState)) throw new Stopped(result.frame, result.sqlState);
        throw new ProxyError('UNAVAILABLE', `the database did not say how this session stands (${result.sqlState})`, {
          hint: 'Try again; if it goes on, connect anew.',
        });
    }
  }

  #ask<Outcome>(frames: Buffer, end: AsideEnd, reader: AsideReader<Outcome>): Promise<AsideResult<Outcome>> {
    return this.#put(frames, new Aside(reader, end));
  }

  #put<Outcome>(frames: Buffer, aside: Aside<Outcome>): Promise<AsideResult<Outcome>> {
    this.#desk.replies.owe(awaits.aside, aside);
    this.#desk.send(frames, 0, frames.length);
    return aside.result;
  }

  #end(): AsideEnd {
    return this.#desk.batchOpen && this.#desk.replies.status === 'none' ? 'flush' : 'sync';
  }
}

/** Cancelled or out of time, out of memory or disk: what the agent's own statement would have met in its place. */
const isStop = /^(?:57014|55P03|53...)$/;

class Stopped extends ProxyError {
  readonly frame: Buffer;

  constructor(frame: Buffer, sqlState: string) {
    super('UNAVAILABLE', `the database did not say how this session stands (${sqlState})`);
    this.frame = frame;
  }
}

const ended = (): ProxyError => new ProxyError('UPSTREAM_LOST', 'the session ended while its statement was read');

/** In the bytes in which the agent said them. */
const namesQuestion = `
  SELECT pg_catalog.encode(pg_catalog.convert_to(p.name, pg_catalog.pg_client_encoding()), 'hex')
  FROM pg_catalog.pg_prepared_statements p WHERE NOT p.from_sql`;

/** Ours, which asks, is among them. */
const portalsQuestion = `
  SELECT pg_catalog.encode(pg_catalog.convert_to(c.name, pg_catalog.pg_client_encoding()), 'hex') FROM pg_catalog.pg_cursors c`;

/** In the database's own encoding: one name that cannot be written in the session's would be an error of the agent's transaction. */
const absenceQuestion = (kind: Reference['kind'], name: string): string => `
  SELECT pg_catalog.count(*) FROM pg_catalog.${kind === 'cursor' ? 'pg_cursors' : 'pg_prepared_statements'} n
  WHERE pg_catalog.convert_to(n.name, pg_catalog.getdatabaseencoding()) OPERATOR(pg_catalog.=)
    pg_catalog.decode('${Buffer.from(name).toString('hex')}', 'hex')`;

const modesQuestion = `
  SELECT pg_catalog.current_setting('transaction_isolation'), pg_catalog.current_setting('transaction_read_only')`;

const sizesQuestion = (oids: readonly number[]): string => `
  SELECT c.oid, c.reltuples, pg_catalog.pg_table_size(c.oid) FROM pg_catalog.pg_class c
  WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[${[0, ...oids].map(Math.trunc).join()}]::pg_catalog.oid[])`;

const locksQuestion = `
  SELECT l.relation::pg_catalog.regclass::pg_catalog.text, pg_catalog.string_agg(l.mode, ', ' ORDER BY l.mode)
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation
  WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND c.relnamespace OPERATOR(pg_catalog.<>) 11::pg_catalog.oid
    AND l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock'
  GROUP BY 1 ORDER BY 1 LIMIT 20`;
