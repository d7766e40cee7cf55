// Plays random schemas and statements: what the witnesses say against the server's tree, and then against what can be seen. A column that
// nobody said is read is given other values; whatever can then be told apart was a way to read it.
import pg from 'pg';
import { loadParser } from '../../../src/sql/parser.ts';
import type { PostgresMajor } from '../../support/postgres.ts';
import { Asks } from './asks.ts';
import { columnKey, firstData, otherData } from './data.ts';
import { Dice } from './dice.ts';
import { Judge } from './judge.ts';
import { difference, seenOf, type Place, type Seen } from './runs.ts';
import { makeWorld, roles, rolesSql, type Role, type Table, type World } from './world.ts';

export interface Plan {
  readonly seed: number;
  readonly statements: number;
  /** By `performance.now()`. */
  readonly until: number;
  /** `nothing`: as if no column were said to be read. What then shows is what the oracle is able to see. */
  readonly heard?: 'nothing';
}

export interface Found {
  readonly kind: 'missed' | 'shows';
  readonly words: string;
  readonly sql: string;
  readonly role: Role;
  readonly world: World;
}

export interface Played {
  worlds: number;
  asked: number;
  refused: number;
  notKnown: number;
  known: number;
  over: number;
  settled: number;
  /** Runs on other values. */
  swapped: number;
  readonly reasons: Map<string, number>;
  readonly found: Found[];
}

/** One server, in which one schema after the other is made and asked about. */
export class Player {
  readonly #ground: pg.Client;
  readonly #seer: pg.Client;
  readonly #judge: Judge;
  readonly #major: PostgresMajor;
  readonly played: Played = {
    worlds: 0,
    asked: 0,
    refused: 0,
    notKnown: 0,
    known: 0,
    over: 0,
    settled: 0,
    swapped: 0,
    reasons: new Map(),
    found: [],
  };

  private constructor(
    clients: { readonly ground: pg.Client; readonly seer: pg.Client },
    judge: Judge,
    major: PostgresMajor,
  ) {
    this.#ground = clients.ground;
    this.#seer = clients.seer;
    this.#judge = judge;
    this.#major = major;
  }

  static async open(url: string, major: PostgresMajor): Promise<Player> {
    const [ground, seer] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
    await Promise.all([ground.connect(), seer.connect()]);
    await ground.query(rolesSql);
    return new Player({ ground, seer }, new Judge(seer, await loadParser(major)), major);
  }

  async world(plan: Plan): Promise<void> {
    const place = await build(this.#ground, makeWorld(plan.seed));
    await this.#judge.learn();
    this.played.worlds += 1;
    await inWorld({ plan, place, judge: this.#judge, played: this.played, major: this.#major });
  }

  async close(): Promise<void> {
    await Promise.all([this.#ground.end(), this.#seer.end()]);
  }
}

/** What the server does not take is left out. */
export async function build(client: pg.Client, world: World): Promise<Place> {
  await client.query(`SET client_min_messages = notice; SET statement_timeout = '3s'; SET check_function_bodies = off`);
  for (const sql of world.ddl) await client.query(sql).catch(() => undefined);
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_catalog.pg_class WHERE relnamespace = 'w'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')`,
  );
  return { client, world, present: new Set(rows.map((row) => row.name)) };
}

interface Round {
  readonly plan: Plan;
  readonly place: Place;
  readonly judge: Judge;
  readonly played: Played;
  readonly major: PostgresMajor;
}

async function inWorld(round: Round): Promise<void> {
  const { place, plan, played, judge } = round;
  const { world, present } = place;
  const dice = new Dice(world.seed ^ 0x5bd1e995);
  const there = {
    ...world,
    tables: world.tables.filter(({ name }) => present.has(name)),
    views: world.views.filter(({ name }) => present.has(name)),
  };
  const asks = new Asks(dice, there);
  const own = await guardColumns(place);
  for (let at = 0; at < plan.statements && performance.now() < plan.until; at += 1) {
    const sql = asks.next(round.major);
    const role = dice.pick(roles);
    const said = await judge.of(sql, role);
    if (said.kind === 'refused') {
      played.refused += 1;
      count(played.reasons, `refused: ${said.why.replace(/"[^"]*"|\d+/g, '…')}`);
      continue;
    }
    played.asked += 1;
    if (said.kind === 'missed') played.found.push({ kind: 'missed', words: said.words, sql, role, world });
    if (said.kind === 'notKnown') {
      played.notKnown += 1;
      count(played.reasons, said.why.replace(/"[^"]*"|\b[tvfgpm]\d\b/g, '…'));
    }
    if (said.kind !== 'known') continue;
    played.known += 1;
    if (said.over.length > 0) played.over += 1;
    if (said.settled) played.settled += 1;
    const unread = unreadColumns(there, ({ name, kin = [] }, column) => {
      const isGuard = (table: string): boolean => own.has(columnKey(table, column)) && said.touched.has(table);
      const isRead = plan.heard !== 'nothing' && said.read.has(columnKey(name, column));
      return isRead || [name, ...kin].some(isGuard);
    });
    const words = await showing(round, { sql, role, unread, flows: said.flows, dice: new Dice(world.seed + at) });
    if (words !== undefined) played.found.push({ kind: 'shows', words, sql, role, world });
  }
}

function unreadColumns(
  world: Pick<World, 'tables'>,
  isRead: (table: Table, column: string) => boolean,
): readonly string[] {
  return world.tables.flatMap((table) =>
    table.stored
      .filter((each) => each.canary && !isRead(table, each.name))
      .map((each) => columnKey(table.name, each.name)),
  );
}

interface Tried {
  readonly sql: string;
  readonly role: Role;
  readonly unread: readonly string[];
  readonly flows: ReadonlyMap<string, ReadonlySet<string>>;
  readonly dice: Dice;
}

/** All of them at once, some of them; and where that shows, each by itself. */
async function showing(
  { place, played }: Round,
  { sql, role, unread, flows, dice }: Tried,
): Promise<string | undefined> {
  if (unread.length === 0) return undefined;
  const { world } = place;
  const made = await generated(place);
  const data = firstData(world, dice);
  const before = await seenOf(place, data, sql, role);
  if (before === undefined) return undefined;
  const shows = async (keys: readonly string[], chance: Dice): Promise<string | undefined> => {
    const swapped = new Set(keys);
    const after = await seenOf(place, otherData(world, data, swapped, chance), sql, role);
    played.swapped += 1;
    return after === undefined ? undefined : difference(before, after, hiddenBy(swapped, made, flows));
  };
  for (const keys of [unread, unread, dice.some(unread, 0.5)]) {
    const words = await shows(keys, dice);
    if (words === undefined) continue;
    // Something of its own that is never the same, and so says nothing.
    if (await isRestless(place, before, { data, sql, role })) return undefined;
    const single: string[] = [];
    for (const key of keys)
      for (let again = 0; again < 4; again += 1)
        if ((await shows([key], dice)) !== undefined) {
          single.push(key);
          break;
        }
    return `${single.length > 0 ? single.join(', ') : `together: ${keys.join(', ')}`}: ${words.slice(0, 600)}`;
  }
  return undefined;
}

async function isRestless(
  place: Place,
  before: Seen,
  run: { readonly data: ReturnType<typeof firstData>; readonly sql: string; readonly role: Role },
): Promise<boolean> {
  const again = await seenOf(place, run.data, run.sql, run.role);
  return again === undefined || difference(before, again, () => false) !== undefined;
}

/** The swapped columns, what is computed from them in their own rows, and what they are said to be copied into. */
function hiddenBy(
  swapped: ReadonlySet<string>,
  made: ReadonlyMap<string, readonly string[]>,
  flows: ReadonlyMap<string, ReadonlySet<string>>,
): (table: string, column: string) => boolean {
  const kin = (table: string): readonly string[] => [table, ...(table.startsWith('p_') ? ['p'] : [])];
  const isSwapped = (name: string, column: string): boolean =>
    swapped.has(columnKey(name, column)) ||
    (made.get(columnKey(name, column)) ?? []).some((each) => swapped.has(columnKey(name, each)));
  const isCopied = (name: string, column: string): boolean =>
    [...(flows.get(columnKey(name, column)) ?? [])].some((each) => swapped.has(each));
  return (table, column) => kin(table).some((name) => isSwapped(name, column) || isCopied(name, column));
}

/** Generated columns and what they are made of. */
async function generated({ client }: Place): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<{ name: string; made: string; of: string }>(
    `SELECT c.relname AS name, a.attname AS made, s.attname AS of FROM pg_catalog.pg_depend d
     JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid AND d.classid = 'pg_attrdef'::regclass JOIN pg_catalog.pg_class c ON c.oid = f.adrelid
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.adnum AND a.attgenerated <> ''
     JOIN pg_catalog.pg_attribute s ON s.attrelid = d.refobjid AND s.attnum = d.refobjsubid AND d.refobjid = c.oid AND s.attnum <> a.attnum
     WHERE c.relnamespace = 'w'::regnamespace`,
  );
  const made = new Map<string, readonly string[]>();
  for (const row of rows)
    made.set(columnKey(row.name, row.made), [...(made.get(columnKey(row.name, row.made)) ?? []), row.of]);
  return made;
}

/** Columns of a guarded row that its own row security looks at: access control, no reading. */
async function guardColumns({ client }: Place): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string; column: string }>(
    `SELECT c.relname AS name, a.attname AS column FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refobjid = c.oid
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND (d.refobjsubid IN (0, a.attnum))
     WHERE c.relnamespace = 'w'::regnamespace AND c.relrowsecurity`,
  );
  return new Set(rows.map((row) => columnKey(row.name, row.column)));
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
