// Goal: a statement that waits, or goes on, while another session changes definitions gives nothing that nobody judged.
// Method: pairs of sessions as data; each attack shows a watched value when both talk to Postgres 15 and 18 directly. Through the proxy,
// with definitions allowed, the value does not come; honest pairs give what they give directly.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw, type Raw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { attacks, between, files, honest, lasting, schema, text, type Part, type Play } from './late-look-plays.ts';

describe.each([15, 18] as const)('with Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  let times = 0;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await anew();
    proxy = await startRowsProxy({ url: postgres.url(), files, waitMs: 300 });
    proxy.say(() => ({ vote: 'deny' }));
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  beforeEach(() => anew());

  /** With a table that no schema before it had: who can read it has seen all the rest. */
  async function anew(): Promise<void> {
    times += 1;
    await query(postgres.url(), `${schema} create table anew_${times} (id int);`);
  }

  /** What the one who asks is told. */
  async function played(
    url: string,
    { isOutside, before, opens, changes, waits, takesBack, after }: Play,
  ): Promise<readonly string[]> {
    const [asking, changing] = [await connectRaw(url), await connectRaw(isOutside === true ? postgres.url() : url)];
    const readies = new Map<Raw, number>([
      [asking, 0],
      [changing, 0],
    ]);
    const send = (raw: Raw, part: Part): Promise<void> => {
      if (typeof part === 'object' && 'byTheOther' in part) return send(changing, part.byTheOther);
      raw.send(...(typeof part === 'string' ? [text(part)] : part));
      const count = (readies.get(raw) ?? 0) + 1;
      readies.set(raw, count);
      return raw.readies(count);
    };
    try {
      await waitFor('the schema of this test', async () => {
        await send(asking, `select count(*) from anew_${times}`);
        return asking.said.some(({ kind }) => kind === 'commandComplete');
      });
      const from = asking.said.length;
      for (const part of before) await send(asking, part);
      if (opens !== undefined) await opened(asking, opens);
      await send(changing, 'begin');
      for (const sql of changes) await send(changing, sql);
      let isAnswered = waits === undefined;
      const waiting = waits === undefined ? undefined : send(asking, waits).then(() => (isAnswered = true));
      // Or it is refused at once: what was defined a moment ago may stand behind the lock, too, and then nobody can tell what it does.
      await waitFor(
        'somebody to wait, or to be refused',
        async () => isAnswered || (await countOf("wait_event_type = 'Lock'")) > 0,
      );
      await send(changing, 'commit');
      if (takesBack !== undefined) {
        await waitFor('it to go on', async () => isAnswered || (await countOf("wait_event_type = 'Lock'")) === 0);
        await send(changing, takesBack);
      }
      await waiting;
      for (const part of after) await send(asking, part);
      return asking.said.slice(from).map(wordsOf);
    } finally {
      asking.close();
      changing.close();
    }
  }

  async function opened(raw: Raw, sql: string): Promise<void> {
    raw.send(text(sql));
    await waitFor('the COPY to begin', () => raw.said.some(({ kind }) => kind === 'copyIn'));
  }

  const countOf = async (where: string): Promise<number> => {
    const rows = await query(postgres.url(), `select count(*)::int as n from pg_stat_activity where ${where}`);
    return Number(rows[0]?.['n']);
  };

  test.each(Object.entries(attacks))('%s shows nothing', async (_name, play) => {
    expect((await played(postgres.url(), play)).join('\n')).toContain('canary');
    await anew();
    const through = (await played(proxy.url('db'), play)).join('\n');
    expect(through).not.toContain('canary');
    expect(through).toMatch(/42501/);
  });

  test.each(Object.entries(lasting))('%s cannot be read afterwards', async (_name, play) => {
    expect((await played(postgres.url(), play)).join('\n')).toContain('canary');
    await anew();
    expect((await played(proxy.url('db'), play)).join('\n')).not.toContain('canary');
  });

  test.each(Object.entries(between))('%s: what was taken back shows nothing', async (_name, play) => {
    expect((await played(postgres.url(), play)).join('\n')).toContain('canary');
    await anew();
    const zz = (await played(proxy.url('db'), play)).join('\n');
    console.log(zz);
    expect(zz).not.toContain('canary');
  });

  test.each(Object.entries(honest))('%s: as it is directly', async (_name, play) => {
    const direct = await played(postgres.url(), play);
    await anew();
    expect(await played(proxy.url('db'), play)).toEqual(direct);
  });
});

function wordsOf(message: ServerMessage): string {
  return JSON.stringify(message, (key, value: unknown) => {
    if (key === 'tableOid') return 0;
    if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== 'Buffer') return value;
    return Buffer.from((value as unknown as { data: number[] }).data).toString('latin1');
  });
}
