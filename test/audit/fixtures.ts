// Goal: records and folders for the audit's tests.
// Method: factories with overrides; a fresh folder for each caller, removed when the test file ends.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { AuditBody, LoggedRecord } from '../../src/audit/record.ts';
import { parseRecord } from '../../src/audit/reader.ts';
import { segmentName, segmentNumbers } from '../../src/audit/segment-file.ts';

export type JudgedBody = Extract<AuditBody, { readonly kind: 'judged' }>;

export function aJudged(overrides: Partial<JudgedBody> = {}): JudgedBody {
  return {
    kind: 'judged',
    session: 's_abcdefghijkl',
    agent: 'report-bot',
    owner: 'ana',
    database: 'shop',
    statement: 'a'.repeat(64),
    text: 'select id, total from orders where id = $1',
    verdict: 'allow',
    actions: ['read'],
    columns: [{ column: 'public.orders.id', level: 'public' }],
    rules: ['level public'],
    catalog: 'c1',
    schema: 'v1',
    ...overrides,
  };
}

/** Asked for here, when the test file is loaded: a hook that a running test asks for never runs. */
const folders: string[] = [];
const disks: string[] = [];
afterAll(() => {
  for (const disk of disks.splice(0)) execFileSync('umount', ['-l', disk]);
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export function aFolder(under = tmpdir()): string {
  const dir = mkdtempSync(join(under, 'countersign-audit-'));
  folders.push(dir);
  return dir;
}

/** A tmpfs of a few pages, or undefined where this user may not mount. */
export function aSmallDisk(kilobytes: number): string | undefined {
  const dir = join(aFolder(), 'disk');
  mkdirSync(dir);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  disks.push(dir);
  return dir;
}

/** `from`: the `seq` of the first one wanted. */
export function recordsIn(dir: string, from = 0): readonly LoggedRecord[] {
  const lines = linesIn(dir);
  return (from === 0 ? lines : lines.slice(from)).map((line) => {
    const record = parseRecord(line);
    if (typeof record === 'string') throw new Error(`${record}: ${line}`);
    return record;
  });
}

export function linesIn(dir: string): readonly string[] {
  return segmentNumbers(dir).flatMap((number) =>
    readFileSync(join(dir, segmentName(number)), 'utf8')
      .split('\n')
      .slice(0, -1),
  );
}

/** Waits for a condition, with a deadline. */
export async function until(what: string, condition: () => boolean, msMax = 10_000): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${msMax} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
