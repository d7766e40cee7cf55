// What counting and masking rows cost: a million rows of ten columns, first through the road's own parts in memory by the processor's
// time, then from Postgres through a proxy to a client by the clock; the best of a few rounds. Then what budgets cost a statement that draws on none. Figures for docs/benchmarks.md; exits 1 when a bound of the issue is missed. Run: npx tsx bench/rows.ts
import { Outbox } from '../src/proxy/outbox.ts';
import { Replies, awaits, type Follower } from '../src/proxy/replies.ts';
import { FixedBound, RowMeter, type Bound } from '../src/proxy/rows.ts';
import { RowMasker } from '../src/proxy/mask-rows.ts';
import { typeOids } from '../src/proxy/mask-types.ts';
import { valueMask } from '../src/proxy/mask-values.ts';
import { FrameReader } from '../src/wire/frame.ts';
import { fromServer } from '../src/wire/message-types.ts';
import { encodeServerMessage } from '../src/wire/server-messages.ts';
import type { MaskStyle } from '../src/core/mask-style.ts';
import { Socket } from 'node:net';
import { query } from '../test/support/client.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { startProxy } from '../test/support/proxy.ts';
import { waitFor } from '../test/support/wait.ts';
import { budgetCost } from './budgets.ts';
import { readAll } from './measure.ts';

const rows = 1_000_000;
const chunkBytes = 64 * 1024;
const limits = { countingPercent: 5, maskingPercent: 30 } as const;

/** What a driver would read as ten columns: numbers, a name, an address, dates, a text. */
function chunksOf(count: number): readonly Buffer[] {
  const row = (index: number): Buffer =>
    encodeServerMessage({
      kind: 'dataRow',
      values: [
        ...[
          String(index),
          `Name Surname ${index}`,
          `person.${index}@mail${index % 100}.example.com`,
          '1971-03-17',
          '12.50',
        ],
        ...['t', '2026-01-15 12:00:00+00', 'Hamburg', `a text of some length that nobody reads, number ${index}`, '42'],
      ].map((text) => Buffer.from(text)),
    });
  const sample = Buffer.concat(Array.from({ length: count }, (_, index) => row(index)));
  return Array.from({ length: Math.ceil(sample.length / chunkBytes) }, (_, index) =>
    sample.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
}

class Sink extends Socket {
  override write(): boolean {
    return true;
  }

  override cork(): void {
    return undefined;
  }

  override uncork(): void {
    return undefined;
  }
}

interface Way {
  readonly bounds?: readonly Bound[];
  readonly styles?: readonly (MaskStyle | undefined)[];
}

/** As `run.ts` follows an execution. */
function followerOf({ bounds, styles }: Way): Follower {
  const meter = bounds === undefined ? undefined : new RowMeter(bounds);
  const masks = styles?.map((style) =>
    style === undefined
      ? undefined
      : valueMask({ style, typeOid: typeOids.text, typeModifier: -1, format: 'text' }, Buffer.alloc(32, 1)),
  );
  const masker = masks === undefined ? undefined : new RowMasker(masks);
  let [passed, bytesPassed] = [0, 0];
  return {
    row: (_type, size) => {
      if (meter?.take(size).kind === 'stop') return 'stop';
      passed += 1;
      bytesPassed += size;
      return 'forward';
    },
    rewrite: (_type, bytes, start, end) => masker?.row(bytes, start, end),
    ended: () => {
      if (passed + bytesPassed < 0) throw new Error('counted backwards');
    },
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const sampleRows = 20_000;
const chunks = chunksOf(sampleRows);

function measure(way: Way): number {
  const replies = new Replies();
  replies.owe(awaits.query, followerOf(way));
  const outbox = new Outbox(new Sink(), 1 << 20);
  const reader = new FrameReader({ streams: () => false, lengthMax: () => 1 << 30 });
  const out = {
    frame: (type: number, bytes: Buffer, start: number, end: number): void => {
      const fate = replies.take(type, bytes, start, end);
      if (fate === 'forward') outbox.add(bytes, start, end);
      else if (typeof fate === 'object' && !Buffer.isBuffer(fate)) outbox.add(fate.bytes, fate.start, fate.end);
    },
    part: (): void => undefined,
  };
  const begun = cpuMs();
  for (let sent = 0; sent < rows; sent += sampleRows) {
    for (const chunk of chunks) {
      reader.push(chunk, out);
      outbox.flush();
    }
  }
  const ms = cpuMs() - begun;
  const done = encodeServerMessage({ kind: 'readyForQuery', status: 'I' });
  replies.take(fromServer.readyForQuery, done, 0, done.length);
  return ms;
}

const far: readonly Bound[] = [new FixedBound('level', 2_000_000_000), new FixedBound('approved', 2_000_000_000)];
const masksAt = (first: MaskStyle, second: MaskStyle): readonly (MaskStyle | undefined)[] =>
  Array.from({ length: 10 }, (_, index) => (index === 1 ? first : index === 2 ? second : undefined));
const ways: Readonly<Record<string, Way>> = {
  'neither counted nor masked': {},
  'counted against two bounds': { bounds: far },
  'two of ten columns masked (fixed, email)': { bounds: far, styles: masksAt('fixed', 'email') },
  'two of ten columns masked (last4, email)': { bounds: far, styles: masksAt('last4', 'email') },
  'two of ten columns masked (hash, hash)': { bounds: far, styles: masksAt('hash', 'hash') },
};

function best(measured: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, number> {
  return new Map([...measured].map(([name, list]) => [name, Math.min(...list)]));
}

function report(what: string, figures: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const [plain = Number.NaN] = figures.values();
  const more = new Map<string, number>();
  for (const [name, ms] of figures) {
    more.set(name, ((ms - plain) / plain) * 100);
    console.log(`${what}, ${name}: ${ms.toFixed(0)} ms (${(more.get(name) ?? 0).toFixed(1)} % more)`);
  }
  return more;
}

const alone = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round < 3; round += 1) {
  for (const [name, way] of Object.entries(ways)) alone.get(name)?.push(measure(way));
}
report('1,000,000 rows in memory', best(alone));

// The same through sockets, from Postgres to a client that reads and forgets.
const level = (words: string): string => `version: 1
levels: [{ name: public, read: allow }, ${words}]
`;
const approvers = 'version: 1\napprovers: { ana: { email: ana@example.com, groups: [owners] } }\n';
const files = (taxonomy: string, columns: string): Readonly<Record<string, string>> => ({
  'taxonomy.yaml': taxonomy,
  'approvers.yaml': approvers,
  'db.yaml': `version: 1\ndatabase: db\ntables: { public.people: { default: public, columns: { ${columns} } } }\n`,
});
const wide = '{ name: wide, read: allow, rows: 2000000000, approvers: [owners] }';
const fixed = '{ name: hidden, read: mask, mask: fixed, approvers: [owners] }';
const email = '{ name: mail, read: mask, mask: email, approvers: [owners] }';
const roads: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'neither counted nor masked': files(level(fixed), ''),
  'counted against a bound': files(level(wide), 'name: wide'),
  'two of ten columns masked': files(level(`${fixed}, ${email}`), 'name: hidden, email: mail'),
};

const postgres = await startPostgres();
await query(
  postgres.url('postgres'),
  `create table people as select g as id, 'Name Surname ' || g as name, 'person.' || g || '@mail.example.com' as email,
     date '1971-03-17' as born, 12.5 as amount, true as active, timestamptz '2026-01-15 12:00:00+00' as seen, 'Hamburg'::text as city,
     'a text of some length that nobody reads, number ' || g as note, 42 as answer from generate_series(1, 200000) g;
   create table short as select id, name from people limit 100`,
);
const sql = 'select p.* from people p cross join generate_series(1, 5) g';
const road = new Map<string, number[]>(Object.keys(roads).map((name) => [name, []]));
for (let round = 0; round < 4; round += 1) {
  for (const [name, classification] of Object.entries(roads)) {
    const proxy = await startProxy({ databases: { db: postgres.url('postgres') }, files: classification });
    // Held while the schema and the parsers are not there yet.
    await waitFor(
      'a first row',
      async () => (await query(proxy.url('db'), 'select * from people limit 1')).length === 1,
    );
    const { ms } = await readAll(proxy.url('db'), sql);
    road.get(name)?.push(ms);
    await proxy.stop();
  }
}
const { withoutMs, withMs } = await budgetCost(postgres.url('postgres'));
await postgres.stop();
const more = report('1,000,000 rows by SELECT', best(road));
const counted = more.get('counted against a bound') ?? Infinity;
const masked = more.get('two of ten columns masked') ?? Infinity;
console.log(
  `a short statement, no budgets: ${(withoutMs * 1000).toFixed(0)} µs; a budget of another level: ${(withMs * 1000).toFixed(0)} µs (${((withMs / withoutMs - 1) * 100).toFixed(1)} % more)`,
);
console.log(`bounds: counting ${limits.countingPercent} %, masking ${limits.maskingPercent} %`);
if (counted > limits.countingPercent || masked > limits.maskingPercent) process.exitCode = 1;
