// How long `countersign test` and `explain` take once the program stands, cold, over a folder of 5,000 columns and a picture of a schema
// that has them. Each run is a process of its own: nothing is warm. Asked with arguments it is that process and prints its figures.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSchemaFile, schemaFileOf, writeSchemaFile } from '../src/cli/schema-file.ts';
import type { Snapshot } from '../src/sql/schema.ts';

const tables = 250;
const columns = 20;
const sample = new URL('../classification', import.meta.url).pathname;

export interface DbaFigures {
  readonly command: string;
  /** Of the thread that does the work: what the wall shows where a second processor is free for the compilers and the collector. */
  readonly ownMs: number;
  readonly wallMs: number;
}

/** For each command the median of five of its own time, and the best wall: the machine may be busy with others. */
export function benchDbaCommands(): readonly DbaFigures[] {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    writeFolder(folder);
    const commands = {
      test: ['test'],
      explain: ['explain', '--agent', 'report-bot', '--database', 'shop', 'select c_1, c_2 from big.t7 where c_3 = 1'],
    };
    return Object.entries(commands).map(([command, args]) => {
      const times = Array.from({ length: 5 }, () => once([...args, '--classification', folder]));
      const own = times.map(({ ownMs }) => ownMs).toSorted((a, b) => a - b);
      return { command, ownMs: own[2] ?? Number.NaN, wallMs: Math.min(...times.map(({ wallMs }) => wallMs)) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function once(args: readonly string[]): Omit<DbaFigures, 'command'> {
  const done = spawnSync(process.execPath, ['--import', 'tsx', new URL(import.meta.url).pathname, ...args], {
    encoding: 'utf8',
  });
  const [code, ownMs, wallMs] = done.stdout.trim().split(' ').map(Number);
  if (code !== 0 || ownMs === undefined || wallMs === undefined)
    throw new Error(`${args.join(' ')}: ${done.stdout}${done.stderr}`);
  return { ownMs, wallMs };
}

/** The sample with one more file and one more schema. */
function writeFolder(folder: string): void {
  cpSync(sample, folder, { recursive: true });
  let words = 'version: 1\ndatabase: shop\nowner: data-owners\ntables:\n';
  for (let table = 0; table < tables; table += 1) {
    words += `  big.t${table}:\n    columns:\n`;
    for (let column = 0; column < columns; column += 1)
      words += `      c_${column}: ${column % 4 === 0 ? 'personal.contact.email' : 'internal'}\n`;
  }
  writeFileSync(join(folder, 'big.yaml'), words);
  const file = schemaFileOf(folder, 'shop');
  const pictured = readSchemaFile(file);
  if (pictured === undefined) throw new Error('the sample has no picture of its schema');
  writeSchemaFile(file, widened(pictured));
}

function widened(pictured: Snapshot): Snapshot {
  const model = pictured.relations.find(({ schema, name }) => schema === 'public' && name === 'orders');
  const home = pictured.schemas.find(({ name }) => name === 'public');
  const column = model?.attributes[0];
  if (model === undefined || home === undefined || column === undefined) throw new Error('the sample has no orders');
  const plain = { ...column, notNull: false, identity: 'no', expression: undefined, generatedFrom: [] } as const;
  const attributes = Array.from({ length: columns }, (_, at) => ({ ...plain, num: at + 1, name: `c_${at}` }));
  const relations = Array.from({ length: tables }, (_, at) => {
    return { ...model, oid: 900_000 + at, schema: 'big', name: `t${at}`, rowType: 0, attributes };
  });
  return {
    ...pictured,
    schemas: [...pictured.schemas, { ...home, oid: 899_999, name: 'big' }],
    relations: [...pictured.relations, ...relations],
  };
}

/** Linux counts per thread; elsewhere the wall has to do. */
function ownTime(): number {
  const file = `/proc/self/task/${process.pid}/schedstat`;
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6 : performance.now();
}

const asked = process.argv[1] === new URL(import.meta.url).pathname ? process.argv.slice(2) : [];
if (asked.length > 0) {
  const { run } = await import('../src/cli/program.ts');
  const [own, wall] = [ownTime(), performance.now()];
  const code = await run(asked, { out: () => undefined, err: (line) => console.error(line), env: {} });
  console.log(code, (ownTime() - own).toFixed(1), (performance.now() - wall).toFixed(1));
}
