// What a worker does before anybody asks it anything: the first statements compile the module and our own code, which takes longer than
// all of reading, and nobody should wait for that. The answers go nowhere.
import { known } from '../core/known.ts';
import { analyseText, type Resolver } from './analyse.ts';
import type { Parser } from './parser.ts';

const readable = [
  "with a as (select b, 'c' from d) select e.*, f(1) from a join e using (b) where e.g > 5 order by 1 limit 10",
  "insert into a (b) values (1, 'x') on conflict do nothing; update a set b = b + 1 where c = $1",
  'begin',
  'not sql',
];

/** Of what every schema has: the server's own catalogs. */
const resolvable = [
  `with a as (select c.oid, c.relname from pg_class c where c.relkind = 'r') select n.nspname, count(*) as tables, sum(t.reltuples)
   from a join pg_class t on t.oid = a.oid left join pg_namespace n on n.oid = t.relnamespace where n.nspname like 'x%' and t.relhasindex
   group by n.nspname having count(*) > 1 order by tables desc limit 20`,
  'select *, lower(typname) from pg_type where oid = $1 or exists (select 1 from pg_class where reltype = pg_type.oid)',
  "update pg_class set relname = 'a' || relname where oid = 5 returning relname",
];
const turnsMax = 36;

const state = { searchPath: known([]), role: '', temp: known([]) };

/** Before the worker takes anything. */
export function warmUp(parser: Parser, resolver: Resolver): void {
  for (let round = 0; round < 5; round++) {
    for (const text of readable) analyseText(parser, resolver, { text, schemaVersion: undefined, state });
  }
}

/** The same for resolving, once there is a schema to resolve in. One statement a turn: whoever comes meanwhile waits for one at most. */
export class ResolverWarmUp {
  readonly #parser: Parser;
  readonly #resolver: Resolver;
  #turns = 0;

  constructor(parser: Parser, resolver: Resolver) {
    this.#parser = parser;
    this.#resolver = resolver;
  }

  begin(schemaVersion: string): void {
    if (this.#turns === 0) this.#next(schemaVersion);
  }

  /** For good: the parser must not be used any more. */
  stop(): void {
    this.#turns = turnsMax;
  }

  #next(schemaVersion: string): void {
    setImmediate(() => {
      const text = resolvable[this.#turns % resolvable.length];
      if (this.#turns >= turnsMax || text === undefined) return;
      this.#turns++;
      analyseText(this.#parser, this.#resolver, { text, schemaVersion, state });
      this.#next(schemaVersion);
    });
  }
}
