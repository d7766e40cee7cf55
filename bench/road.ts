// Speed of the road, against others in the same run: prints a table of medians and ratios, and gives it as Markdown.
// Run: npm run bench  (BENCH_SECONDS=1 BENCH_ROUNDS=1 for a quick look)
import { aimsTable } from './road-aims.ts';
import { startField, type Contender, type Field } from './contenders.ts';
import {
  connectTo,
  median,
  pgbench,
  processorMicros,
  readAll,
  residentBytes,
  run,
  type Load,
  type Mode,
} from './measure.ts';

const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);

export interface Row {
  readonly what: string;
  /** By contender: statements a second, or 1/ms; larger is better. */
  readonly medians: ReadonlyMap<string, number>;
  readonly unit: string;
  /** By contender that is one process: what a statement takes of a processor there, in microseconds. */
  readonly micros: ReadonlyMap<string, number>;
}

export async function benchRoad(say: (line: string) => void): Promise<string> {
  const field = await startField({ warm: 40 });
  try {
    const direct = field.contenders[0];
    if (direct === undefined) throw new Error('nobody to measure');
    await run('pgbench', ['-i', '-q', '-s', '10', field.url(direct)]);
    await warmUp(field);
    const rows: Row[] = [];
    for (const mode of ['simple', 'extended', 'prepared'] satisfies Mode[]) {
      for (const clients of [1, 8, 32]) rows.push(await statements(field, { mode, clients, seconds }, say));
    }
    rows.push(await statements(field, { mode: 'simple', clients: 4, seconds, reconnect: true }, say));
    const wide = "select i, 'row number ' || i, i * 1.5, now() from generate_series(1, 1000000) i";
    rows.push(await long(field, '1,000,000 rows by SELECT', wide, say));
    rows.push(await long(field, '1,000,000 rows by COPY', `copy (${wide}) to stdout`, say));
    const { words: memory, megabytes } = await idleMemory(field);
    say(memory);
    return [
      ...table(field, rows),
      '',
      ...processorTable(field, rows),
      '',
      memory,
      '',
      ...aimsTable(rows, megabytes),
      ...field.missing.map((name) => `Not measured, not installed here: ${name}.`),
    ].join('\n');
  } finally {
    await field.stop();
  }
}

/** Not counted: the first seconds of a Node process are its compiler's, and with as many clients as ever come all pools have what they keep. */
async function warmUp(field: Field): Promise<void> {
  for (const contender of field.contenders) {
    for (const mode of ['simple', 'extended', 'prepared'] satisfies Mode[])
      await pgbench(field.url(contender), { mode, clients: 32, seconds: 2 });
  }
}

/** Everybody in turn, the order moved on by one each round, so that a drift of the machine hits all alike. */
async function inTurn(
  field: Field,
  measure: (contender: Contender) => Promise<number>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const figures = new Map<string, number[]>(field.contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < field.contenders.length; turn += 1) {
      const contender = field.contenders[(round + turn) % field.contenders.length];
      if (contender !== undefined) figures.get(contender.name)?.push(await measure(contender));
    }
  }
  return figures;
}

const mediansOf = (figures: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, number> =>
  new Map([...figures].map(([name, list]) => [name, median(list)]));

async function statements(field: Field, load: Load, say: (line: string) => void): Promise<Row> {
  const micros = new Map<string, number[]>();
  const figures = await inTurn(field, async (contender) => {
    const { name, pid } = contender;
    const before = pid === undefined ? 0 : processorMicros(pid);
    const { perSecond, statements: count } = await pgbench(field.url(contender), load);
    if (pid !== undefined) micros.set(name, [...(micros.get(name) ?? []), (processorMicros(pid) - before) / count]);
    return perSecond;
  });
  const what =
    load.reconnect === true
      ? 'a connection for each statement, 4 at once'
      : `${load.mode}, ${load.clients} client${load.clients > 1 ? 's' : ''}`;
  const row = { what, medians: mediansOf(figures), unit: '/s', micros: mediansOf(micros) };
  say(line(row));
  return row;
}

async function long(field: Field, what: string, sql: string, say: (line: string) => void): Promise<Row> {
  const figures = await inTurn(field, async (contender) => 1000 / (await readAll(field.url(contender), sql)).ms);
  const row = { what, medians: mediansOf(figures), unit: '/s', micros: new Map<string, number>() };
  say(line(row));
  return row;
}

async function idleMemory(field: Field): Promise<{ readonly words: string; readonly megabytes: number }> {
  const ours = field.contenders.find(({ name }) => name === 'Countersign');
  if (ours?.pid === undefined) throw new Error('our own process is not there');
  const before = residentBytes(ours.pid);
  const open: Awaited<ReturnType<typeof connectTo>>[] = [];
  // In groups: a thousand logins at once would measure the login's deadline.
  while (open.length < 1000) {
    open.push(...(await Promise.all(Array.from({ length: 50 }, () => connectTo(field.url(ours))))));
  }
  const after = residentBytes(ours.pid);
  for (const { socket } of open) socket.destroy();
  const [more, first] = [after - before, before].map((bytes) => Math.round(bytes / 1024 / 1024));
  const words = `1,000 idle agent connections: ${more ?? 0} MB above the ${first ?? 0} MB of the process after the runs above.`;
  return { words, megabytes: more ?? 0 };
}

function line(row: Row): string {
  const micros = (name: string): string => {
    const value = row.micros.get(name);
    return value === undefined ? '' : ` (${value.toFixed(1)} µs of processor)`;
  };
  return `${row.what}: ${[...row.medians].map(([name, value]) => `${name} ${value.toFixed(value < 100 ? 2 : 0)}${row.unit}${micros(name)}`).join(', ')}`;
}

function table(field: Field, rows: readonly Row[]): readonly string[] {
  const names = field.contenders.map(({ name }) => name);
  const ratio = (row: Row, to: string): string => {
    const [ours, theirs] = [row.medians.get('Countersign'), row.medians.get(to)];
    return ours === undefined || theirs === undefined ? '–' : (ours / theirs).toFixed(2);
  };
  return [
    `| medians of ${rounds} rounds, per second | ${names.join(' | ')} | us / direct | us / PgBouncer | us / relay |`,
    `|---|${names.map(() => '--:|').join('')}--:|--:|--:|`,
    ...rows.map((row) => {
      const figures = names.map((name) =>
        (row.medians.get(name) ?? 0).toFixed((row.medians.get(name) ?? 0) < 100 ? 2 : 0),
      );
      return `| ${row.what} | ${figures.join(' | ')} | ${ratio(row, 'direct')} | ${ratio(row, 'PgBouncer')} | ${ratio(row, 'bare relay')} |`;
    }),
  ];
}

/** Says less of the machine's load than rates do: what others take of the processors is not in it, only what they spoil of caches. */
function processorTable(field: Field, rows: readonly Row[]): readonly string[] {
  const names = field.contenders.filter(({ pid }) => pid !== undefined).map(({ name }) => name);
  return [
    `| processor time of the process, µs a statement | ${names.join(' | ')} | us / PgBouncer | us beyond the relay |`,
    `|---|${names.map(() => '--:|').join('')}--:|--:|`,
    ...rows
      .filter(({ micros }) => micros.size > 0)
      .map(({ what, micros }) => {
        const [ours, theirs, relay] = ['Countersign', 'PgBouncer', 'bare relay'].map((name) => micros.get(name));
        const ratio = ours === undefined || theirs === undefined ? '–' : (ours / theirs).toFixed(2);
        const beyond = ours === undefined || relay === undefined ? '–' : (ours - relay).toFixed(1);
        return `| ${what} | ${names.map((name) => (micros.get(name) ?? 0).toFixed(1)).join(' | ')} | ${ratio} | ${beyond} |`;
      }),
  ];
}
