// The evidence of a span, from the log alone: every hold with who asked and who decided, changes of catalog and config, what was
// judged how often, whether anybody approved their own agent's statement, and the gaps, said openly. Collecting is here; `report-pages.ts` writes.
import type { LoggedRecord } from './record.ts';

type Of<Kind extends LoggedRecord['kind']> = Extract<LoggedRecord, { readonly kind: Kind }>;

export interface ReportHold {
  readonly held: Of<'held'>;
  readonly votes: readonly Of<'voted'>[];
  readonly decided: Of<'decided'> | undefined;
  readonly released: number;
  readonly rows: number;
}

export interface ReportFacts {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly records: number;
  readonly holds: readonly ReportHold[];
  /** Statements by verdict. */
  readonly verdicts: Readonly<Record<'allow' | 'hold' | 'deny', number>>;
  /** Judged statements by the level of the columns they touched; one statement counts for each of its levels. */
  readonly levels: ReadonlyMap<string, number>;
  readonly agents: ReadonlyMap<string, { readonly owner: string; readonly statements: number }>;
  readonly changes: readonly Of<'start' | 'stop' | 'config' | 'catalog' | 'part'>[];
  readonly gaps: readonly (Of<'mended'> | Of<'key'>)[];
  /** Votes by the owner of the agent that asked. None may ever be here. */
  readonly selfVotes: readonly Of<'voted'>[];
  /** Decisions that count the owner of the agent that asked. None may ever be here. */
  readonly selfDecisions: readonly Of<'decided'>[];
  /** Versions of the classification that judged in the span, oldest first, and how often. */
  readonly catalogs: ReadonlyMap<string, number>;
  /** The newest schema of each database that statements were judged by. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Approvals without a vote to approve in the log, releases without an approval. */
  readonly unexplained: readonly string[];
}

/** Takes the records of the whole log in order, since a hold may begin before the span; only what lies in the span is counted. */
export class ReportCollector {
  readonly #span: { readonly from: string | undefined; readonly to: string | undefined };
  readonly #holds = new Map<string, Omit<ReportHold, 'votes'> & { votes: Of<'voted'>[]; inSpan: boolean }>();
  readonly #levels = new Map<string, number>();
  readonly #agents = new Map<string, { owner: string; statements: number }>();
  readonly #verdicts = { allow: 0, hold: 0, deny: 0 };
  readonly #changes: ReportFacts['changes'][number][] = [];
  readonly #gaps: ReportFacts['gaps'][number][] = [];
  readonly #unexplained: string[] = [];
  readonly #releaseOf = new Map<number, string>();
  readonly #catalogs = new Map<string, number>();
  readonly #schemas = new Map<string, string>();
  #records = 0;

  constructor(span: { readonly from: string | undefined; readonly to: string | undefined }) {
    this.#span = span;
  }

  take(record: LoggedRecord): void {
    const counted = this.#isInSpan(record.at);
    if (counted) this.#records += 1;
    if ('hold' in record && record.hold !== undefined) this.#takeHold(record, record.hold, counted);
    if (record.kind === 'finished') this.#takeOutcome(record);
    if (!counted) return;
    if (record.kind === 'judged') this.#takeJudged(record);
    if (record.kind === 'mended' || (record.kind === 'key' && record.seq > 1)) this.#gaps.push(record);
    if (isChange(record)) this.#changes.push(record);
  }

  facts(): ReportFacts {
    const holds = [...this.#holds.values()].filter((hold) => hold.inSpan);
    return {
      ...this.#span,
      records: this.#records,
      holds,
      verdicts: this.#verdicts,
      levels: this.#levels,
      agents: this.#agents,
      changes: this.#changes,
      gaps: this.#gaps,
      selfVotes: holds.flatMap((hold) => hold.votes.filter((vote) => vote.person === hold.held.owner)),
      selfDecisions: holds.flatMap(({ held, decided }) => (decided?.by.includes(held.owner) === true ? [decided] : [])),
      catalogs: this.#catalogs,
      schemas: this.#schemas,
      unexplained: [...this.#unexplained, ...holds.flatMap(withoutVotes)],
    };
  }

  #isInSpan(at: string): boolean {
    const { from, to } = this.#span;
    return (from === undefined || at >= from) && (to === undefined || at.slice(0, to.length) <= to);
  }

  #takeHold(record: LoggedRecord, id: string, counted: boolean): void {
    if (record.kind === 'held') {
      this.#holds.set(id, { held: record, votes: [], decided: undefined, released: 0, rows: 0, inSpan: counted });
      return;
    }
    const hold = this.#holds.get(id);
    if (hold === undefined) {
      if (counted)
        this.#unexplained.push(`record ${record.seq} (${record.kind}) is of ${id}, whose beginning is not in this log`);
      return;
    }
    hold.inSpan ||= counted;
    if (record.kind === 'voted') hold.votes.push(record);
    if (record.kind === 'decided') this.#holds.set(id, { ...hold, decided: record });
    if (record.kind !== 'released') return;
    this.#releaseOf.set(record.seq, id);
    this.#holds.set(id, { ...hold, released: hold.released + 1 });
    if (hold.decided?.state !== 'approved') {
      this.#unexplained.push(`record ${record.seq} releases ${id}, which was not approved before`);
    }
  }

  #takeOutcome(record: Of<'finished'>): void {
    const id = this.#releaseOf.get(record.of);
    const hold = id === undefined ? undefined : this.#holds.get(id);
    if (id !== undefined && hold !== undefined) this.#holds.set(id, { ...hold, rows: hold.rows + record.rows });
  }

  #takeJudged(record: Of<'judged'>): void {
    this.#verdicts[record.verdict] += 1;
    if (record.catalog !== '') this.#catalogs.set(record.catalog, (this.#catalogs.get(record.catalog) ?? 0) + 1);
    if (record.schema !== '') this.#schemas.set(record.database, record.schema);
    const agent = this.#agents.get(record.agent);
    this.#agents.set(record.agent, { owner: record.owner, statements: (agent?.statements ?? 0) + 1 });
    for (const level of new Set(record.columns.map((column) => column.level))) {
      this.#levels.set(level, (this.#levels.get(level) ?? 0) + 1);
    }
  }
}

function isChange(record: LoggedRecord): record is ReportFacts['changes'][number] {
  return ['start', 'stop', 'config', 'catalog', 'part'].includes(record.kind);
}

function withoutVotes(hold: ReportHold): readonly string[] {
  if (hold.decided?.state !== 'approved') return [];
  const approvers = new Set(hold.votes.filter((vote) => vote.vote === 'approve').map((vote) => vote.person));
  const strangers = hold.decided.by.filter((person) => !approvers.has(person));
  if (approvers.size > 0 && strangers.length === 0) return [];
  return [
    `${hold.held.hold} is approved by ${hold.decided.by.join(', ') || 'nobody'}, without a vote of theirs in the log`,
  ];
}
