// What reading SQL costs: parse, kinds, the shape's key, a cache hit, normalising, the card, and a round trip to the worker. Figures for
// docs/benchmarks.md; also a check: exits 1 when a bound of the issue is missed. Run: npx tsx bench/sql.ts (after npm run build)
import { known } from '../src/core/known.ts';
import { systemClock } from '../src/core/clock.ts';
import { StatementCache, cacheLimits, stateKey } from '../src/sql/cache.ts';
import { cardSql } from '../src/sql/canonical.ts';
import { normalisedText } from '../src/sql/normalised.ts';
import { loadParser } from '../src/sql/parser.ts';
import { ParserPool } from '../src/sql/parser-pool.ts';
import { prescan } from '../src/sql/prescan.ts';
import { ShapeScanner } from '../src/sql/shape.ts';
import { statementFacts } from '../src/sql/statement.ts';

const bounds = { shapeMicros: 1, hitMicros: 2 } as const;

const short = 'SELECT abalance FROM pgbench_accounts WHERE aid = 123456;';
const medium = `WITH recent AS (SELECT o.id, o.customer, o.total FROM orders o WHERE o.placed > now() - interval '7 days')
  SELECT c.name, count(*) AS orders, sum(r.total) AS spent FROM recent r JOIN customers c ON c.id = r.customer
  JOIN addresses a ON a.customer = c.id LEFT JOIN countries k ON k.code = a.country
  WHERE k.region = 'EU' AND c.active GROUP BY c.name HAVING sum(r.total) > 100 ORDER BY spent DESC LIMIT 20`;
const bulk = `INSERT INTO t (a, b) VALUES ${Array.from({ length: 1000 }, (_, index) => `(${index}, 'name ${index}')`).join(', ')}`;

const missed: string[] = [];

/** The middle of nine rounds, in microseconds. */
function micros(rounds: number, work: (round: number) => unknown): number {
  const times = Array.from({ length: 9 }, () => {
    const begun = process.hrtime.bigint();
    for (let round = 0; round < rounds; round++) work(round);
    return Number(process.hrtime.bigint() - begun) / 1000 / rounds;
  });
  return times.sort((a, b) => a - b)[4] ?? 0;
}

function tell(what: string, figure: number, bound?: number): void {
  const late = bound !== undefined && figure > bound;
  console.log(
    `${what.padEnd(52)} ${figure.toFixed(2).padStart(10)} µs${bound === undefined ? '' : `   (bound ${bound})`}`,
  );
  if (late) missed.push(what);
}

const parser = await loadParser(17);
for (const [name, text, rounds] of [
  ['57 B', short, 2000],
  [`${medium.length} B, 3 joins`, medium, 500],
  [`${bulk.length} B, 1,000 rows`, bulk, 5],
] as const) {
  const node = (() => {
    const parsed = parser.parse(text);
    if (parsed.kind !== 'statements' || parsed.statements[0] === undefined) throw new Error(parsed.kind);
    return parsed.statements[0].node;
  })();
  tell(
    `prescan, ${name}`,
    micros(rounds, () => prescan(text)),
  );
  tell(
    `parse, ${name}`,
    micros(rounds, () => parser.parse(text)),
  );
  tell(
    `kinds, ${name}`,
    micros(rounds, () => statementFacts(node)),
  );
  tell(
    `normalised text, ${name}`,
    micros(rounds, () => normalisedText(text)),
  );
}
tell(
  `card, ${medium.length} B`,
  micros(200, () => cardSql(medium, { charactersMax: 3000, literals: 'shown' })),
);

const scanner = new ShapeScanner();
const texts = Array.from({ length: 1000 }, (_, index) => Buffer.from(short.replace('123456', String(index * 977))));
tell(
  'shape key, 57 B',
  micros(100_000, (round) => scanner.keyOf(texts[round % 1000] ?? texts[0]!)),
  bounds.shapeMicros,
);

const cache = new StatementCache<{ readonly verdict: string }>();
const state = stateKey({
  parserMajor: 17,
  schemaVersion: 'x',
  searchPath: ['public'],
  role: 'bot',
  temporary: [],
  more: [],
});
cache.keep(state, texts[0]!, { value: { verdict: 'allow' }, bytes: 1000, inert: true });
const named = Buffer.from(medium);
cache.keep(state, named, { value: { verdict: 'allow' }, bytes: 1000, inert: false });
tell(
  'cache hit by shape, 57 B',
  micros(100_000, (round) => cache.find(state, texts[round % 1000]!)),
  bounds.hitMicros,
);
tell(
  `cache hit by text, ${medium.length} B`,
  micros(50_000, () => cache.find(state, named)),
);

const before = process.memoryUsage().heapUsed;
for (let index = 0; index < 100_000; index++) {
  const text = Buffer.from(`select column_${index}, other from some_table_${index} where id = 5 limit ${index}`);
  cache.keep(state, text, { value: { verdict: `allow ${index}` }, bytes: 1000, inert: false });
}
const grown = (process.memoryUsage().heapUsed - before) / 1024 / 1024;
console.log(
  `100,000 distinct statements: ${cache.size.entries} entries kept, ${(cache.size.bytes / 1024 / 1024).toFixed(1)} MB counted of at most ${cacheLimits.bytesMax / 1024 / 1024}, heap +${grown.toFixed(1)} MB`,
);
if (cache.size.entries > cacheLimits.entriesMax || cache.size.bytes > cacheLimits.bytesMax) missed.push('cache bounds');

const pool = new ParserPool({
  major: 17,
  clock: systemClock,
  entry: new URL('../dist/sql/parser-worker.js', import.meta.url),
});
await pool.up();
const job = {
  text: medium,
  schemaVersion: undefined,
  state: { searchPath: known(['public']), role: 'bot', temp: known([]) },
};
const trips: number[] = [];
for (let round = 0; round < 2000; round++) {
  const begun = performance.now();
  await pool.analyse(job, 'bot');
  trips.push((performance.now() - begun) * 1000);
}
trips.sort((a, b) => a - b);
tell(`worker round trip with parse and kinds, ${medium.length} B, p50`, trips[1000] ?? 0);
tell(`worker round trip with parse and kinds, ${medium.length} B, p99`, trips[1980] ?? 0);
await pool.close();

if (missed.length > 0) {
  console.log(`missed: ${missed.join(', ')}`);
  process.exitCode = 1;
}
