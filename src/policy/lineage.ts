// Where data went that people, or a rule, let out of its column: kept in the shared state for all proxies and sessions, and read by judging
// as a floor under the level of the columns that took it.
//
//   carry ──▶ by name ──a schema has the relation──▶ by oid ──its oid is gone──▶ forgotten
//     └── the statement fails: as it was before
//
// Written before the statement is let through: a peer that sees the new table has a newer schema than this, so it sees the floor too. What
// is carried into a temporary relation lives with its session and is kept by lineage-temporary.ts.
import { isNonEmpty } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { randomText } from '../core/ids.ts';
import { dotted } from '../core/names.ts';
import { visible } from '../core/visible.ts';
import type { ColumnName } from '../sql/analysis.ts';
import type { Relation, Snapshot } from '../sql/schema.ts';
import type { Change, Store, Stored } from '../store/store.ts';
import { isTemporarySchema, TemporaryLineage } from './lineage-temporary.ts';
import type { Floor, Floors } from './floors.ts';
import type { Carried } from './flows.ts';
import {
  fromMax,
  keyOfName,
  lineageKeys,
  mergedColumns,
  parseKept,
  type KeptColumn,
  type KeptRelation,
} from './lineage-documents.ts';

export interface LineageParts {
  readonly store: Pick<Store, 'read' | 'list' | 'change' | 'announce' | 'listen'>;
  readonly clock: Clock;
  /** Of the levels in force; -1 for one that is gone. */
  readonly rankOf: (level: string) => number;
  /** How often the state is asked whether a peer has written. */
  readonly pollMs?: number;
}

export interface Shipment {
  readonly database: string;
  /** Temporary relations are its own. */
  readonly session: string;
  readonly hold: string | undefined;
  readonly carried: readonly Carried[];
}

export interface Shipped {
  /** The server has refused the statement: nothing was carried. */
  undo(): Promise<void>;
}

/** A relation as far as it matters here. */
export interface Named {
  readonly schema: string;
  readonly name: string;
  readonly oid: number;
  readonly attributes: readonly { readonly name: string; readonly num: number }[];
}

const topic = 'lineage';
const usualPollMs = 1_000;
const pageMax = 1_000;
const triesMax = 20;
/** Made in a transaction that is not over yet, or never was: how long a name without a relation is waited for. */
const namelessMs = 7 * 24 * 60 * 60 * 1000;
/** An oid must be missing for so long in the schemas that come: one read before it was made says nothing. */
const missingMs = 60_000;

export class Lineage implements Floors {
  readonly #parts: LineageParts;
  readonly #relations = new Map<string, Map<number, Relation>>();
  readonly #missing = new Map<string, number>();
  /** Relations that a schema has had: one that none has had yet may be of a transaction that is still open. */
  readonly #seen = new Set<string>();
  readonly temporary = new TemporaryLineage();
  #kept: readonly KeptRelation[] = [];
  /** Database, then column by its name of now. */
  #floors = new Map<string, ReadonlyMap<string, Floor>>();
  #stamp: string | undefined;
  #version = 0;
  #reloading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #unlisten: () => void = () => undefined;

  constructor(parts: LineageParts) {
    this.#parts = parts;
  }

  get version(): number {
    return this.#stamp === undefined ? -1 : this.#version + this.temporary.version;
  }

  /** All that is kept, for whoever shows it. */
  get kept(): readonly KeptRelation[] {
    return this.#kept;
  }

  /** Throws UNAVAILABLE while the state has never been read: no column is known to be what the files say. */
  of(database: string, column: ColumnName): Floor | undefined {
    if (this.#stamp === undefined)
      throw new ProxyError(
        'UNAVAILABLE',
        'the state has not been read yet, so nobody knows which data was copied where',
      );
    if (isTemporarySchema(column.relation.schema)) return this.temporary.of(database, column);
    return this.#floors.get(database)?.get(keyOfName(column));
  }

  /** Before anything is judged; later changes of peers come by themselves. A state that is away is waited for. */
  async start(): Promise<void> {
    this.#unlisten = this.#parts.store.listen(topic, () => void this.#look());
    await this.#look();
    this.#schedule();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unlisten();
  }

  /** Before anything is judged by this schema: names are looked up in it. */
  schema(database: string, snapshot: Snapshot): void {
    this.#relations.set(database, new Map(snapshot.relations.map((one) => [one.oid, one])));
    this.#refresh();
    void this.#bindAll(database);
  }

  /** Durable when it resolves; throws UNAVAILABLE otherwise. */
  async carry({ database, session, hold, carried }: Shipment): Promise<Shipped> {
    const undone: (() => Promise<void>)[] = [];
    for (const [relation, columns] of byRelation(carried)) {
      if (isTemporarySchema(relation.schema)) {
        for (const one of columns) this.temporary.carry(session, database, one.to, floorOf(one, hold));
        continue;
      }
      const kept = this.#keptOf(database, relation, columns, hold);
      undone.push(await this.#put(kept));
    }
    return {
      undo: async () => {
        for (const undo of undone) await undo();
      },
    };
  }

  /** Its temporary relations as the server names them now. */
  learn(session: string, relations: readonly Relation[]): void {
    this.temporary.learn(session, relations);
  }

  end(session: string): void {
    this.temporary.end(session);
  }

  /** What the session itself says about relations that it made in a transaction that nobody else can see. */
  async made(database: string, relations: readonly Named[]): Promise<void> {
    for (const relation of relations) {
      const kept = this.#kept.find((one) => one.database === database && one.oid === 0 && isNamed(one, relation));
      if (kept !== undefined) await this.#bind(kept, relation, { isTold: true });
    }
  }

  #keptOf(
    database: string,
    relation: ColumnName['relation'],
    carried: readonly Carried[],
    hold: string | undefined,
  ): KeptRelation {
    const isMade = carried.some((each) => each.isMade === true);
    const there = isMade ? undefined : this.#named(database, relation);
    const columns = new Map<string, KeptColumn>();
    for (const each of carried) {
      const { to } = each;
      const { level, owner, said, from } = floorOf(each, hold);
      const num = there?.attributes.find((one) => one.name === to.column)?.num ?? 0;
      const one: KeptColumn = {
        ...{ name: to.column, num, level, said, from: [...from] },
        ...(owner === undefined ? {} : { owner }),
        ...(hold === undefined ? {} : { hold }),
      };
      const [merged = one] = mergedColumns(
        [columns.get(to.column)].filter((each) => each !== undefined),
        [one],
        this.#parts.rankOf,
      );
      columns.set(to.column, { ...merged, from: merged.from.slice(0, fromMax) });
    }
    const at = this.#parts.clock.now();
    const above = Math.max(0, ...(this.#relations.get(database)?.keys() ?? []));
    const known = there === undefined ? { oid: 0, above } : { oid: there.oid };
    return { database, ...relation, ...known, at, columns: [...columns.values()] };
  }

  /** Adds to what is there; gives how to take it back while nobody else has changed it. */
  async #put(fresh: KeptRelation): Promise<() => Promise<void>> {
    const key = lineageKeys.of(fresh);
    for (let tries = 0; tries < triesMax; tries += 1) {
      const stored = await this.#parts.store.read(key);
      const before = stored === undefined ? undefined : parseKept(stored.value);
      const columns = [...mergedColumns(before?.columns ?? [], fresh.columns, this.#parts.rankOf)];
      const value = JSON.stringify({ ...fresh, columns });
      if (!(await this.#change([{ key, expect: stored?.version ?? 'absent', value }]))) continue;
      return async () => {
        const now = await this.#parts.store.read(key);
        if (now?.value === value) await this.#change([{ key, expect: now.version, value: stored?.value }]);
      };
    }
    throw new ProxyError('UNAVAILABLE', 'what is known of a relation changes too fast; try again');
  }

  async #change(changes: readonly Change[]): Promise<boolean> {
    const stamp = { key: lineageKeys.stamp, expect: 'any', value: randomText(12) } as const;
    const all = [...changes, stamp];
    if (!isNonEmpty(all) || (await this.#parts.store.change(all)) === 'conflict') return false;
    this.#parts.store.announce(topic, 'changed');
    await this.#reload();
    return true;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, this.#parts.pollMs ?? usualPollMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      const stamp = (await this.#parts.store.read(lineageKeys.stamp))?.value ?? '';
      if (stamp !== this.#stamp) await this.#reload();
      await this.#forgetGone();
    } catch (thrown) {
      // The state is away, and says so itself: what was known stays, and new data is carried nowhere meanwhile.
      if (!(thrown instanceof ProxyError)) throw thrown;
    }
  }

  /** One after the other: what was read first must not come last. */
  #reload(): Promise<void> {
    this.#reloading = this.#reloading
      .catch(() => undefined)
      .then(async () => {
        const { store } = this.#parts;
        const stamp = (await store.read(lineageKeys.stamp))?.value ?? '';
        this.#kept = await listed(store);
        this.#stamp = stamp;
        this.#refresh();
      });
    return this.#reloading;
  }

  #refresh(): void {
    const floors = new Map<string, Map<string, Floor>>();
    for (const one of this.#kept) {
      const relation = one.oid === 0 ? undefined : this.#relations.get(one.database)?.get(one.oid);
      if (relation === undefined && this.#isReplaced(one)) continue;
      const own = floors.get(one.database) ?? new Map<string, Floor>();
      floors.set(one.database, own);
      for (const column of one.columns) {
        const { level, owner, said, hold, from } = column;
        const name = nameNow(one, column, relation);
        if (name !== undefined) own.set(keyOfName(name), { level, owner, said, hold, from });
      }
    }
    this.#floors = floors;
    if (this.#kept.length > 0 || this.#version > 0) this.#version += 1;
  }

  /** Numbers grow: where a later relation has the name, this one does not have it any more, or is gone. A schema that is too old shows an earlier one. */
  #isReplaced(one: KeptRelation): boolean {
    return one.isTold === true && (this.#named(one.database, one)?.oid ?? 0) > one.oid;
  }

  #named(database: string, { schema, name }: ColumnName['relation']): Relation | undefined {
    for (const one of this.#relations.get(database)?.values() ?? [])
      if (one.name === name && one.schema === schema) return one;
    return undefined;
  }

  async #bindAll(database: string): Promise<void> {
    for (const kept of this.#kept.filter((one) => one.database === database && one.oid === 0)) {
      const relation = this.#named(database, kept);
      // A schema that was read before it was made shows what had the name then.
      if (relation !== undefined && relation.oid > (kept.above ?? 0)) await this.#bind(kept, relation, {});
    }
  }

  async #bind(kept: KeptRelation, relation: Named, how: { readonly isTold?: true }): Promise<void> {
    try {
      const [nameless, bound] = [lineageKeys.of(kept), lineageKeys.of({ ...kept, oid: relation.oid })];
      const stored: readonly (Stored | undefined)[] = await Promise.all(
        [nameless, bound].map((key) => this.#parts.store.read(key)),
      );
      const [from, to] = stored;
      if (from === undefined) return;
      const columns = parseKept(from.value).columns.map((column) => {
        const num = relation.attributes.find((one) => one.name === column.name)?.num ?? 0;
        return { ...column, num };
      });
      const all = mergedColumns(to === undefined ? [] : parseKept(to.value).columns, columns, this.#parts.rankOf);
      const { above: _above, ...rest } = kept;
      const value = JSON.stringify({ ...rest, ...how, oid: relation.oid, columns: all });
      await this.#change([
        { key: nameless, expect: from.version, value: undefined },
        { key: bound, expect: to?.version ?? 'absent', value },
      ]);
    } catch (thrown) {
      // By name it holds as well; the next schema or look tries again.
      if (!(thrown instanceof ProxyError)) throw thrown;
    }
  }

  async #forgetGone(): Promise<void> {
    const { clock } = this.#parts;
    for (const one of this.#kept) {
      const relations = this.#relations.get(one.database);
      if (relations === undefined) continue;
      const key = lineageKeys.of(one);
      if (relations.has(one.oid)) this.#seen.add(key);
      if (this.#seen.has(key) ? relations.has(one.oid) : clock.now() - one.at < namelessMs) {
        this.#missing.delete(key);
        continue;
      }
      const since = this.#missing.get(key) ?? clock.ticks();
      this.#missing.set(key, since);
      if (clock.ticks() - since < missingMs) continue;
      const stored = await this.#parts.store.read(key);
      this.#missing.delete(key);
      this.#seen.delete(key);
      if (stored !== undefined) await this.#change([{ key, expect: stored.version, value: undefined }]);
      return;
    }
  }
}

async function listed(store: LineageParts['store']): Promise<readonly KeptRelation[]> {
  const found: KeptRelation[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.list(lineageKeys.all, pageMax, after);
    found.push(...page.map(({ value }) => parseKept(value)));
    after = page.at(-1)?.key;
    if (after === undefined || page.length < pageMax) return found;
  }
}

/** Columns are renamed too; undefined: it was dropped with its data, and its number is never given again. */
function nameNow(
  kept: KeptRelation,
  { name: column, num }: KeptColumn,
  now: Relation | undefined,
): ColumnName | undefined {
  if (now === undefined || num === 0) return { relation: now ?? kept, column };
  const attribute = now.attributes.find((one) => one.num === num);
  return attribute === undefined ? undefined : { relation: now, column: attribute.name };
}

function floorOf({ from, level, owner, said }: Carried, hold: string | undefined): Floor {
  const name = visible(dotted(from.relation.schema, from.relation.name, from.column), 200);
  return { level, owner, said, hold, from: [name] };
}

const isNamed = (kept: KeptRelation, { schema, name }: Named): boolean => kept.schema === schema && kept.name === name;

function byRelation(carried: readonly Carried[]): readonly (readonly [ColumnName['relation'], readonly Carried[]])[] {
  const groups = new Map<string, [ColumnName['relation'], Carried[]]>();
  for (const one of carried) {
    const { schema, name } = one.to.relation;
    const key = `${schema}\0${name}`;
    const group = groups.get(key) ?? [{ schema, name }, []];
    group[1].push(one);
    groups.set(key, group);
  }
  return [...groups.values()];
}
