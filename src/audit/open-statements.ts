// Statements that were let through and have no outcome on record. What was judged or released is on record before it runs; its outcome is written when it
// has ended, and a proxy that is killed takes the outcomes of its last moment, and of all that ran, along. Whether the server carried them out
// is then not known, and that is said. Takes the records of one chain in order.
import type { LoggedRecord } from './record.ts';

export interface OpenStatement {
  readonly seq: number;
  readonly at: string;
  readonly session: string;
  readonly agent: string;
  readonly hold: string | undefined;
  readonly text: string | undefined;
}

/** Judged only so that it stands there: no outcome follows where the proxy itself passed the server's error on. */
const serverRefuses = 'the server refuses it';

export class OpenStatements {
  readonly #open = new Map<number, OpenStatement>();
  /** Releases without an outcome yet, by session: the newest. Something else may come of one: it is judged again, or refused after all. */
  readonly #released = new Map<string, { readonly seq: number; readonly statement: string; readonly hold: string }>();
  readonly #left: OpenStatement[] = [];

  take(record: LoggedRecord): void {
    switch (record.kind) {
      case 'judged':
        this.#superseded(record.session, record.statement);
        if (record.verdict === 'allow' && !saysRefused(record.rules)) this.#letThrough(record);
        return;
      case 'released':
        this.#takeRelease(record);
        return;
      case 'refused':
        this.#superseded(record.session, record.statement);
        return;
      case 'finished':
        this.#open.delete(record.of);
        return;
      case 'start':
        // Another process: whatever ran before runs no more, and nobody will say how it ended.
        for (const statement of this.#open.values()) this.#left.push(statement);
        this.#open.clear();
        this.#released.clear();
        return;
      default:
    }
  }

  /** Their process is gone. */
  get left(): readonly OpenStatement[] {
    return this.#left;
  }

  /** Of the newest process: they run, or it is gone too. */
  get open(): number {
    return this.#open.size;
  }

  #takeRelease(record: Extract<LoggedRecord, { readonly kind: 'released' }>): void {
    const { session, seq, statement, hold } = record;
    // A release of something whole (a dump) is followed by one for each of its statements.
    if (this.#released.get(session)?.hold === hold) this.#superseded(session);
    this.#released.set(session, { seq, statement, hold });
    this.#letThrough(record);
  }

  #letThrough(record: Extract<LoggedRecord, { readonly kind: 'judged' | 'released' }>): void {
    const { seq, at, session, agent } = record;
    const hold = record.kind === 'released' ? record.hold : undefined;
    const text = record.kind === 'judged' ? record.text : undefined;
    this.#open.set(seq, { seq, at, session, agent, hold, text });
  }

  #superseded(session: string, statement?: string): void {
    const release = this.#released.get(session);
    if (release === undefined || (statement !== undefined && release.statement !== statement)) return;
    this.#open.delete(release.seq);
    this.#released.delete(session);
  }
}

/** Records are read here before it is known whether somebody changed them, so any member may be missing. */
function saysRefused(rules: unknown): boolean {
  return Array.isArray(rules) && rules[0] === serverRefuses;
}
