// A reader for each database: its schema, its memory of statements, and the parser of its server's major. Databases of one major share
// a parser, so that two of them cost no more threads than one.
import type { Clock } from '../core/clock.ts';
import type { Config, DatabaseConfig } from '../core/config-types.ts';
import type { Log } from '../core/log.ts';
import type { AnalysisJob } from '../sql/analyse.ts';
import type { InBandAnswer } from '../sql/in-band.ts';
import { parserMajorOf, type ParserMajor } from '../sql/parser.ts';
import { ParserPool, type PoolAnswer } from '../sql/parser-pool.ts';
import { Reader } from '../sql/reader.ts';
import type { Snapshot } from '../sql/schema.ts';
import type { CommonSchema } from './own-definitions.ts';
import { DefinitionsWatch } from './definitions-watch.ts';
import { SchemaKeeper } from './schema-keeper.ts';

export interface ReadersParts {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs?: number;
  /** Told of each schema that statements are judged by from now on. */
  readonly onSchema?: (database: string, snapshot: Snapshot) => void;
}

/** Of one database, whatever its configuration is by now: a session outlives reloads. */
export interface DatabaseReader {
  readonly reader: Reader;
  readonly schema: Pick<SchemaKeeper, 'changed' | 'current' | 'fresh' | 'ready' | 'seen'>;
  /** Who may be changing definitions at this moment. */
  readonly watch: DefinitionsWatch;
  /** For sessions that see more of it than others. */
  readonly common: CommonSchema;
  /** A statement of ours let through has changed what sessions begin with, and its transaction is over. */
  settingsMoved(): void;
}

interface Entry {
  readonly reader: Reader;
  readonly schema: SchemaKeeper;
  readonly watch: DefinitionsWatch;
  config: DatabaseConfig;
  pool: ParserPool | undefined;
}

export class Readers {
  readonly #parts: ReadersParts;
  readonly #entries = new Map<string, Entry>();
  readonly #pools = new Map<ParserMajor, ParserPool>();
  /** Parsers that have not been ready yet. */
  readonly #coming = new Map<ParserPool, Promise<void>>();
  #disagreements = 0;
  #onSettings: (() => void) | undefined;

  constructor(parts: ReadersParts) {
    this.#parts = parts;
  }

  /** Reads every schema now, so that the first agent does not wait for it. */
  start(): void {
    for (const name of this.#parts.config().databases.keys()) this.of(name);
  }

  /** Who is told when the settings that databases and roles begin their sessions with have changed. */
  onSettings(tell: () => void): void {
    this.#onSettings = tell;
  }

  /** Undefined: no such database in the configuration. */
  of(database: string): DatabaseReader | undefined {
    const first = this.#entry(database);
    if (first === undefined) return undefined;
    let entry = first;
    // A database that left the configuration goes on for its sessions as it was.
    const now = (): Entry => (entry = this.#entry(database) ?? entry);
    return {
      get reader() {
        return now().reader;
      },
      get schema() {
        return now().schema;
      },
      get watch() {
        return now().watch;
      },
      common: commonOf(now),
      settingsMoved: () => this.#onSettings?.(),
    };
  }

  #entry(database: string): Entry | undefined {
    const config = this.#parts.config().databases.get(database);
    const entry = this.#entries.get(database);
    if (entry !== undefined && (entry.config === config || config === undefined)) return entry;
    if (config === undefined) return undefined;
    if (entry !== undefined && wayOf(entry.config) === wayOf(config)) {
      // A reload makes new objects of everything; what was learned of the same database stays.
      entry.config = config;
      return entry;
    }
    entry?.schema.close();
    const made = this.#make(config);
    this.#entries.set(database, made);
    return made;
  }

  states(): readonly { readonly name: string; readonly trouble: string | undefined; readonly witness: string }[] {
    return [...this.#entries].map(([name, { schema, config }]) => ({
      name,
      trouble: schema.trouble,
      witness: config.witness,
    }));
  }

  /** Times that the witnesses contradicted each other since the start. */
  get disagreements(): number {
    return this.#disagreements;
  }

  health(): readonly {
    readonly major: number;
    readonly waiting: number;
    readonly lost: number;
    readonly ready: number;
  }[] {
    return [...this.#pools].map(([major, pool]) => ({ major, ...pool.health }));
  }

  async close(): Promise<void> {
    for (const { schema } of this.#entries.values()) schema.close();
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  #make(config: DatabaseConfig): Entry {
    const log = this.#parts.log.child({ database: config.name });
    const { pollMs } = this.#parts;
    const onSchema = (fresh: Snapshot, before: Snapshot | undefined): void => {
      entry.pool = this.#poolOf(parserMajorOf(fresh.serverMajor));
      entry.pool.publish(fresh, before);
      entry.watch.moved();
      // By somebody else's hand, or by a text that did not say so.
      if (before !== undefined && settingsOf(before) !== settingsOf(fresh)) this.#onSettings?.();
      this.#parts.onSchema?.(config.name, fresh);
      // A statement that is being read against the old one may still be under way.
      if (before !== undefined) setTimeout(() => entry.pool?.forget(before.schemaVersion), forgetMs).unref();
    };
    const schema = new SchemaKeeper({
      target: config,
      log,
      onSchema,
      ...(pollMs === undefined ? {} : { pollMs }),
    });
    const reader = new Reader({
      pool: {
        analyse: (job, agent) => (entry.pool === undefined ? noParser : this.#analyse(entry.pool, job, agent)),
        offer: (request, agent) => entry.pool?.offer(request, agent) ?? noOffer,
        inBand: (text, agent) => (entry.pool === undefined ? noOffer : this.#inBand(entry.pool, text, agent)),
      },
      schema,
      clock: this.#parts.clock,
      witness: config.witness,
      report: (words, normalised) => {
        this.#disagreements += 1;
        log.error('the witnesses contradict each other; the statement is held', {
          words,
          statement: normalised,
          schema: schema.current?.snapshot.schemaVersion,
        });
      },
    });
    const entry: Entry = { reader, schema, watch: new DefinitionsWatch(), config, pool: undefined };
    if (config.witness === 'static') {
      log.warn('witness: static: the server’s own word is done without; what the static witness does not know is held');
    }
    schema.start();
    return entry;
  }

  #poolOf(major: ParserMajor): ParserPool {
    const found = this.#pools.get(major);
    if (found !== undefined) return found;
    const made = new ParserPool({ major, clock: this.#parts.clock });
    this.#pools.set(major, made);
    const first = made.up().then(() => void this.#coming.delete(made));
    this.#coming.set(made, first);
    return made;
  }

  /** The first statements after the start wait for the parser rather than be held for want of one. */
  async #analyse(pool: ParserPool, job: AnalysisJob, agent: string): Promise<PoolAnswer> {
    const { statementBytesMax, parseMsMax } = this.#parts.config().limits;
    const bytes = Buffer.byteLength(job.text);
    if (bytes > statementBytesMax) {
      return notKnown(`its text has ${bytes} bytes, and limits.statement is ${statementBytesMax}`);
    }
    await this.#up(pool);
    const late = notKnown(`reading it took longer than limits.parse_time, ${parseMsMax} ms`);
    return (await withinMs(pool.analyse(job, agent), parseMsMax)) ?? late;
  }

  async #inBand(pool: ParserPool, text: string, agent: string): Promise<InBandAnswer | undefined> {
    await this.#up(pool);
    return await pool.inBand(text, agent);
  }

  async #up(pool: ParserPool): Promise<void> {
    const coming = this.#coming.get(pool);
    if (coming !== undefined) await withinMs(coming, firstParserMsMax);
  }
}

function commonOf(now: () => Entry): CommonSchema {
  return {
    get current() {
      return now().schema.current;
    },
    get last() {
      return now().schema.last;
    },
    get seen() {
      return now().schema.seen;
    },
    look: () => now().schema.fresh(),
    publish: (snapshot, before) => now().pool?.publish(snapshot, before),
    retire: (version) => {
      const { pool } = now();
      setTimeout(() => pool?.forget(version), forgetMs).unref();
    },
  };
}

const settingsOf = ({ settings }: Snapshot): string => JSON.stringify(settings);

/** Everything that makes it the same database, reached in the same way. */
function wayOf({ place: _place, login, tls, ...config }: DatabaseConfig): string {
  const { user, password, passwordCommand } = login;
  const { key, ...rest } = tls;
  return JSON.stringify([config, user, password?.reveal(), passwordCommand, rest, key?.reveal()]);
}

const firstParserMsMax = 10_000;

const notKnown = (why: string): PoolAnswer => ({ kind: 'notKnown', why });

/** Undefined when it takes longer. */
async function withinMs<T>(wanted: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

const forgetMs = 10_000;
const noOffer: Promise<undefined> = Promise.resolve(undefined);
const noParser: Promise<PoolAnswer> = Promise.resolve({ kind: 'notKnown', why: 'the schema has not been read yet' });
