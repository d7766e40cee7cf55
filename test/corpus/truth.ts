// The server's own word on a statement: which columns of which relations it selects, inserts and updates, from the parse tree that
// `debug_print_parse` sends for a Parse message. Nothing is executed. Its own small reader of node text, so that a mistake in the
// product's reader cannot hide here.
import pg from 'pg';

export interface Truth {
  /** `relation oid.attnum`; attnum 0 is the whole row. System columns are left out: they hold no user's value. */
  readonly selected: ReadonlySet<string>;
  /** Inserted or updated. */
  readonly written: ReadonlySet<string>;
  /** The rewritten tree of the same Parse, for the product's own reader. */
  readonly rewritten: Buffer | undefined;
}

export type Answer =
  | { readonly kind: 'truth'; readonly truth: Truth }
  | { readonly kind: 'error'; readonly code: string }
  | { readonly kind: 'noTree' };

/** Settings under which `truthOf` works; a corpus statement may have changed them. */
export const truthSettings =
  "SET client_min_messages = log; SET debug_print_parse = on; SET debug_print_rewritten = on; SET debug_pretty_print = off; SET statement_timeout = '3s'";

export async function truthOf(client: pg.Client, sql: string): Promise<Answer> {
  const trees: string[] = [];
  const rewritten: string[] = [];
  const listen = (notice: { readonly detail?: string | undefined; readonly message?: string | undefined }): void => {
    if (notice.message === 'rewritten parse tree:') {
      rewritten.push(notice.detail ?? '');
      return;
    }
    const text = notice.detail?.includes('{QUERY') === true ? notice.detail : (notice.message ?? '');
    if (text.includes('{QUERY')) trees.push(text.slice(text.indexOf('{QUERY')));
  };
  client.on('notice', listen);
  try {
    const code = await parseOnly(client, sql);
    if (code !== undefined) return { kind: 'error', code };
  } finally {
    client.off('notice', listen);
  }
  if (trees.length === 0) return { kind: 'noTree' };
  const [only, ...more] = rewritten;
  const tree = only === undefined || more.length > 0 ? undefined : Buffer.from(only);
  return { kind: 'truth', truth: { ...gather(trees), rewritten: tree } };
}

/** Columns of users' tables, `table.column`, that the server analyses a reading of while a text runs: what is inside functions too. */
export async function columnsRun(url: string, sql: string): Promise<ReadonlySet<string>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const trees: string[] = [];
  client.on('notice', ({ detail, message }) => {
    if (message !== 'rewritten parse tree:' && detail?.includes('{QUERY') === true)
      trees.push(detail.slice(detail.indexOf('{QUERY')));
  });
  try {
    await client.query(truthSettings);
    await client.query(sql);
    const { selected } = gather(trees);
    await client.query('SET client_min_messages = warning');
    const found = new Set<string>();
    for (const key of selected) {
      const [relation = '', num = ''] = key.split('.');
      const { rows } = await client.query<{ name: string }>(
        `SELECT c.relname || '.' || a.attname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
         WHERE c.oid = $1 AND c.relkind <> 'v' AND c.oid >= 16384 AND a.attnum > 0 AND ($2 = 0 OR a.attnum = $2)`,
        [Number(relation), Number(num)],
      );
      for (const { name } of rows) found.add(name);
    }
    return found;
  } finally {
    await client.end();
  }
}

interface Wire {
  parse(query: { readonly text: string; readonly name: string }): void;
  sync(): void;
}

/** Sends Parse and Sync; gives the SQLSTATE when the server refuses. */
function parseOnly(client: pg.Client, sql: string): Promise<string | undefined> {
  return new Promise((settle, fail) => {
    const lost = (): void => {
      fail(new Error('the connection was lost'));
    };
    client.once('end', lost);
    const submittable = {
      submit(wire: Wire): void {
        wire.parse({ text: sql, name: '' });
        wire.sync();
      },
      handleError(error: { readonly code?: string }): void {
        // The driver calls nothing more after an error; what is asked next waits for the server on its own.
        client.off('end', lost);
        if (/^[0-9A-Z]{5}$/.test(error.code ?? '')) settle(error.code);
        else fail(new Error(`the connection broke: ${error.code ?? 'no code'}`));
      },
      handleReadyForQuery(): void {
        client.off('end', lost);
        settle(undefined);
      },
      handleRowDescription(): void {},
      handleDataRow(): void {},
      handleCommandComplete(): void {},
      handleEmptyQuery(): void {},
      handlePortalSuspended(): void {},
    };
    client.query(submittable as unknown as pg.QueryConfig).catch?.(() => undefined);
  });
}

function gather(trees: readonly string[]): Pick<Truth, 'selected' | 'written'> {
  const [selected, written] = [new Set<string>(), new Set<string>()];
  for (const tree of trees) {
    // The server breaks lines at spaces.
    for (const entry of permissionEntries(tree.replaceAll(/\s+/g, ' '))) {
      for (const num of entry.selected) selected.add(`${entry.relation}.${num}`);
      for (const num of entry.written) written.add(`${entry.relation}.${num}`);
    }
  }
  return { selected, written };
}

interface Entry {
  readonly relation: number;
  readonly selected: readonly number[];
  readonly written: readonly number[];
}

/**
 * From 16 each relation has an RTEPERMISSIONINFO; on 15 the RTE itself holds the bitmaps, after its relid. Fields are found by name
 * between the braces of one node: strings in node text escape braces and spaces with a backslash, so a name in a query cannot
 * look like a field.
 */
function permissionEntries(tree: string): readonly Entry[] {
  const found: Entry[] = [];
  const nodes = /(?<!\\)\{(RTEPERMISSIONINFO|RANGETBLENTRY|RTE)\b/g;
  const is15 = !tree.includes('{RTEPERMISSIONINFO');
  for (const match of tree.matchAll(nodes)) {
    if ((match[1] !== 'RTEPERMISSIONINFO') !== is15) continue;
    const body = ownFields(tree, match.index);
    const relation = Number(/ :relid (\d+)/.exec(body)?.[1] ?? 0);
    if (relation === 0) continue;
    found.push({
      relation,
      selected: bits(body, 'selectedCols'),
      written: [...bits(body, 'insertedCols'), ...bits(body, 'updatedCols')],
    });
  }
  return found;
}

/** The text of one node with the nodes inside it left out. */
function ownFields(tree: string, start: number): string {
  let depth = 0;
  let text = '';
  for (let at = start; at < tree.length; at += 1) {
    const char = tree[at] ?? '';
    if (char === '\\') {
      at += 1;
      continue;
    }
    if (char === '{') depth += 1;
    if (depth === 1) text += char;
    if (char === '}') depth -= 1;
    if (depth === 0) break;
  }
  return text;
}

/** Members are attnum + 7 (FirstLowInvalidHeapAttributeNumber is -7). */
function bits(body: string, field: string): readonly number[] {
  const list = new RegExp(` :${field} \\(b([ \\d]*)\\)`).exec(body)?.[1] ?? '';
  return list
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => Number(word) - 7)
    .filter((num) => num >= 0);
}
