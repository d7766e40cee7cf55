// Before the tests: the built program, which tests of commands run and worker threads load, must be that of the sources.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

export function setup(): void {
  if (!stale()) return;
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
}

function stale(): boolean {
  const built = join(root, 'dist/.tsbuildinfo');
  if (!existsSync(built) || !existsSync(join(root, 'dist/main.js'))) return true;
  const at = statSync(built).mtimeMs;
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) =>
    join(root, 'src', name),
  );
  return [...sources, join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')].some(
    (file) => statSync(file).mtimeMs > at,
  );
}
