// What `audit replay` and `audit what-if` share: the classifications and schemas of then and of now, each read once, and the way in which a
// record's statement can be judged again. Texts come from agents, so a text that harms the parser costs only its own answer.
import { ProxyError } from '../core/errors.ts';
import type { Classification } from '../policy/classification.ts';
import {
  rejudge,
  rereadColumns,
  type JudgedRecord,
  type Rejudged,
  type Reread,
  type SessionFacts,
} from '../audit/rejudge.ts';
import { catalogThenIn, type CatalogThen } from '../audit/versions.ts';
import type { CarriedLog, Moment } from '../audit/carried-log.ts';
import { ParserBroken } from '../sql/parser.ts';
import type { Snapshot } from '../sql/schema.ts';
import { schemaThenIn } from './kept-schemas.ts';
import { SqlDesk } from './sql-desk.ts';

export interface ReplayerParts {
  /** Of each chain: any of them may have kept what another's statements were judged by. */
  readonly dirs: readonly string[];
  /** The schema of a database as it is now; undefined: none is at hand. */
  readonly schemaNow: (database: string) => Promise<Snapshot | undefined>;
  /** Classifications that are at hand besides the kept ones. */
  readonly known?: readonly Classification[];
  /** What was carried where; absent: nobody looked. */
  readonly carried?: CarriedLog;
  /** The full statement of a record, where it was sealed and the key is given. */
  readonly unsealed?: (record: JudgedRecord) => string | undefined;
}

export type When = 'then' | 'now';

/** How far judging again can be believed for one record. */
export type Faith =
  /** With the classification of then it gives what is on record. */
  | { readonly kind: 'proven' }
  /** The classification of then is not there to try it with. */
  | { readonly kind: 'not proven'; readonly why: string }
  /** It gives something else, so what it says about another classification is worth nothing. */
  | { readonly kind: 'refuted'; readonly gives: string };

export interface Basis {
  readonly reread: Reread;
  readonly faith: Faith;
  readonly then: Rejudged | undefined;
  /** Of which time the schema is; undefined: none was at hand. */
  readonly schema: When | undefined;
}

interface SchemaDesk {
  readonly desk: SqlDesk;
  readonly when: When;
}

const rereadsMax = 5_000;

export class Replayer {
  readonly #parts: ReplayerParts;
  readonly #catalogs = new Map<string, CatalogThen>();
  readonly #desks = new Map<string, Promise<SqlDesk | undefined>>();
  readonly #rereads = new Map<string, Reread | undefined>();
  #parserBroke = false;

  constructor(parts: ReplayerParts) {
    this.#parts = parts;
  }

  catalogThen(version: string): CatalogThen {
    const kept = this.#catalogs.get(version);
    if (kept !== undefined) return kept;
    const known = this.#parts.known?.find((one) => one.catalog.version === version);
    const found: CatalogThen =
      known === undefined ? catalogThenIn(this.#parts.dirs, version) : { kind: 'there', classification: known };
    this.#catalogs.set(version, found);
    return found;
  }

  /** With the levels that data took with it until then; undefined: until now. */
  with(classification: Classification, until: Moment | undefined): Classification {
    const { carried } = this.#parts;
    if (carried === undefined || carried.count(until) === 0) return classification;
    const catalogThen = (version: string): Classification['catalog'] | undefined => {
      const found = this.catalogThen(version);
      return found.kind === 'there' ? found.classification.catalog : undefined;
    };
    return { ...classification, floors: carried.floors(until, { catalog: classification.catalog, catalogThen }) };
  }

  /** The best way that proves itself; else the best there is, and what speaks against it. */
  async basis(record: JudgedRecord, session: SessionFacts): Promise<Basis> {
    const catalog = this.catalogThen(record.catalog);
    const schema = (await this.#desk(record, 'then')) ?? (await this.#desk(record, 'now'));
    const rereads = this.rereads(record, schema);
    const [best] = rereads;
    if (catalog.kind === 'not there') {
      const faith: Faith = { kind: 'not proven', why: catalog.why };
      return { reread: best, faith, then: undefined, schema: schema?.when };
    }
    let first: Rejudged | undefined;
    for (const reread of rereads) {
      const then = rejudge(record, reread, this.with(catalog.classification, record), session);
      first ??= then;
      if (then.verdict === record.verdict) return { reread, faith: { kind: 'proven' }, then, schema: schema?.when };
    }
    const gives = first?.verdict ?? record.verdict;
    return { reread: best, faith: { kind: 'refuted', gives }, then: first, schema: schema?.when };
  }

  /** In one way, against the schema of one time; undefined where that way or that schema is not there. */
  async rereadAt(record: JudgedRecord, way: Reread['way'], when: When): Promise<Reread | undefined> {
    return this.rereads(record, await this.#desk(record, when)).find((one) => one.way === way);
  }

  /** Best first; by columns always works. */
  rereads(record: JudgedRecord, schema: SchemaDesk | undefined): readonly [Reread, ...Reread[]] {
    const columns = rereadColumns(record);
    if (schema === undefined) return [columns];
    const full = this.#parts.unsealed?.(record);
    const sealed = full === undefined ? undefined : this.#reread(schema, record, { way: 'sealed', text: full });
    const { text } = record;
    const shape = text === undefined ? undefined : this.#reread(schema, record, { way: 'shape', text });
    const [first, ...more] = [sealed, shape].filter((one) => one !== undefined);
    return first === undefined ? [columns] : [first, ...more, columns];
  }

  #reread(
    { desk, when }: SchemaDesk,
    record: JudgedRecord,
    from: { readonly way: 'sealed' | 'shape'; readonly text: string },
  ): Reread | undefined {
    const role = record.role ?? '';
    const searchPath = record.path ?? usualPath;
    const version = when === 'then' ? record.schema : record.database;
    const key = JSON.stringify([when, version, from.way, from.text, role, searchPath]);
    if (this.#rereads.has(key)) return this.#rereads.get(key);
    const read = this.#contained((): Reread | undefined => {
      const sql = from.way === 'shape' ? desk.refill(from.text) : from.text;
      if (sql === undefined) return undefined;
      const analyses = desk.analyse({ sql, role, searchPath }).map((one) => one.analysis);
      return { way: from.way, analyses };
    });
    if (this.#rereads.size >= rereadsMax) this.#rereads.clear();
    this.#rereads.set(key, read);
    return read;
  }

  /** After a text that broke the parser the others are judged by their columns: nothing that it says can be believed any more. */
  #contained<T>(work: () => T): T | undefined {
    if (this.#parserBroke) return undefined;
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof ParserBroken)) throw thrown;
      this.#parserBroke = true;
      return undefined;
    }
  }

  async #desk(record: JudgedRecord, when: When): Promise<SchemaDesk | undefined> {
    const key = when === 'then' ? `then ${record.schema}` : `now ${record.database}`;
    const opening = this.#desks.get(key) ?? this.#openDesk(record, when);
    this.#desks.set(key, opening);
    const desk = await opening;
    return desk === undefined ? undefined : { desk, when };
  }

  async #openDesk(record: JudgedRecord, when: When): Promise<SqlDesk | undefined> {
    if (when === 'now') return open(await this.#parts.schemaNow(record.database));
    const kept = await schemaThenIn(this.#parts.dirs, record.schema);
    return open(kept.kind === 'there' ? kept.snapshot : undefined);
  }
}

const usualPath: readonly string[] = ['$user', 'public'];

async function open(snapshot: Snapshot | undefined): Promise<SqlDesk | undefined> {
  if (snapshot === undefined) return undefined;
  try {
    return await SqlDesk.open(snapshot);
  } catch (thrown) {
    // A major that this program no longer reads: by columns, then.
    if (thrown instanceof ProxyError) return undefined;
    throw thrown;
  }
}

/** What a policy looks at and the record does not say: verdicts that hang on it may come out otherwise. */
export function notOnRecord(classifications: readonly Classification[], session: SessionFacts): readonly string[] {
  const missing = new Set<string>();
  const unseen = [
    'application_name',
    'transaction',
    ...(session.clientAddress === undefined ? ['client_address'] : []),
  ];
  for (const { policy } of classifications) {
    const keys = policy.rules.flatMap((rule) => rule.conditions.map((condition) => condition.split(':')[0] ?? ''));
    for (const key of keys) if (unseen.includes(key)) missing.add(key);
    if (policy.budgets.length > 0) missing.add('budgets');
  }
  return [...missing];
}
