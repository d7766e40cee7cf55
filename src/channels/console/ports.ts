// What the console shows beside holds, as the ports that others fill: live sessions, agents and their day, the coverage of the
// classification. Plain data; nothing here knows sockets, schemas or files.
import type { BudgetView } from '../../approval/budgets.ts';
import type { UnixMillis } from '../../core/brand.ts';
import type { Place } from '../../core/place.ts';

export interface ShownAgent {
  readonly name: string;
  readonly owner: string;
  readonly databases: readonly string[];
  /** Since the beginning of the day in UTC, or of this process, whichever is later. */
  readonly today: AgentDay;
  /** Undefined: not known now, the state is away. */
  readonly budgets: readonly BudgetView[] | undefined;
}

export interface AgentDay {
  readonly allowed: number;
  readonly held: number;
  readonly denied: number;
  readonly refused: number;
  readonly rows: number;
}

export interface ShownSession {
  readonly id: string;
  readonly agent: string;
  readonly database: string;
  readonly address: string;
  readonly applicationName: string;
  readonly since: UnixMillis;
  readonly state: string;
}

export interface SessionsPort {
  list(): Promise<readonly ShownSession[]>;
  /** As Postgres ends one: 57P01. False: there is none of that id (any more). On the record before it happens. */
  end(id: string, by: string): Promise<boolean>;
}

export interface ShownColumn {
  readonly name: string;
  readonly level: string;
  readonly rank: number;
  readonly category: string | undefined;
  readonly place: Place | undefined;
  /** What spoke for it: its own entry, the table's default, a pattern, or nobody. */
  readonly by: string;
}

export interface ShownTable {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly columns: readonly ShownColumn[];
}

export interface ShownFinding {
  readonly kind: string;
  readonly what: string;
  readonly words: string;
  readonly place: Place | undefined;
}

export interface ShownDatabase {
  readonly name: string;
  /** Why its schema is not known; undefined: it is. */
  readonly trouble: string | undefined;
  /** `98.2 % of 24 tables and …`. */
  readonly summary: string;
  readonly tables: readonly ShownTable[];
  readonly findings: readonly ShownFinding[];
}
