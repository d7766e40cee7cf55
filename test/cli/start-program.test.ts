// Goal: `npm start` on the screen of somebody who has just cloned us: a connection string that works, and nothing left afterwards.
// Method: the built program as a process of its own with a temporary folder of its own; a driver that pastes what was printed; then
// Ctrl-C, or worse.
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { query } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { waitFor, within } from '../support/wait.ts';

const root = new URL('../..', import.meta.url).pathname;
const slow = { withinMs: 90_000 };

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'countersign-npm-start-'));
  chmodSync(temporary, 0o1777);
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly http: string;
  readonly code: Promise<number | null>;
}

async function startProgram(): Promise<Started> {
  const [port, http] = [await freePort(), await freePort()];
  const args = ['bin/countersign.js', 'start', '--port', String(port), '--http', String(http)];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = new Promise<number | null>((settle) => child.once('exit', settle));
  await waitFor(`the welcome (${err})`, () => out.includes('Ctrl-C'), slow);
  return { child, url: /postgres:\/\/[^"]+/.exec(out)?.[0] ?? '', http: `http://127.0.0.1:${http}`, code };
}

describe('npm start', { timeout: 180_000 }, () => {
  test('prints a connection string that works at once, and Ctrl-C leaves nothing behind', async () => {
    const started = await startProgram();
    expect(await query(started.url, 'select count(*)::int as n from customers')).toEqual([{ n: 8000 }]);
    expect(await query(started.url, 'select $1::int as n', [7])).toEqual([{ n: 7 }]);
    expect((await fetch(`${started.http}/readyz`)).status).toBe(200);
    started.child.kill('SIGINT');
    expect(await within('the program to end', started.code, 60_000)).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('takes its Postgres along even when it is killed, and the next start removes the rest', async () => {
    const killed = await startProgram();
    killed.child.kill('SIGKILL');
    await killed.code;
    await waitFor(
      'its Postgres to go',
      () => !readdirSync(temporary).some((name) => name.startsWith('countersign-pg-')),
      slow,
    );
    const next = await startProgram();
    expect(readdirSync(temporary).filter((name) => name.startsWith('countersign-demo-'))).toHaveLength(1);
    next.child.kill('SIGTERM');
    expect(await within('the program to end', next.code, 60_000)).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
