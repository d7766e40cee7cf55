// How long judging takes, and how long a large catalog takes to load. Figures for docs/benchmarks.md; also a check: exits 1 when a
// bound of the issue is missed. Run: npx tsx bench/policy.ts
import { readFolder } from '../src/catalog/folder.ts';
import { loadCatalog } from '../src/catalog/load.ts';
import { judge } from '../src/policy/judge.ts';
import { loadClassification } from '../src/policy/classification.ts';
import type { Analysis, ColumnRead } from '../src/sql/analysis.ts';
import type { Asker } from '../src/policy/asker.ts';
import { benchDbaCommands } from './dba-commands.ts';

const bounds = { loadMs: 1000, judgeMicros: 20, commandMs: 300 } as const;

const folder = new URL('../classification', import.meta.url).pathname;
const loaded = loadClassification(readFolder(folder));
if (loaded.kind === 'bad') throw new Error('the sample has a mistake');
const classification = loaded.value;

const asker: Asker = {
  agent: 'report-bot',
  owner: 'ana',
  database: 'shop',
  role: 'gate',
  applicationName: 'bench',
  clientAddress: '127.0.0.1',
  reason: undefined,
  transaction: 'none',
};

function statementOf(names: readonly (readonly [table: string, column: string])[]): Analysis {
  const reads = names.map(([name, column]): ColumnRead => ({
    column: { relation: { schema: 'public', name }, column },
    uses: ['output'],
    via: [],
    kin: [],
  }));
  const nothing = { writes: [], flows: [], functions: [], wholeTables: [], relations: [], outputs: [] };
  return { kinds: ['read'], command: 'SELECT', reads, ...nothing, rowsMax: 100, unknowns: [] };
}

const twenty = (name: string): readonly (readonly [string, string])[] =>
  Array.from({ length: 20 }, (_, index) => [name, `column_${index}`] as const);
const statements = {
  '20 columns, allowed': statementOf(twenty('orders')),
  '20 columns that nobody named, held': statementOf(twenty('unheard')),
  '20 columns of customers, held': statementOf(
    ['email', 'phone', 'birth_date', 'first_name', 'last_name'].flatMap((column) =>
      Array.from({ length: 4 }, () => ['customers', column] as const),
    ),
  ),
};

/** Time of this process's processor, not of the wall: other programs on the machine do not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function micros(run: () => unknown): number {
  for (let i = 0; i < 20_000; i += 1) run();
  const samples: number[] = [];
  for (let sample = 0; sample < 21; sample += 1) {
    const begun = cpuMs();
    for (let i = 0; i < 2000; i += 1) run();
    samples.push(((cpuMs() - begun) / 2000) * 1000);
  }
  return samples.toSorted((a, b) => a - b)[10] ?? Number.NaN;
}

let missed = false;
for (const [name, analysis] of Object.entries(statements)) {
  const now = Date.UTC(2026, 0, 15, 12);
  const each = micros(() => judge(analysis, { classification, asker, now }));
  missed ||= each > bounds.judgeMicros;
  console.log(`judge, ${name}: ${each.toFixed(1)} µs (bound ${bounds.judgeMicros})`);
}

let big = 'version: 1\ndatabase: big\nowner: data-owners\ntables:\n';
for (let table = 0; table < 2500; table += 1) {
  big += `  public.t${table}:\n    default: internal\n    columns:\n`;
  for (let column = 0; column < 20; column += 1) big += `      c_${column}: personal.contact.email\n`;
}
const files = [...readFolder(folder), { name: 'big.yaml', path: 'big.yaml', text: big }];
const times = Array.from({ length: 5 }, () => {
  const begun = cpuMs();
  if (loadCatalog(files).kind === 'bad') throw new Error('the large catalog has a mistake');
  return cpuMs() - begun;
}).toSorted((a, b) => a - b);
const load = times[2] ?? Number.NaN;
missed ||= load > bounds.loadMs;
console.log(`load 50,000 columns: ${load.toFixed(0)} ms (bound ${bounds.loadMs})`);

for (const { command, ownMs, wallMs } of benchDbaCommands()) {
  missed ||= ownMs > bounds.commandMs;
  const words = `${ownMs.toFixed(0)} ms of its thread, wall at best ${wallMs.toFixed(0)} ms`;
  console.log(`${command} over 5,000 columns, after start: ${words} (bound ${bounds.commandMs})`);
}
process.exitCode = missed ? 1 : 0;
