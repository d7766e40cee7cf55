// `npm run bench`: everything that is measured, in one run, written to docs/benchmarks.md between its marks; the words around the
// tables are people's own and stay.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { benchRoad } from './road.ts';

const root = new URL('..', import.meta.url).pathname;
const file = `${root}docs/benchmarks.md`;
const rooms = ['sql', 'policy', 'audit', 'audit-road', 'audit-verify', 'witness', 'rows', 'holds'].filter((room) =>
  existsSync(`${root}bench/${room}.ts`),
);
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

const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;

if (asked.length === 0 || asked.includes('road'))
  put('road', `${machine}\n\n${await benchRoad((line) => console.log(line))}`);
for (const room of rooms.filter((name) => asked.length === 0 || asked.includes(name))) {
  const done = spawnSync(process.execPath, ['--import', 'tsx', `bench/${room}.ts`], { cwd: root, encoding: 'utf8' });
  console.log(done.stdout, done.stderr);
  put(room, `${machine}\n\n\`\`\`\n${done.stdout.trim()}\n\`\`\``);
  if (done.status !== 0) process.exitCode = 1;
}
