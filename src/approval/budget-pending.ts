// What some people have said about one budget while others still have to: a small document in the store.
import { createHash } from 'node:crypto';
import * as z from 'zod';

const schema = z.array(z.object({ person: z.string(), rows: z.number().int().min(1) }));

export type PendingTopUp = readonly { readonly person: string; readonly rows: number }[];

/** What people say on one card is not said on another. */
export function pendingKey(claimKey: string, hold: string | undefined): string {
  const name = createHash('sha256')
    .update(JSON.stringify([claimKey, hold ?? '']))
    .digest('base64url');
  return `topping/${name}`;
}

export function pendingOf(value: string | undefined): PendingTopUp {
  return value === undefined ? [] : schema.parse(JSON.parse(value));
}

export const pendingText = (pending: PendingTopUp): string => JSON.stringify(pending);

/** The least of what they said, as with the terms of an approval. */
export const togetherRows = (pending: PendingTopUp): number => Math.min(...pending.map(({ rows }) => rows));
