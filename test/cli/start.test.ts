// Goal: `countersign start` brings up what it says, ends cleanly for every reason there is, and leaves nothing behind.
// Method: the real Postgres and the real sample; serving is a class of ours here that keeps what it was given (the proxy before it
// is looked at in the tests of the program).
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/core/config.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { start, type Serving, type StartOptions } from '../../src/cli/start.ts';
import { query } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { waitFor } from '../support/wait.ts';

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'countersign-start-'));
  chmodSync(temporary, 0o1777);
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(temporary, { recursive: true, force: true });
});

class Stage {
  readonly said: string[] = [];
  readonly complaints: string[] = [];
  config = '';
  configFile = '';
  stopped = 0;
  stop: () => void = () => undefined;
  endServing: () => void = () => undefined;

  run(options: Partial<StartOptions> = {}): Promise<number> {
    return start(
      { port: undefined, http: undefined, keep: undefined, ...options },
      {
        say: (line) => this.said.push(line),
        complain: (line) => this.complaints.push(line),
        askedToStop: new Promise((settle) => (this.stop = settle)),
        onEnter: () => () => undefined,
        serve: (file) => {
          this.configFile = file;
          this.config = readFileSync(file, 'utf8');
          const serving: Serving = {
            ended: new Promise((settle) => (this.endServing = settle)),
            stop: () => Promise.resolve(void this.stopped++),
            consoleLink: (person) => Promise.resolve(`http://127.0.0.1:${String(options.http)}/enter?t=${person}`),
          };
          return Promise.resolve(serving);
        },
      },
    );
  }

  /** The database's own URL, with the password from the file that the config names. */
  upstream(): string {
    const url = /url: "([^"]+)"/.exec(this.config)?.[1] ?? '';
    return url.replace('${file:gate.password}', readFileSync(join(dirname(this.configFile), 'gate.password'), 'utf8'));
  }
}

async function occupy(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(port, '127.0.0.1', settle));
  return server;
}

describe('countersign start', () => {
  test('serves the sample database from a config file, prints a connection string, and leaves nothing behind', async () => {
    const stage = new Stage();
    const [port, http] = [await freePort(), await freePort()];
    const code = stage.run({ port, http });
    await waitFor('the welcome', () => stage.said.some((line) => line.includes('psql')), { withinMs: 60_000 });
    expect(stage.config).toContain(`listen: 127.0.0.1:${port}`);
    expect(statSync(stage.configFile).mode & 0o077).toBe(0);
    const loaded = await loadConfig(stage.configFile, { env: {}, makeVerifier: (password) => makeVerifier(password) });
    expect(loaded.kind === 'bad' ? loaded.mistakes : []).toEqual([]);
    if (loaded.kind === 'good') expect(existsSync(join(loaded.value.classificationDir, 'taxonomy.yaml'))).toBe(true);
    expect(await query(stage.upstream(), 'select count(*)::int as n from customers')).toEqual([{ n: 8000 }]);
    const token = readFileSync(join(dirname(stage.configFile), 'agent.token'), 'utf8');
    expect(stage.said.join('\n')).toContain(`http://127.0.0.1:${http}/enter?t=ben`);
    expect(stage.said.join('\n')).toContain(`psql "postgres://report-bot:${token}@127.0.0.1:${port}/shop"`);
    stage.stop();
    expect(await code).toBe(0);
    expect(stage.stopped).toBe(1);
    expect(stage.complaints).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('ends with one line when the proxy ends under it', async () => {
    const stage = new Stage();
    const code = stage.run({ port: await freePort(), http: await freePort() });
    await waitFor('the welcome', () => stage.said.some((line) => line.includes('psql')), { withinMs: 60_000 });
    stage.endServing();
    expect(await code).toBe(1);
    expect(stage.complaints).toEqual(['countersign start: the proxy ended']);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('does not start on a port that somebody asked for and another has', async () => {
    const port = await freePort();
    const other = await occupy(port);
    const stage = new Stage();
    expect(await stage.run({ port })).toBe(1);
    other.close();
    expect(stage.complaints).toEqual([`countersign start: port ${port} is taken (choose another with --port)`]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test(
    'keeps database, secrets and config where it is told to, and finds them again',
    { timeout: 60_000 },
    async () => {
      const keep = join(temporary, 'kept');
      const urls: string[] = [];
      for (const name of ['first', 'second']) {
        const stage = new Stage();
        const code = stage.run({ keep, port: await freePort(), http: await freePort() });
        await waitFor('the welcome', () => stage.said.some((line) => line.includes('psql')), { withinMs: 60_000 });
        urls.push(new URL(stage.upstream()).password);
        if (name === 'first') await query(stage.upstream(), 'create table public.mine (n int)');
        else expect(await query(stage.upstream(), 'select count(*)::int as n from mine')).toEqual([{ n: 0 }]);
        stage.stop();
        expect(await code).toBe(0);
      }
      expect(urls[0]).toBe(urls[1]);
      expect(existsSync(join(keep, 'countersign.yaml'))).toBe(true);
    },
  );
});
