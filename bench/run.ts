// `npm run bench`: everything that is measured, in one run, written to docs/benchmarks.md between its marks; the words around the
// figures are people's own and stay. `npm run bench road holds` runs and renews those parts alone.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { benchRoad } from './road.ts';

const root = new URL('..', import.meta.url).pathname;
const file = `${root}docs/benchmarks.md`;
/** Each is a program of its own: what it prints is its part of the page. */
const rooms = ['audit-road', 'audit', 'audit-verify', 'sql', 'witness', 'policy', 'rows', 'holds'];
const asked = process.argv.slice(2);

function put(mark: string, text: string): void {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n';
  const block = `${begin}\n\n${text}\n\n${end}`;
  const from = old.indexOf(begin);
  const fresh =
    from < 0
      ? `${old.trimEnd()}\n\n## ${mark}\n\n${block}\n`
      : `${old.slice(0, from)}${block}${old.slice(old.indexOf(end) + end.length)}`;
  writeFileSync(file, fresh);
}

/** On what, when, and how busy it was before: figures of a busy machine are no best cases. */
function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const day = new Date().toISOString().slice(0, 10);
  return `${cpus().length} × ${model}, Node ${process.version}, ${day}, load before it ${loadavg()[0]?.toFixed(1) ?? '?'}`;
}

/** Shown as it comes, and given back whole. */
function printed(room: string): Promise<{ readonly text: string; readonly status: number | null }> {
  const child = spawn(process.execPath, ['--import', 'tsx', `bench/${room}.ts`], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    process.stdout.write(part);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ text: text.trim(), status }));
  });
}

const unknown = asked.filter((name) => name !== 'road' && !rooms.includes(name));
if (unknown.length > 0) throw new Error(`nothing called ${unknown.join(', ')}; there is road, ${rooms.join(', ')}`);

const wants = (name: string): boolean => asked.length === 0 || asked.includes(name);

if (wants('road')) {
  const on = machine();
  put('road', `${on}\n\n${await benchRoad((line) => console.log(line))}`);
}
for (const room of rooms.filter(wants)) {
  const on = machine();
  const { text, status } = await printed(room);
  if (status !== 0) process.exitCode = 1;
  // A part that broke before its first figure leaves what stood there.
  if (text === '') continue;
  const end = status === 0 ? '' : `\n\nEnded with ${String(status)}: something above is missed, or it broke.`;
  put(room, `${on}\n\n\`\`\`\n${text}\n\`\`\`${end}`);
}
