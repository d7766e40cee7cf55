// Goal: nothing that reached the database is without its record: the proxy killed at any moment, and the disk of the log full.
// Method: the real command before a real Postgres; agents insert rows, each by a text of its own; every row there must have a judged record.
import { type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyFolder } from '../../src/audit/verify.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ServeProgram } from '../support/serve-program.ts';
import { gateUrl, shopFill } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';
import { recordsIn } from './fixtures.ts';
import { aFolder, aSmallDisk } from '../support/folders.ts';

const children = new Set<ChildProcess>();

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ fill: shopFill('create table seen (mark text); grant all on seen to gate') });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await postgres.stop();
});

interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
  readonly http: string;
  readonly gone: Promise<unknown>;
}

async function serve(folder: string, auditDir: string): Promise<Serving> {
  writeFileSync(
    join(folder, 'countersign.yaml'),
    `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
state: journal:${join(folder, 'state')}
audit: { dir: ${JSON.stringify(auditDir)} }
databases:
  shop: { url: "${gateUrl(postgres.port)}" }
agents:
  bot: { password: bot-password, owner: ana, databases: [shop] }
`,
  );
  const rules = join(folder, 'classification');
  mkdirSync(rules, { recursive: true });
  writeFileSync(
    join(rules, 'taxonomy.yaml'),
    'version: 1\nlevels:\n  - { name: public, read: allow }\ndefaults: { unclassified: public }\n',
  );
  const program = new ServeProgram(join(folder, 'countersign.yaml'), folder);
  const { child, exited } = program;
  children.add(child);
  const { address, http } = await program.serving();
  await waitFor('readiness', async () => (await fetch(`${http}/readyz`)).ok);
  return { child, gone: exited, url: `postgres://bot:bot-password@${address}/shop`, http };
}

/** Inserts one row after the other until the proxy is gone or `enough`; what is refused is only counted. */
async function insert(
  url: string,
  name: string,
  isEnough: () => boolean,
): Promise<{ done: number; refused: readonly string[] }> {
  const client = new pg.Client({ connectionString: url });
  let isGone = false;
  client.on('error', () => (isGone = true));
  client.on('end', () => (isGone = true));
  const refused: string[] = [];
  let done = 0;
  try {
    await client.connect();
    for (let n = 0; !isGone && !isEnough(); n += 1) {
      try {
        await client.query(`insert into public.seen values ('${name}-${n}')`);
        done += 1;
      } catch (thrown) {
        if (!(thrown instanceof pg.DatabaseError)) throw thrown;
        refused.push(thrown.message);
      }
    }
  } catch {
    // The proxy was killed under it, which is what this is about.
  } finally {
    await client.end().catch(() => undefined);
  }
  return { done, refused };
}

/** Rows in the database whose text has no judged record: none may ever be there. */
async function unrecorded(auditDir: string): Promise<{ readonly rows: number; readonly without: readonly string[] }> {
  const secret = Buffer.from(readFileSync(join(auditDir, 'hash.key'), 'utf8').trim(), 'hex');
  const judged = new Set(recordsIn(auditDir).flatMap((record) => (record.kind === 'judged' ? [record.statement] : [])));
  const rows = await query(postgres.url('shop'), 'select mark from seen');
  const marks = rows.map((row) => String(row['mark']));
  const hashOf = (mark: string): string =>
    createHmac('sha256', secret).update(`insert into public.seen values ('${mark}')`).digest('hex');
  return { rows: marks.length, without: marks.filter((mark) => !judged.has(hashOf(mark))) };
}

const refusedForTheLog = /audit log cannot be written/;
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 4);

describe('the proxy', () => {
  test(
    `killed ${rounds} times at any moment leaves no row without its record, and one chain`,
    { timeout: 60_000 * rounds },
    async () => {
      const folder = aFolder();
      const auditDir = join(folder, 'audit');
      await query(postgres.url('shop'), 'truncate seen');
      const seed = Date.now() % 1_000;
      for (let round = 0; round < rounds; round += 1) {
        const proxy = await serve(folder, auditDir);
        const agents = Array.from({ length: 6 }, (_, agent) => insert(proxy.url, `r${round}a${agent}`, () => false));
        await waitFor('the first rows', async () => {
          const rows = await query(postgres.url('shop'), `select 1 from seen where mark like 'r${round}a%' limit 1`);
          return rows.length > 0;
        });
        setTimeout(() => proxy.child.kill('SIGKILL'), (seed * (round + 3) * 37) % 400);
        await within('the end of the proxy', proxy.gone, 10_000);
        await Promise.all(agents);
        const { rows, without } = await unrecordedOnceQuiet(auditDir);
        expect(without, `seed ${seed}, round ${round}, ${rows} rows`).toEqual([]);
      }
      const last = await serve(folder, auditDir);
      last.child.kill('SIGTERM');
      await within('the end of the last proxy', last.gone, 20_000);
      const result = verifyFolder({ dir: auditDir });
      expect(result, JSON.stringify(result)).toMatchObject({ kind: 'whole', unsigned: 0, unfinished: { running: 0 } });
      // Each of the six was in the middle of something; what had an outcome on record is not among them.
      const left = result.kind === 'whole' ? result.unfinished.left : 0;
      expect(left).toBe(withoutOutcome(auditDir));
      expect(left).toBeGreaterThan(0);
    },
  );

  const withoutOutcome = (auditDir: string): number => {
    const records = recordsIn(auditDir);
    const ended = new Set(records.flatMap((record) => (record.kind === 'finished' ? [record.of] : [])));
    return records.filter(({ kind, seq }) => kind === 'judged' && !ended.has(seq)).length;
  };

  /** What the database still had to do when its client went away is done. */
  async function unrecordedOnceQuiet(auditDir: string): ReturnType<typeof unrecorded> {
    await waitFor('a quiet database', async () => {
      const busy = await query(postgres.url('shop'), "select 1 from pg_stat_activity where usename = 'gate'");
      return busy.length === 0;
    });
    return unrecorded(auditDir);
  }

  const disk = aSmallDisk(1_536);

  test.skipIf(disk === undefined)(
    'refuses everything while the disk of the log is full, says so at /readyz, and goes on by itself when there is room',
    { timeout: 120_000 },
    async () => {
      const folder = aFolder();
      const auditDir = join(disk ?? '', 'audit');
      await query(postgres.url('shop'), 'truncate seen');
      const proxy = await serve(folder, auditDir);
      const ballast = join(disk ?? '', 'ballast');
      writeFileSync(ballast, Buffer.alloc(1_150 * 1024));
      let isFull = false;
      const agents = Array.from({ length: 4 }, (_, agent) => insert(proxy.url, `f${agent}`, () => isFull));
      await waitFor(
        '/readyz to say it',
        async () => {
          const ready = await fetch(`${proxy.http}/readyz`);
          return ready.status === 503 && (await ready.text()).includes('shut since');
        },
        { withinMs: 60_000 },
      );
      isFull = true;
      const ends = await Promise.all(agents);
      const refusals = ends.flatMap((end) => end.refused);
      expect((await unrecorded(auditDir)).without).toEqual([]);
      const before = (await unrecorded(auditDir)).rows;
      await expect(query(proxy.url, "insert into public.seen values ('full')")).rejects.toThrow(refusedForTheLog);
      expect(refusals.some((words) => refusedForTheLog.test(words))).toBe(true);
      expect((await unrecorded(auditDir)).rows).toBe(before);
      rmSync(ballast);
      await waitFor('room to be found', async () => (await fetch(`${proxy.http}/readyz`)).ok, { withinMs: 20_000 });
      // A machine that is very busy may call a statement not known; asking again is what an agent would do.
      await waitFor('a row', () => query(proxy.url, "insert into public.seen values ('again')").then(() => true));
      proxy.child.kill('SIGTERM');
      await within('the end of the proxy', proxy.gone, 20_000);
      expect(await unrecorded(auditDir)).toMatchObject({ rows: before + 1, without: [] });
      expect(verifyFolder({ dir: auditDir })).toMatchObject({ kind: 'whole', unsigned: 0 });
      expect(recordsIn(auditDir).some((record) => record.kind === 'mended')).toBe(true);
    },
  );
});
