// Goal: a connection from the pool cannot be told from a new one, is nobody else's at the same time, and brings nobody's leavings.
// Method: real Postgres; sessions that dirty whatever a session can; a look from the server's side at who is connected.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Pool, type Lease, type PoolOptions } from '../../src/proxy/pool.ts';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { decodeServerMessage } from '../../src/wire/server-messages.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { waitFor, within } from '../support/wait.ts';
import { aTarget } from './upstream-target.ts';

const never = new AbortController().signal;
const app = new Map([
  ['application_name', 'bot'],
  ['options', '-c work_mem=3MB'],
]);

let server: TestPostgres | undefined;
const pools: Pool[] = [];

beforeAll(async () => {
  server = await startPostgres();
  await query(server.url(), 'create role bot login superuser; create role other');
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.drain();
  // Sessions that a test left open.
  await query(
    running().url(),
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null',
  );
});
afterAll(async () => server?.stop());

const running = (): TestPostgres => {
  if (server === undefined) throw new Error('no server');
  return server;
};

function aPool(given: Partial<PoolOptions> & { readonly port?: number } = {}): Pool {
  const { port, password } = running();
  const target = aTarget({ port: given.port ?? port, user: 'postgres', password });
  const pool = new Pool({ target, warm: 2, max: 50, clock: systemClock, log: silentLog, ...given });
  pools.push(pool);
  return pool;
}

/** Sends messages and gives the first columns of all rows and the SQLSTATEs of errors, up to ReadyForQuery. */
function told(lease: Lease, ...messages: readonly ClientMessage[]): Promise<readonly string[]> {
  return within(
    'an answer',
    new Promise((resolve, reject) => {
      const words: string[] = [];
      let rest = Buffer.alloc(0);
      const onData = (chunk: Buffer): void => {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
          const end = rest.readUInt32BE(1) + 1;
          const read = decodeServerMessage(rest[0] ?? 0, rest.subarray(5, end));
          rest = rest.subarray(end);
          if (read.kind === 'dataRow') words.push(read.values[0]?.toString() ?? 'NULL');
          if (read.kind === 'error')
            words.push(`error ${read.fields.find((field) => field.letter === 'C')?.text ?? ''}`);
          if (read.kind !== 'readyForQuery') continue;
          lease.socket.off('data', onData).off('close', onClose).pause();
          resolve(words);
        }
      };
      lease.socket.on('data', onData).resume();
      const onClose = (): void => reject(new Error('the connection was closed'));
      lease.socket.once('close', onClose);
      lease.socket.write(Buffer.concat(messages.map(encodeClientMessage)));
    }),
  );
}

const sql = (text: string): ClientMessage => ({ kind: 'query', sql: Buffer.from(text) });

/** A pool that has warm connections for these parameters. */
async function warmed(pool: Pool, parameters: ReadonlyMap<string, string> = app, count = 2): Promise<void> {
  for (let use = 0; use < 2; use += 1) (await pool.take(parameters, never)).release('idle');
  await waitFor('warm connections', () => pool.stats.idle >= count && pool.stats.opening + pool.stats.lent === 0);
}

const state = `select string_agg(concat_ws('|', name, setting, reset_val), E'\n' order by name) from pg_settings`;

/** Takes until it gets the connection of a lease that came back. Throws when the pool has no more to give. */
async function sameAgain(pool: Pool, before: Lease): Promise<Lease> {
  for (;;) {
    const lease = await pool.take(app, never);
    if (lease.processId === before.processId) return lease;
  }
}

describe('a lent connection', () => {
  test('is a warm one as soon as its parameters were asked for twice, and looks like a new one', async () => {
    const pool = aPool();
    const first = await pool.take(app, never);
    const fresh = await told(first, sql(state));
    const said = [...first.parameters];
    first.release('idle');
    await warmed(pool);
    const idle = pool.stats.idle;
    const warm = await pool.take(app, never);
    expect(pool.stats).toMatchObject({ lent: 1, idle: idle - 1 });
    expect(await told(warm, sql(state))).toEqual(fresh);
    expect([...warm.parameters]).toEqual(said);
    expect(await told(warm, sql('show work_mem'))).toEqual(['3MB']);
  });

  test('has the session’s own reset values, so RESET and DISCARD ALL go back to them', async () => {
    const pool = aPool();
    await warmed(pool);
    const lease = await pool.take(app, never);
    await told(lease, sql(`set work_mem = '9MB'`));
    await told(lease, sql('discard all'));
    expect(await told(lease, sql('show work_mem'))).toEqual(['3MB']);
    expect(await told(lease, sql('show application_name'))).toEqual(['bot']);
  });

  test('never goes to a session with other parameters', async () => {
    const pool = aPool();
    await warmed(pool);
    const other = await pool.take(new Map([['application_name', 'other']]), never);
    expect(await told(other, sql('show work_mem'))).toEqual(['4MB']);
    expect(await told(other, sql('show application_name'))).toEqual(['other']);
  });

  test('is nobody else’s', async () => {
    const pool = aPool({ warm: 4 });
    await warmed(pool, app, 4);
    const leases = await Promise.all(Array.from({ length: 20 }, () => pool.take(app, never)));
    expect(new Set(leases.map((lease) => lease.processId)).size).toBe(20);
    const pids = await Promise.all(leases.map((lease) => told(lease, sql('select pg_backend_pid()'))));
    expect(pids.map(([pid]) => Number(pid))).toEqual(leases.map((lease) => lease.processId));
    for (const lease of leases) lease.release('idle');
  });
});

describe('what a session leaves behind', () => {
  /** Takes, lets `act` dirty it, returns it, and gives the next session that gets the same server process. */
  async function afterwards(act: (lease: Lease) => Promise<unknown>): Promise<Lease | 'closed'> {
    const pool = aPool({ warm: 1 });
    await warmed(pool, app, 1);
    const dirty = await pool.take(app, never);
    await waitFor('the next warm one', () => pool.stats.opening === 0 && pool.stats.idle >= 1);
    await act(dirty);
    const others = pool.stats.idle;
    dirty.release('idle');
    await waitFor('the reset', () => pool.stats.lent === 0);
    if (pool.stats.idle === others) return 'closed';
    return await sameAgain(pool, dirty);
  }

  const look = [
    `select count(*) from pg_prepared_statements`,
    `select count(*) from pg_cursors`,
    `select count(*) from pg_listening_channels()`,
    `select count(*) from pg_locks where locktype = 'advisory'`,
    `select count(*) from pg_class where relname = 'leaving'`,
    `select current_user`,
    `select session_user`,
    `select current_setting('work_mem')`,
    `select coalesce(current_setting('my.secret', true), '')`,
    `select current_setting('application_name')`,
    `select current_setting('search_path')`,
    `select pg_current_xact_id_if_assigned() is null`,
  ];
  const clean = ['0', '0', '0', '0', '0', 'postgres', 'postgres', '3MB', '', 'bot', '"$user", public', 't'];

  test.each<[string, readonly ClientMessage[]]>([
    [
      'settings',
      [sql(`set work_mem = '9MB'; set my.secret = 'x'; set application_name = 'evil'; set search_path = pg_temp`)],
    ],
    ['prepared statements', [sql('prepare p as select 1')]],
    [
      'prepared statements of the protocol',
      [{ kind: 'parse', statement: 's', sql: Buffer.from('select 1'), types: [] }, { kind: 'sync' }],
    ],
    ['held cursors', [sql('declare c cursor with hold for select 1')]],
    ['listens', [sql('listen a; listen b')]],
    ['advisory locks', [sql('select pg_advisory_lock(7)')]],
    ['temporary tables', [sql('create temp table leaving (a int)')]],
    ['another role', [sql('set role other')]],
    ['another session role', [sql('set session authorization other')]],
    ['an open transaction', [sql(`begin; set local work_mem = '9MB'; create table leaving (a int); listen x`)]],
    ['a failed transaction', [sql('begin; select 1/0')]],
    [
      'a batch that failed',
      [{ kind: 'parse', statement: '', sql: Buffer.from('nonsense'), types: [] }, { kind: 'sync' }],
    ],
    ['a sequence’s last value', [sql('create temp sequence leaving; select nextval($$leaving$$)')]],
  ])('%s: the next session does not find it', async (_, messages) => {
    const next = await afterwards((lease) => told(lease, ...messages));
    if (next === 'closed') throw new Error('the connection was closed instead');
    const found: string[] = [];
    for (const text of look) found.push(...(await told(next, sql(text))));
    expect(found).toEqual(clean);
  });

  test('a batch that failed and waits for its Sync does not swallow the reset', async () => {
    const next = await afterwards(async (lease) => {
      const failed = new Promise<void>((resolve) => lease.socket.once('data', () => resolve()).resume());
      lease.socket.write(
        encodeClientMessage({ kind: 'parse', statement: '', sql: Buffer.from('nonsense'), types: [] }),
      );
      lease.socket.write(encodeClientMessage({ kind: 'flush' }));
      await failed;
    });
    expect(next).not.toBe('closed');
  });

  test('a connection in the middle of COPY is closed', async () => {
    await query(running().url(), 'create table if not exists copied (a int)');
    const next = await afterwards(async (lease) => {
      const began = new Promise<void>((resolve) => lease.socket.once('data', () => resolve()).resume());
      lease.socket.write(encodeClientMessage(sql('copy copied from stdin')));
      await began;
    });
    expect(next).toBe('closed');
  });

  test('what changes the role’s own settings is noticed: the old connection is closed', async () => {
    const next = await afterwards(async (lease) => {
      await told(lease, sql(`alter role postgres set statement_timeout = '77s'`));
      const pool = pools.at(-1);
      // The next fresh one shows how it is now.
      const held = await Promise.all([pool?.take(app, never), pool?.take(app, never)]);
      await waitFor('a fresh one', async () => {
        const [row] = await query(
          running().url(),
          `select count(*)::int as n from pg_stat_activity where application_name = 'bot'`,
        );
        return Number(row?.['n']) >= 3 && pool?.stats.opening === 0;
      });
      for (const one of held) one?.release('unusable');
    });
    await query(running().url(), 'alter role postgres reset statement_timeout');
    expect(next).toBe('closed');
  });

  test('listeners of the session come off with it', async () => {
    const pool = aPool();
    await warmed(pool);
    const lease = await pool.take(app, never);
    const before = lease.socket.listenerCount('close');
    lease.socket.on('close', () => undefined).once('drain', () => undefined);
    lease.release('idle');
    await waitFor('the reset', () => pool.stats.lent === 0);
    const again = await sameAgain(pool, lease);
    expect(again.socket.listenerCount('close')).toBe(before);
    expect(again.socket.listenerCount('drain')).toBe(0);
  });
});

describe('bounds', () => {
  const connected = async (): Promise<number> => {
    const [row] = await query(
      running().url(),
      `select count(*)::int as n from pg_stat_activity where application_name = 'bot'`,
    );
    return Number(row?.['n']);
  };

  test('an unusable connection is closed, and twice released is once', async () => {
    const pool = aPool();
    const lease = await pool.take(app, never);
    lease.release('unusable');
    lease.release('idle');
    expect(pool.stats).toMatchObject({ lent: 0, idle: 0 });
    await waitFor('its end', async () => (await connected()) === 0);
  });

  test('never more than max, and an idle one of others gives way', async () => {
    const pool = aPool({ max: 3 });
    await warmed(pool);
    const other = new Map([['application_name', 'other']]);
    const leases = [await pool.take(other, never), await pool.take(other, never), await pool.take(other, never)];
    await expect(pool.take(other, never)).rejects.toMatchObject({ code: 'TOO_MANY_CONNECTIONS' });
    leases[0]?.release('unusable');
    const next = await pool.take(app, never);
    expect(pool.stats.lent).toBe(3);
    next.release('unusable');
  });

  test('a wave that comes again finds the connections of the one before it, though others were made ready meanwhile', async () => {
    const pool = aPool({ warm: 10 });
    await warmed(pool, app, 10);
    const wave = async (): Promise<readonly Lease[]> => {
      const leases = await Promise.all(Array.from({ length: 10 }, () => pool.take(app, never)));
      await waitFor('as many again', () => pool.stats.opening === 0 && pool.stats.idle >= 10);
      return leases;
    };
    const processes = (leases: readonly Lease[]): ReadonlySet<number> => new Set(leases.map((one) => one.processId));
    const first = await wave();
    for (const lease of first) lease.release('idle');
    await waitFor('the resets', () => pool.stats.lent === 0);
    expect(pool.stats.idle).toBe(20);
    const second = await wave();
    expect(processes(second)).toEqual(processes(first));
    expect(pool.stats).toEqual({ lent: 10, idle: 10, opening: 0 });
  });

  test('a wave leaves no more idle ones behind than the bound, however many come back at once', async () => {
    const pool = aPool({ warm: 1, idleMax: 3, max: 20 });
    await warmed(pool, app, 1);
    const leases = await Promise.all(Array.from({ length: 12 }, () => pool.take(app, never)));
    await waitFor('one ready', () => pool.stats.opening === 0 && pool.stats.idle >= 1);
    for (const lease of leases) lease.release('idle');
    await waitFor('the resets', () => pool.stats.lent === 0);
    expect(pool.stats.idle).toBe(3);
  });

  test('parameters that were asked for once are not kept warm', async () => {
    const pool = aPool();
    for (let count = 0; count < 5; count += 1) {
      (await pool.take(new Map([['application_name', `bot ${count}`]]), never)).release('idle');
    }
    expect(pool.stats).toEqual({ lent: 0, idle: 0, opening: 0 });
  });

  test('warm: 0 lends and closes', async () => {
    const pool = aPool({ warm: 0 });
    for (let count = 0; count < 3; count += 1) (await pool.take(app, never)).release('idle');
    expect(pool.stats).toEqual({ lent: 0, idle: 0, opening: 0 });
  });

  test('an idle connection that the server ends is replaced', async () => {
    const pool = aPool();
    await warmed(pool);
    await query(
      running().url(),
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bot'`,
    );
    await waitFor('new ones', async () => pool.stats.idle >= 2 && (await connected()) >= 2);
    const lease = await pool.take(app, never);
    expect(await told(lease, sql('select 1'))).toEqual(['1']);
  });

  test('retire lends nothing again that was open before', async () => {
    const pool = aPool();
    await warmed(pool);
    const lease = await pool.take(app, never);
    pool.retire();
    lease.release('idle');
    expect(pool.stats).toMatchObject({ lent: 0, idle: 0 });
    await waitFor('their end', async () => (await connected()) === 0);
  });

  test('drain leaves nothing open and lends nothing more', async () => {
    const pool = aPool();
    await warmed(pool);
    const lease = await pool.take(app, never);
    await pool.drain();
    await expect(pool.take(app, never)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    lease.release('idle');
    await waitFor('their end', async () => (await connected()) === 0);
  });

  test('a database that is away is said at once, and found again', async () => {
    const pool = aPool({ port: 1 });
    await expect(pool.take(app, never)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    await expect(pool.take(app, never)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    expect(pool.stats).toEqual({ lent: 0, idle: 0, opening: 0 });
  });

  test('a cancel reaches the server process', async () => {
    const pool = aPool();
    const lease = await pool.take(app, never);
    const asleep = told(lease, sql('select pg_sleep(60)'));
    await waitFor(
      'the query',
      async () => (await query(running().url(), `select 1 from pg_stat_activity where wait_event = 'PgSleep'`)).length,
    );
    await lease.cancel();
    expect(await asleep).toEqual(['error 57014']);
    lease.release('idle');
  });
});
