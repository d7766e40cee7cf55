// The sample database `shop` for tests, in a server of its own: what `countersign start` shows people, on any Postgres we support.
import { sample, sampleFill } from '../../src/cli/demo/sample.ts';
import { startPostgres, type TestPostgres, type TestPostgresOptions } from './postgres.ts';

export interface TestShop extends TestPostgres {
  /** As the ordinary role that the proxy logs in as. */
  readonly gateUrl: string;
  readonly gatePassword: string;
}

export async function startShop(options: Omit<TestPostgresOptions, 'hba'> = {}): Promise<TestShop> {
  const gatePassword = 'gatepassword';
  const postgres = await startPostgres({ ...options, modelFill: sampleFill(gatePassword) });
  return { ...postgres, gatePassword, gateUrl: postgres.url(sample.database, sample.role, gatePassword) };
}
