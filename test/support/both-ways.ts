// One database that is reached both ways, directly and through a proxy: for tests that compare the two. The people say no, until a test
// has them say something else.
import { query } from './client.ts';
import { startPostgres, type PostgresMajor, type TestPostgres } from './postgres.ts';
import { startRowsProxy, type RowsProxy, type RowsProxyOptions } from './rows-proxy.ts';

export interface BothWaysOptions extends Omit<RowsProxyOptions, 'url'> {
  readonly major?: PostgresMajor;
  /** What is in the database, said before the proxy looks. */
  readonly sql: string | readonly string[];
}

export interface BothWays {
  readonly postgres: TestPostgres;
  readonly proxy: RowsProxy;
  /** The connection strings. */
  readonly direct: string;
  readonly through: string;
  stop(): Promise<void>;
}

export async function startBothWays({ major, sql, ...more }: BothWaysOptions): Promise<BothWays> {
  const postgres = await startPostgres({ ...(major === undefined ? {} : { major }), flags: ['fsync=off'] });
  const direct = postgres.url();
  for (const text of [sql].flat()) await query(direct, text);
  const proxy = await startRowsProxy({ url: direct, ...more });
  proxy.say(() => ({ vote: 'deny' }));
  return {
    ...{ postgres, proxy, direct },
    through: proxy.url('db'),
    stop: async () => {
      await proxy.stop();
      await postgres.stop();
    },
  };
}
