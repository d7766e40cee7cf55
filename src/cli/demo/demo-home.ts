// The folder that `countersign start` lives in: its config file, its secrets, its state. Temporary, unless somebody wants to keep it.
// What is written is an ordinary countersign.yaml: the demo goes the same road as everybody, and the file can be copied from.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomText } from '../../core/ids.ts';
import { makeFolder } from '../../core/make-folder.ts';
import { sample } from './sample.ts';

export interface DemoHome {
  readonly folder: string;
  readonly kept: boolean;
  readonly agent: string;
  readonly agentToken: string;
  /** Of the agent of `--agent`: another one, so that it never takes what the person at psql was given. */
  readonly scriptedAgent: string;
  readonly scriptedToken: string;
  readonly rolePassword: string;
  /** Removes the folder, unless it is kept. */
  close(): void;
}

export function openHome(keep: string | undefined): DemoHome {
  const folder = keep === undefined ? temporaryFolder() : resolve(keep);
  makeFolder(folder, 0o711);
  return {
    folder,
    kept: keep !== undefined,
    agent: 'report-bot',
    agentToken: secretIn(folder, 'agent.token'),
    scriptedAgent: 'routine-bot',
    scriptedToken: secretIn(folder, 'routine.token'),
    rolePassword: secretIn(folder, 'gate.password'),
    close: () => {
      if (keep === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface DemoPorts {
  readonly proxy: number;
  readonly http: number;
  readonly postgres: number;
}

/** The worked sample that comes with the package: it is about this database. */
const classification = fileURLToPath(new URL('../../../classification', import.meta.url));

/** Writes the config and gives its path. Every value is ours: letters, digits, and paths in JSON's quotes, which YAML reads too. */
export function writeConfig(home: DemoHome, ports: DemoPorts): string {
  const file = join(home.folder, 'countersign.yaml');
  const url = `postgres://${sample.role}:\${file:gate.password}@127.0.0.1:${ports.postgres}/${sample.database}?sslmode=disable`;
  const lines = [
    '# Written by countersign start, anew at each start.',
    `listen: 127.0.0.1:${ports.proxy}`,
    `http: { listen: 127.0.0.1:${ports.http}, public_url: http://127.0.0.1:${ports.http} }`,
    'state: journal:./state',
    'audit: { dir: ./audit }',
    `classification: ${JSON.stringify(classification)}`,
    'databases:',
    `  ${sample.database}: { url: "${url}" }`,
    'agents:',
    `  ${home.agent}: { password: "\${file:agent.token}", owner: ana, databases: [${sample.database}] }`,
    `  ${home.scriptedAgent}: { password: "\${file:routine.token}", owner: ana, databases: [${sample.database}] }`,
    '',
  ];
  writeFileSync(file, lines.join('\n'), { mode: 0o600 });
  return file;
}

/** Of the temporary folders' names. */
export const demoPrefix = 'countersign-demo-';

/** A temporary folder of our own, after those whose owners were killed before they could remove theirs. */
function temporaryFolder(): string {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(demoPrefix)) removeIfOrphan(join(tmpdir(), name));
  }
  const folder = mkdtempSync(join(tmpdir(), demoPrefix));
  writeFileSync(join(folder, 'pid'), String(process.pid));
  return folder;
}

/** The temporary folder is open to everybody: only what is ours, and a folder, is touched. A folder without a number is just beginning. */
function removeIfOrphan(folder: string): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory() || stat.uid !== process.getuid?.()) return;
  const file = join(folder, 'pid');
  if (!existsSync(file)) return;
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')
      rmSync(folder, { recursive: true, force: true });
  }
}

function secretIn(folder: string, name: string): string {
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, randomText(24), { mode: 0o600 });
  chmodSync(file, 0o600);
  return readFileSync(file, 'utf8');
}
