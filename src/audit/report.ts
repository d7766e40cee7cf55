// The evidence of a span, from the log alone: every hold with who asked and who decided, changes of catalog and config, what was
// judged how often, whether anybody approved their own agent's statement, and the gaps, said openly. Collecting is here; `report-pages.ts` writes.
import type { Told } from './hold-receipt.ts';
import { OpenStatements, type OpenStatement } from './open-statements.ts';
import type { LoggedRecord } from './record.ts';

type Of<Kind extends LoggedRecord['kind']> = Extract<LoggedRecord, { readonly kind: Kind }>;

interface InChain {
  readonly chain: string;
}

export interface ReportHold {
  readonly held: Told<'held'>;
  readonly votes: readonly Told<'voted'>[];
  readonly decided: Told<'decided'> | undefined;
  readonly released: number;
  readonly rows: number;
  /** Releases whose outcome is not on record. */
  readonly unfinished: number;
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
  readonly changes: readonly (Of<'start' | 'stop' | 'config' | 'catalog' | 'part'> & InChain)[];
  readonly gaps: readonly ((Of<'mended'> | Of<'key'>) & InChain)[];
  /** Let through, and their process ended before an outcome was recorded. */
  readonly unknownOutcomes: readonly (OpenStatement & InChain)[];
  /** Chains that have steps of holds of the span, by what their peers' records say, and were not read; with the holds. */
  readonly notRead: ReadonlyMap<string, readonly string[]>;
  /** Origins of the chains that were read. */
  readonly chains: readonly string[];
  /** Votes by the owner of the agent that asked. None may ever be here. */
  readonly selfVotes: readonly Told<'voted'>[];
  /** Decisions that count the owner of the agent that asked. None may ever be here. */
  readonly selfDecisions: readonly Told<'decided'>[];
  /** Versions of the classification that judged in the span, oldest first, and how often. */
  readonly catalogs: ReadonlyMap<string, number>;
  /** The newest schema of each database that statements were judged by. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Approvals without a vote to approve in the log, releases without an approval. */
  readonly unexplained: readonly string[];
}

interface CollectedHold {
  held: Told<'held'> | undefined;
  readonly votes: Told<'voted'>[];
  readonly decisions: Told<'decided'>[];
  readonly releases: Told<'released'>[];
  rows: number;
  outcomes: number;
  inSpan: boolean;
  /** Of its steps in the span, for a hold whose beginning is nowhere. */
  readonly steps: Told[];
}

/**
 * Takes the records of whole logs, since a hold may begin before the span; only what lies in the span is counted. Each chain's own are in order. Those of
 * several chains may not be: their clocks differ, so what follows from what is worked out at the end.
 */
export class ReportCollector {
  readonly #span: { readonly from: string | undefined; readonly to: string | undefined };
  readonly #holds = new Map<string, CollectedHold>();
  readonly #levels = new Map<string, number>();
  readonly #agents = new Map<string, { owner: string; statements: number }>();
  readonly #verdicts = { allow: 0, hold: 0, deny: 0 };
  readonly #changes: ReportFacts['changes'][number][] = [];
  readonly #gaps: ReportFacts['gaps'][number][] = [];
  readonly #releaseOf = new Map<string, string>();
  readonly #catalogs = new Map<string, number>();
  readonly #schemas = new Map<string, string>();
  readonly #chains = new Map<string, OpenStatements>();
  #records = 0;

  constructor(span: { readonly from: string | undefined; readonly to: string | undefined }) {
    this.#span = span;
  }

  take(record: LoggedRecord, chain: string): void {
    const statements = this.#chains.get(chain) ?? new OpenStatements();
    this.#chains.set(chain, statements);
    statements.take(record);
    const told: Told = { ...record, chain };
    const counted = this.#isInSpan(record.at);
    if (counted) this.#records += 1;
    if ('hold' in told && told.hold !== undefined) this.#takeHold(told, told.hold, counted);
    if (told.kind === 'finished') this.#takeOutcome(told);
    if (!counted) return;
    if (told.kind === 'judged') this.#takeJudged(told);
    if (told.kind === 'mended' || (told.kind === 'key' && told.seq > 1)) this.#gaps.push(told);
    if (isChange(told)) this.#changes.push(told);
  }

  facts(): ReportFacts {
    const inSpan = [...this.#holds.values()].filter((hold) => hold.inSpan);
    const holds = inSpan.flatMap((hold) => reportedOf(hold) ?? []);
    const isRead = (chain: string): boolean => this.#chains.has(chain);
    const notRead = chainsNotRead(inSpan, isRead);
    return {
      ...this.#span,
      records: this.#records,
      holds,
      verdicts: this.#verdicts,
      levels: this.#levels,
      agents: this.#agents,
      changes: this.#changes,
      gaps: this.#gaps,
      chains: [...this.#chains.keys()],
      unknownOutcomes: [...this.#chains].flatMap(([chain, { left }]) =>
        left.filter(({ at }) => this.#isInSpan(at)).map((one) => ({ ...one, chain })),
      ),
      notRead,
      selfVotes: holds.flatMap((hold) => hold.votes.filter((vote) => vote.person === hold.held.owner)),
      selfDecisions: holds.flatMap(({ held, decided }) => (decided?.by.includes(held.owner) === true ? [decided] : [])),
      catalogs: this.#catalogs,
      schemas: this.#schemas,
      // What may stand in a chain that was not read is not held against anybody, but said by itself.
      unexplained: [
        ...inSpan.filter((hold) => othersOf(hold).every(isRead)).flatMap(unexplainedIn),
        ...inSpan
          .filter((hold) => othersOf(hold).every(isRead))
          .flatMap((hold) => reportedOf(hold) ?? [])
          .flatMap(withoutVotes),
      ],
    };
  }

  #isInSpan(at: string): boolean {
    const { from, to } = this.#span;
    return (from === undefined || at >= from) && (to === undefined || at.slice(0, to.length) <= to);
  }

  #takeHold(told: Told, id: string, counted: boolean): void {
    const hold = this.#holds.get(id) ?? aHold();
    this.#holds.set(id, hold);
    hold.inSpan ||= counted;
    if (counted) hold.steps.push(told);
    // After a crash a peer may have recorded the same again.
    if (told.kind === 'held') hold.held ??= told;
    if (told.kind === 'voted') hold.votes.push(told);
    if (told.kind === 'decided') hold.decisions.push(told);
    if (told.kind !== 'released') return;
    this.#releaseOf.set(nameOf(told), id);
    hold.releases.push(told);
  }

  #takeOutcome(told: Told<'finished'>): void {
    const id = this.#releaseOf.get(`${told.chain} ${told.of}`);
    const hold = id === undefined ? undefined : this.#holds.get(id);
    if (hold === undefined) return;
    hold.rows += told.rows;
    hold.outcomes += 1;
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

const aHold = (): CollectedHold => ({
  ...{ held: undefined, votes: [], decisions: [], releases: [], rows: 0, outcomes: 0, inSpan: false, steps: [] },
});

const nameOf = ({ chain, seq }: Told): string => `${chain} ${seq}`;

/** The other chains that its records name. */
function othersOf({ votes, decisions, releases }: CollectedHold): readonly string[] {
  return [...votes, ...decisions, ...releases].flatMap(({ chains }) => chains ?? []);
}

function chainsNotRead(
  holds: readonly CollectedHold[],
  isRead: (chain: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const named = holds.flatMap((hold) => {
    const [first] = [hold.held, ...hold.votes, ...hold.decisions, ...hold.releases].filter((one) => one !== undefined);
    return first === undefined ? [] : othersOf(hold).map((chain) => ({ chain, hold: first.hold }));
  });
  const missing = [...new Set(named.map(({ chain }) => chain))].filter((chain) => !isRead(chain));
  return new Map(
    missing.map((chain) => [chain, [...new Set(named.filter((one) => one.chain === chain).map(({ hold }) => hold))]]),
  );
}

function reportedOf({ held, votes, decisions, releases, rows, outcomes }: CollectedHold): ReportHold | undefined {
  if (held === undefined) return undefined;
  const unfinished = releases.length - outcomes;
  return { held, votes, decided: decisions[0], released: releases.length, rows, unfinished };
}

/** Clocks of machines that are looked after differ by less. */
const clocksMsMax = 1_000;

function unexplainedIn({ held, decisions, releases, steps }: CollectedHold): readonly string[] {
  if (held === undefined) {
    return steps.map((step) => `${recordName(step)} is of ${holdIn(step)}, whose beginning is in no log that was read`);
  }
  const [first] = decisions;
  const other = decisions.find(({ state }) => state !== first?.state);
  const twice =
    first === undefined || other === undefined
      ? []
      : [
          `${held.hold} is decided in two ways: ${first.state} by ${recordName(first)}, ${other.state} by ${recordName(other)}`,
        ];
  const unapproved = releases.filter((release) => !decisions.some((decision) => leadsTo(decision, release)));
  return [
    ...twice,
    ...unapproved.map((release) => `${recordName(release)} releases ${held.hold}, which was not approved before`),
  ];
}

function leadsTo(decision: Told<'decided'>, release: Told<'released'>): boolean {
  if (decision.state !== 'approved') return false;
  if (decision.chain === release.chain) return decision.seq < release.seq;
  return Date.parse(decision.at) <= Date.parse(release.at) + clocksMsMax;
}

const recordName = (told: Told): string => `record ${told.seq} of ${told.chain} (${told.kind})`;
const holdIn = (told: Told): string => ('hold' in told && told.hold !== undefined ? told.hold : '');

function isChange(record: Told): record is ReportFacts['changes'][number] {
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
