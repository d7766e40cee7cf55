// Whether a session does what pg_dump does: one transaction on one snapshot, in which it locks tables to read them one after the other. Its
// name for itself is nothing that anybody can rely on, and neither is this: it only says that people should be asked once about all that was
// locked, instead of once for each table. What they say yes to is that list, and each piece of it is judged as what it is.
//
// pg_dump --jobs has a leader, which locks everything and gives out its snapshot, and workers that take it over: they share what was decided.
import { randomText } from '../core/ids.ts';
import type { DumpShape } from '../gate-data.ts';
import type { RelationName } from '../sql/analysis.ts';
import type { ReadText } from '../sql/reading.ts';

interface Owner {
  readonly agent: string;
  readonly database: string;
}

/** The dumps that are under way in this process. */
export class DumpRegistry {
  readonly #leaders = new Set<DumpWatch>();

  lead(watch: DumpWatch): void {
    this.#leaders.add(watch);
  }

  leave(watch: DumpWatch): void {
    this.#leaders.delete(watch);
  }

  /** Of the same agent in the same database; of several nobody can say whose snapshot it is. */
  leaderOf({ agent, database }: Owner): DumpWatch | undefined {
    const [only, ...more] = [...this.#leaders].filter((one) => one.agent === agent && one.database === database);
    return more.length === 0 ? only : undefined;
  }
}

/** More than this is no list that people can read. */
const tablesMax = 5_000;

export class DumpWatch implements Owner {
  readonly agent: string;
  readonly database: string;
  readonly #registry: DumpRegistry;
  #own: { readonly key: object; readonly id: string } | undefined;
  #follows = false;
  readonly #tables = new Map<string, RelationName>();

  constructor(registry: DumpRegistry, { agent, database }: Owner) {
    this.#registry = registry;
    this.agent = agent;
    this.database = database;
  }

  /** A text is let through. When the server refuses it, its transaction has failed and nothing follows. */
  saw(text: ReadText): void {
    for (const { analysis } of text.statements) {
      if (analysis.command === 'SET TRANSACTION') this.#own ??= { key: {}, id: randomText(20) };
      else if (this.#own === undefined) continue;
      else if (analysis.command === 'SET TRANSACTION SNAPSHOT') this.#follows = true;
      else if (analysis.command === 'LOCK TABLE') this.#lock(analysis.wholeTables);
      else if (text.normalised?.includes('pg_export_snapshot') === true) this.#registry.lead(this);
    }
  }

  /** No transaction is open any more. */
  over(): void {
    if (this.#own === undefined && this.#tables.size === 0) return;
    this.#own = undefined;
    this.#follows = false;
    this.#tables.clear();
    this.#registry.leave(this);
  }

  shape(): DumpShape | undefined {
    const leader = this.#follows ? this.#registry.leaderOf(this) : undefined;
    return leader === undefined ? this.#shape() : leader.#shape();
  }

  #shape(): DumpShape | undefined {
    if (this.#own === undefined || this.#tables.size === 0) return undefined;
    return { ...this.#own, tables: [...this.#tables.values()] };
  }

  #lock(tables: readonly RelationName[]): void {
    for (const one of tables)
      if (this.#tables.size < tablesMax) this.#tables.set(JSON.stringify([one.schema, one.name]), one);
  }
}
