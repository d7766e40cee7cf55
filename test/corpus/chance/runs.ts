// One statement run on given data, as the role that asks, in a transaction that is taken back: everything that can be seen of it afterwards.
import type pg from 'pg';
import { loadSql, type Data } from './data.ts';
import type { Role, World } from './world.ts';

export interface Seen {
  /** Rows, tag, notices; or the error as the proxy lets it through. */
  readonly answer: string;
  /** By table, its rows as objects. Empty behind an error. */
  readonly state: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;
}

interface Failure {
  readonly code?: string;
  readonly message?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  readonly constraint?: string;
}

export interface Place {
  readonly client: pg.Client;
  readonly world: World;
  /** Tables that the server took. */
  readonly present: ReadonlySet<string>;
}

/** Undefined: these values may not stand in these tables. */
export async function seenOf(
  { client, world, present }: Place,
  data: Data,
  sql: string,
  role: Role,
): Promise<Seen | undefined> {
  const notices: string[] = [];
  // A transaction of its own: keys of rows that are of the same transaction are checked again, whatever is written.
  const loaded = await client.query(`BEGIN;\n${loadSql(world, data, present)};\nCOMMIT`).then(
    () => true,
    () => false,
  );
  if (!loaded) {
    await client.query('ROLLBACK');
    return undefined;
  }
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL app.n = '3'; SET LOCAL ROLE ${role}`);
    const listen = (notice: { readonly message?: string | undefined }): void => void notices.push(notice.message ?? '');
    client.on('notice', listen);
    const answer = await answerOf(client, sql);
    client.off('notice', listen);
    const words = `${answer.words}\n${notices.join('\n')}`;
    if (answer.failed) return { answer: words, state: new Map() };
    return { answer: words, state: await stateOf(client, world, present) };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function answerOf(client: pg.Client, sql: string): Promise<{ readonly words: string; readonly failed: boolean }> {
  try {
    const { rows, lines, tag } = await whole(client, sql);
    return { words: JSON.stringify([tag, rows, lines]), failed: false };
  } catch (thrown) {
    const { code, message, detail, hint, where, constraint } = thrown as Failure;
    // The proxy lets no detail of these through where it is made of a column that is not free to read.
    const shown = /^(?:23|44)/.test(code ?? '') ? undefined : detail;
    return { words: JSON.stringify({ code, message, detail: shown, hint, where, constraint }), failed: true };
  }
}

interface Whole {
  readonly rows: readonly (readonly (string | null)[])[];
  readonly lines: readonly string[];
  readonly tag: string;
}

/** A simple Query, with the lines of COPY, which the driver has no place for. */
function whole(client: pg.Client, sql: string): Promise<Whole> {
  return new Promise((settle, fail) => {
    const rows: (string | null)[][] = [];
    const lines: string[] = [];
    let tag = '';
    let failure: Error | undefined;
    const submittable = {
      submit(wire: { query(text: string): void }): void {
        wire.query(sql);
      },
      handleError(error: Error): void {
        failure = error;
        fail(error);
      },
      handleReadyForQuery(): void {
        if (failure === undefined) settle({ rows, lines, tag });
      },
      handleRowDescription(): void {},
      handleDataRow(message: { readonly fields: (string | null)[] }): void {
        rows.push(message.fields);
      },
      handleCopyData(message: { readonly chunk: Buffer }): void {
        lines.push(message.chunk.toString());
      },
      handleCommandComplete(message: { readonly text: string }): void {
        tag = message.text;
      },
      handleEmptyQuery(): void {},
      handlePortalSuspended(): void {},
    };
    client.query(submittable as unknown as pg.Submittable);
  });
}

async function stateOf(client: pg.Client, world: World, present: ReadonlySet<string>): Promise<Seen['state']> {
  const tables = world.tables.filter((table) => present.has(table.name));
  const parts = tables.map((table) => `SELECT '${table.name}' AS name, to_jsonb(x) AS row FROM ONLY ${table.name} x`);
  const leaves = [...present].filter((name) => /^p_|^m/.test(name) && !tables.some((table) => table.name === name));
  parts.push(...leaves.map((name) => `SELECT '${name}', to_jsonb(x) FROM ${name} x`));
  await client.query('RESET ROLE');
  const { rows } = await client.query<{ name: string; row: Record<string, unknown> }>(parts.join(' UNION ALL '));
  const state = new Map<string, Record<string, unknown>[]>();
  for (const { name, row } of rows) state.set(name, [...(state.get(name) ?? []), row]);
  return state;
}

/** Whether two runs can be told apart by somebody who may not look into the columns that differ, nor into what shows them. */
export function difference(
  one: Seen,
  other: Seen,
  hidden: (table: string, column: string) => boolean,
): string | undefined {
  if (one.answer !== other.answer) return `${one.answer.trim()} | ${other.answer.trim()}`;
  for (const name of new Set([...one.state.keys(), ...other.state.keys()])) {
    const [before, after] = [one, other].map(({ state }) => shownRows(name, state.get(name) ?? [], hidden));
    if (before !== after) return `${name}: ${before} | ${after}`;
  }
  return undefined;
}

function shownRows(
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  hidden: (table: string, column: string) => boolean,
): string {
  return rows
    .map((row) => JSON.stringify(Object.entries(row).filter(([column]) => !hidden(table, column))))
    .sort()
    .join(' ');
}
