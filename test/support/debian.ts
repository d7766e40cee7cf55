// Debian's packages and their sources out of whichever of its suites, without a word to the machine's own apt: lists of its own, in a folder
// that goes away.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Debian {
  /** The archive of a source as its authors wrote it. */
  source(name: string): Promise<string>;
  /** Unpacks packages that run on any machine. */
  unpack(names: readonly string[], into: string): Promise<void>;
}

export async function debian(suite: string, aside: string): Promise<Debian> {
  mkdirSync(join(aside, 'lists', 'partial'), { recursive: true });
  const list = join(aside, 'sources.list');
  const options = [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(aside, 'lists')}`,
  ];
  const apt = (...args: readonly string[]): Promise<unknown> =>
    run('apt-get', [...options.flatMap((option) => ['-o', option]), ...args], { cwd: aside });
  const archive = await archiveOfDebian();
  const listed = new Set<string>();
  const update = async (kind: 'deb' | 'deb-src'): Promise<void> => {
    if (listed.has(kind)) return;
    listed.add(kind);
    writeFileSync(list, [...listed].map((each) => `${each} ${archive} ${suite} main\n`).join(''));
    await apt('update');
  };
  return {
    source: async (name) => {
      await update('deb-src');
      const failed = await apt('source', '--download-only', name).then(() => undefined, String);
      // Apt calls it a failure when any part of it is missing; ours is the one without a part's name.
      const found = readdirSync(aside).find((file) => file.startsWith(`${name}_`) && /\.orig\.tar\.\w+$/.test(file));
      if (found === undefined)
        throw new Error(`Debian gave no source archive of ${name}: ${failed ?? 'no .orig file'}`);
      return join(aside, found);
    },
    unpack: async (names, into) => {
      await update('deb');
      await apt('download', ...names);
      for (const name of names) {
        const file = readdirSync(aside).find((each) => each.startsWith(`${name}_`) && each.endsWith('.deb'));
        if (file === undefined) throw new Error(`Debian gave no package ${name}`);
        await run('dpkg-deb', ['-x', join(aside, file), into]);
      }
    },
  };
}

/** Whence this machine has its own packages; the archive of security updates has no sources of other suites. */
async function archiveOfDebian(): Promise<string> {
  const asked = ['indextargets', '--format', '$(ORIGIN) $(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await run('apt-get', asked);
  const archive = /^Debian (\S+\/debian\/)$/m.exec(stdout)?.[1];
  if (archive === undefined) throw new Error('apt knows no archive of Debian, so nothing is to be had of it');
  return archive;
}
