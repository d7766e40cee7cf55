// Asks a real server for its own tree of a statement: one Parse message under `debug_print_rewritten`; nothing is executed.
import type pg from 'pg';

export const treeSettings =
  'SET client_min_messages = log; SET debug_print_rewritten = on; SET debug_pretty_print = off';

export type ServerAnswer =
  | { readonly kind: 'tree'; readonly detail: Buffer }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

interface Wire {
  parse(query: { readonly text: string; readonly name: string }): void;
  sync(): void;
}

interface Refusal {
  readonly code?: string;
  readonly message?: string;
}

export async function serverTree(client: pg.Client, sql: string): Promise<ServerAnswer> {
  const details: string[] = [];
  const listen = (notice: { readonly message?: string | undefined; readonly detail?: string | undefined }): void => {
    if (notice.message === 'rewritten parse tree:') details.push(notice.detail ?? '');
  };
  client.on('notice', listen);
  try {
    const refusal = await parseOnly(client, sql);
    if (refusal !== undefined) return { kind: 'error', code: refusal.code ?? '', message: refusal.message ?? '' };
  } finally {
    client.off('notice', listen);
  }
  const [detail] = details;
  if (detail === undefined || details.length !== 1) throw new Error(`${details.length} trees for one Parse: ${sql}`);
  return { kind: 'tree', detail: Buffer.from(detail) };
}

function parseOnly(client: pg.Client, sql: string): Promise<Refusal | undefined> {
  return new Promise((settle) => {
    let refusal: Refusal | undefined;
    const submittable = {
      submit(wire: Wire): void {
        wire.parse({ text: sql, name: '' });
        wire.sync();
      },
      handleError(error: Refusal): void {
        settle(error);
      },
      handleReadyForQuery(): void {
        settle(refusal);
      },
      handleParseComplete(): void {
        refusal = undefined;
      },
    };
    client.query(submittable as unknown as pg.Submittable);
  });
}
