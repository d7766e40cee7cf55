// What knowing costs where nothing is remembered: the static witness, the server's tree beside a plain Parse, both together; and what
// one agent's hostile texts cost another. Figures for docs/benchmarks.md; exits 1 when a bound of the issue is missed.
// Run alone: npx tsx bench/witness.ts (after npm run build)
import { systemClock } from '../src/core/clock.ts';
import { known } from '../src/core/known.ts';
import { probeMessages, ProbeReader, startupOption, type ProbeOutcome } from '../src/proxy/witness-protocol.ts';
import { connectUpstream, type Upstream } from '../src/proxy/upstream.ts';
import { analyseText } from '../src/sql/analyse.ts';
import { loadParser, type ParserMajor } from '../src/sql/parser.ts';
import { ParserPool } from '../src/sql/parser-pool.ts';
import { SchemaResolvers } from '../src/sql/resolve.ts';
import { readSnapshot } from '../src/sql/schema-picture.ts';
import { SchemaIndex } from '../src/sql/schema-index.ts';
import { unite } from '../src/sql/union.ts';
import { encodeClientMessage } from '../src/wire/client-messages.ts';
import { FrameReader, headerBytes } from '../src/wire/frame.ts';
import { decodeServerMessage, type ServerMessage } from '../src/wire/server-messages.ts';
import { aTarget } from '../test/proxy/upstream-target.ts';
import { query } from '../test/support/client.ts';
import { playHostile } from '../test/support/hostile-play.ts';
import { percentile } from '../test/support/hostile-texts.ts';
import { startPostgres } from '../test/support/postgres.ts';

const schema = `
  CREATE TABLE customers (id int PRIMARY KEY, name text, email text, active bool);
  CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, total numeric, placed timestamptz);
  CREATE TABLE addresses (customer int, street text, country text);
  CREATE TABLE countries (code text PRIMARY KEY, region text);
`;
const text = `WITH recent AS (SELECT o.id, o.customer, o.total FROM orders o WHERE o.placed > now() - interval '7 days')
  SELECT c.name, count(*) AS orders, sum(r.total) AS spent FROM recent r JOIN customers c ON c.id = r.customer
  JOIN addresses a ON a.customer = c.id LEFT JOIN countries k ON k.code = a.country
  WHERE k.region = 'EU' AND c.active GROUP BY c.name HAVING sum(r.total) > 100 ORDER BY spent DESC LIMIT 20`;
const rounds = 1_500;
const missed: string[] = [];

function tell(what: string, ms: readonly number[], boundMs?: number): number {
  const [p50, p95] = [percentile(ms, 0.5), percentile(ms, 0.95)];
  const bound = boundMs === undefined ? '' : `   (bound ${boundMs} ms)`;
  console.log(`${what.padEnd(58)} p50 ${p50.toFixed(3)} ms   p95 ${p95.toFixed(3)} ms${bound}`);
  if (boundMs !== undefined && p50 > boundMs) missed.push(what);
  return p50;
}

/** One session's line, one question at a time. */
class Line {
  readonly #upstream: Upstream;
  #take: (message: ServerMessage) => void = () => undefined;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
    const reader = new FrameReader({ streams: () => false, lengthMax: () => 1 << 24 });
    upstream.socket.on('data', (chunk: Buffer) => {
      reader.push(chunk, {
        frame: (type, bytes, start, end) => {
          this.#take(decodeServerMessage(type, Buffer.from(bytes.subarray(start + headerBytes, end))));
        },
        part: () => undefined,
      });
    });
    upstream.socket.resume();
  }

  parse(sql: Buffer): Promise<void> {
    return new Promise((settle) => {
      this.#take = (message) => {
        if (message.kind === 'parseComplete') settle();
      };
      const parse = encodeClientMessage({ kind: 'parse', statement: '', sql, types: [] });
      this.#upstream.socket.write(Buffer.concat([parse, encodeClientMessage({ kind: 'flush' })]));
    });
  }

  probe(sql: Buffer): Promise<ProbeOutcome> {
    return new Promise((settle) => {
      const reader = new ProbeReader('same');
      this.#take = (message) => {
        const outcome = reader.take(message);
        if (typeof outcome === 'object') settle(outcome);
      };
      this.#upstream.socket.write(probeMessages({ sql, types: [], clientMinMessages: 'notice', end: 'flush' }));
    });
  }

  close(): void {
    this.#upstream.socket.destroy();
  }
}

async function timed(work: () => unknown): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds + 200; round++) {
    const begun = performance.now();
    await work();
    if (round >= 200) times.push(performance.now() - begun);
  }
  return times;
}

async function benchMajor(major: ParserMajor): Promise<void> {
  const postgres = await startPostgres({ major, flags: ['fsync=off'] });
  try {
    await query(postgres.url(), schema);
    const rows = async (sql: string): Promise<(string | null)[][]> =>
      (await query(postgres.url(), `SET search_path = ''; ${sql}`)).map(
        (row) => Object.values(row) as (string | null)[],
      );
    const snapshot = await readSnapshot(rows);
    const index = new SchemaIndex(snapshot);
    const state = { searchPath: known(['public']), role: 'postgres', temp: known([]) };
    const job = { text, schemaVersion: snapshot.schemaVersion, state };
    const parser = await loadParser(major);
    const resolvers = new SchemaResolvers(parser);
    resolvers.add(snapshot);
    tell(
      `${major}: static witness, parse and resolve`,
      await timed(() => analyseText(parser, resolvers.resolver, job)),
      0.15,
    );

    const url = new URL(postgres.url());
    const target = aTarget({
      port: Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: url.pathname.slice(1),
    });
    const parameters = new Map([['options', startupOption]]);
    const line = new Line(await connectUpstream({ target, parameters }, new AbortController().signal));
    const sql = Buffer.from(text);
    const plain = tell(`${major}: plain Parse, a round trip`, await timed(() => line.parse(sql)));
    tell(`${major}: the probe around it, its tree read`, await timed(() => line.probe(sql)));

    const entry = new URL('../dist/sql/parser-worker.js', import.meta.url);
    const pool = new ParserPool({ major, clock: systemClock, entry });
    await pool.up();
    pool.publish(snapshot);
    const both = async (): Promise<void> => {
      // At once, as the reader does it for a plain query.
      const [probed, answer] = await Promise.all([line.probe(sql), pool.analyse(job, 'ana')]);
      const analysis = answer.kind === 'statements' ? answer.statements[0]?.analysis : undefined;
      if (analysis === undefined || probed.kind !== 'tree') throw new Error(answer.kind);
      const united = unite(analysis, probed.facts, index);
      if (united.analysis.unknowns.length > 0) throw new Error(united.analysis.unknowns[0]?.why);
    };
    tell(`${major}: cold, both witnesses through the worker`, await timed(both), Number((plain + 1).toFixed(3)));
    await pool.close();
    line.close();
  } finally {
    await postgres.stop();
  }
}

async function benchHostile(): Promise<void> {
  const entry = new URL('../dist/sql/parser-worker.js', import.meta.url);
  const pool = new ParserPool({ major: 17, clock: systemClock, entry });
  await pool.up();
  const [count, seed] = [3_000, 20_261_121];
  const played = await playHostile(pool, { count, seed });
  const answered = [...played.answers].map(([kind, times]) => `${kind} ${times}`).join(', ');
  console.log(`${count} hostile texts of one agent (seed ${seed}): ${answered}; workers lost ${pool.health.lost}`);
  const ratio = played.beside.p99 / played.alone.p99;
  console.log(
    `another agent's p50 ${played.alone.p50.toFixed(2)} → ${played.beside.p50.toFixed(2)} ms, p99 ${played.alone.p99.toFixed(2)} → ` +
      `${played.beside.p99.toFixed(2)} ms: ${ratio.toFixed(2)} times (bound 2)`,
  );
  if (ratio > 2) missed.push('the p99 of another agent');
  await pool.close();
}

for (const major of [15, 18] as const) await benchMajor(major);
await benchHostile();
if (missed.length > 0) {
  console.log(`missed: ${missed.join(', ')}`);
  process.exitCode = 1;
}
