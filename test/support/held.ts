// A statement of an agent that waits for people: sent on a connection of its own, given back once it is held.
import pg from 'pg';

export interface Held {
  /** The hold's page, from the notice's hint. */
  readonly page: string;
  readonly rows: Promise<readonly Record<string, unknown>[]>;
  /** What came instead of rows. */
  readonly refusal: Promise<pg.DatabaseError>;
}

export async function asAgent(url: string, sql: string, applicationName = 'tester'): Promise<Held> {
  const client = new pg.Client({ connectionString: url, application_name: applicationName });
  // The end of a session comes as an answer and once more as an event.
  client.on('error', () => undefined);
  await client.connect();
  const held = new Promise<string>((settle) => client.on('notice', ({ hint }) => settle(hint ?? '')));
  const result = client.query<Record<string, unknown>>(sql);
  const rows = result.then((answer) => answer.rows);
  const refusal = result.then(
    () => Promise.reject(new Error('it was not refused')),
    (thrown: unknown) => (thrown instanceof pg.DatabaseError ? thrown : Promise.reject(thrown)),
  );
  const over = result.finally(() => client.end());
  for (const one of [rows, refusal, over]) one.catch(() => undefined);
  return { page: await Promise.race([held, rows.then(() => '')]), rows, refusal };
}
