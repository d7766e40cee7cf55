// `countersign console-link`: a new one-time sign-in link for an approver, for whoever runs the proxy on this machine.
import type { Command } from 'commander';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { randomText } from '../core/ids.ts';
import { wordsOf } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { linkDeskPath, linkProof } from '../channels/console/link-desk.ts';
import { auditFolder, type FolderOptions } from './audit-folder.ts';
import { readConsoleKey } from './console-key.ts';
import { demoPrefix } from './demo/demo-home.ts';
import { sample } from './demo/sample.ts';
import { failed, misused, type Io } from './io.ts';

const timeoutMs = 10_000;
const answerShape = z.object({ url: z.url() });
const errorShape = z.object({ error: z.object({ message: z.string() }) });

export function addConsoleLink(program: Command, io: Io): void {
  program
    .command('console-link')
    .argument('[person]', 'an approver of approvers.yaml; of `countersign start`, the one that it names')
    .description(
      'print a new sign-in link of the console, good once and for ten minutes; on the machine and as the user of the running proxy',
    )
    .option('-c, --config <file>', 'the config file (countersign.yaml here, else the running `countersign start`)')
    .option('--dir <folder>', 'the folder of the audit record, instead of a config file')
    .action(async (person: string | undefined, options: FolderOptions) => {
      const { dir, isDemo } = folderOf(options);
      if (person === undefined && !isDemo) throw misused('name the approver: countersign console-link PERSON');
      io.out(await askLink(dir, person ?? sample.approver));
    });
}

function folderOf(options: FolderOptions): { readonly dir: string; readonly isDemo: boolean } {
  if (options.dir !== undefined || options.config !== undefined || existsSync('countersign.yaml'))
    return { dir: auditFolder(options), isDemo: false };
  const running = demoFolders();
  const [only, ...more] = running;
  if (only === undefined)
    throw failed('no `countersign start` of yours is running here; name the proxy’s config with --config');
  if (more.length > 0)
    throw misused(`${running.length} of them are running; choose one with --dir: ${running.join(', ')}`);
  return { dir: only, isDemo: true };
}

/** Of our own user, with a proxy in them that can be asked. The temporary folder is open to everybody. */
function demoFolders(): readonly string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(demoPrefix))
    .map((name) => resolve(tmpdir(), name))
    .filter((folder) => {
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      return stat?.isDirectory() === true && stat.uid === process.getuid?.();
    })
    .map((folder) => join(folder, 'audit'))
    .filter((dir) => readConsoleKey(dir) !== undefined);
}

async function askLink(dir: string, person: string): Promise<string> {
  const found = readConsoleKey(dir);
  if (found === undefined)
    throw failed(
      `${dir}: no proxy is running here, or it is another user’s (run this as the user of the proxy, where it runs)`,
    );
  const ask = { person, at: Date.now(), nonce: randomText(24) };
  const body = JSON.stringify({ ...ask, proof: linkProof(found.key, ask) });
  let answer: Response;
  try {
    answer = await fetch(found.url + linkDeskPath, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (thrown) {
    throw failed(`${found.url}: the proxy does not answer (${visible(wordsOf(thrown), 200)}); is it still running?`);
  }
  const said: unknown = await answer.json().catch(() => undefined);
  const url = answerShape.safeParse(said).data?.url;
  if (answer.ok && url !== undefined) return visible(url, 4_000);
  const words = errorShape.safeParse(said).data?.error.message ?? `it answered ${answer.status}`;
  throw failed(visible(words, 500));
}
