// How holds stand in the store: keys, and JSON that is checked when it is read. Somebody who can write into the shared store can
// do much, but half a document or one of another version must not be taken for an approval.
import * as z from 'zod';
import type { HoldId, UnixMillis } from '../core/brand.ts';
import { maskStyles } from '../core/mask-style.ts';
import { passkeyProofShape } from '../core/passkey-proof.ts';
import { policyActions } from '../policy/verdict.ts';
import { chainsMax } from './evidence.ts';
import type { HeldFacts, HoldLife } from './hold.ts';
import type { Terms } from './terms.ts';

export const keys = {
  /** What was asked; never changed. */
  facts: (id: string) => `held/${id}`,
  /** What happened since. */
  life: (id: string) => `hold/${id}`,
  /** The newest hold of a binding. */
  binding: (binding: string) => `bind/${binding}`,
  /** An index of what waits for people, by agent. */
  open: (agent: string, id: string) => `open/${agent}/${id}`,
  openAll: 'open/',
  /** An index of all, newest first. */
  recent: (askedAt: number, id: string) => `recent/${String(9_999_999_999_999 - askedAt)}/${id}`,
  recentAll: 'recent/',
  /** The same of one agent, which asks for its own as often as it likes. */
  recentOf: (agent: string, askedAt: number, id: string) => `by/${agent}/${String(9_999_999_999_999 - askedAt)}/${id}`,
  recentOfAll: (agent: string) => `by/${agent}/`,
  permission: (shape: string) => `shape/${shape}`,
  sibling: (shape: string) => `sibling/${shape}`,
} as const;

/** The id at the end of an index key. */
export const idOfKey = (key: string): HoldId => key.slice(key.lastIndexOf('/') + 1) as HoldId;

/** JSON has no undefined: it is written as null. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (member === undefined ? null : member));
}

const maybe = <Inner extends z.ZodType>(inner: Inner) => inner.nullable().transform((value) => value ?? undefined);
const moment = z.number().transform((value) => value as UnixMillis);
const holdId = z
  .string()
  .regex(/^h_[0-9A-Za-z]{20}$/)
  .transform((value) => value as HoldId);
const some = <Inner extends z.ZodType>(inner: Inner) => z.tuple([inner], inner);
const knownOf = <Inner extends z.ZodType>(inner: Inner) =>
  z.discriminatedUnion('known', [
    z.object({ known: z.literal(true), value: inner }),
    z.object({ known: z.literal(false), why: z.string() }),
  ]);

const terms = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once') }),
  z.object({ kind: z.literal('rows'), rowsMax: z.number() }),
  z.object({ kind: z.literal('masked'), rowsMax: maybe(z.number()) }),
  z.object({ kind: z.literal('shape'), forMs: z.number(), usesMax: z.number(), rowsMax: maybe(z.number()) }),
]);
const place = z.object({ file: z.string(), line: z.number(), column: z.number() });
const asker = z.object({
  agent: z.string(),
  owner: z.string(),
  database: z.string(),
  role: z.string(),
  applicationName: z.string(),
  clientAddress: z.string(),
  reason: maybe(z.string()),
  transaction: z.enum(['none', 'open', 'failed']),
});
const columnName = z.object({
  relation: z.object({ schema: z.string(), name: z.string() }),
  column: z.string(),
});
const column = z.object({
  column: columnName,
  level: z.string(),
  category: maybe(z.string()),
  uses: z.array(z.enum(['output', 'filter', 'join', 'group', 'order', 'other'])),
  place: maybe(place),
  owner: maybe(z.string()),
});
const reason = z.object({
  action: z.enum(policyActions),
  rule: z.string(),
  words: z.string(),
  place: maybe(place),
  columns: z.array(z.string()),
});
const sibling = z.object({ hold: holdId, at: moment, by: z.array(z.string()), canonical: z.string() });
const factsShape = z.object({
  id: holdId,
  session: z.string(),
  asker,
  binding: z.string(),
  shape: maybe(z.string()),
  statement: z.object({
    hash: z.string(),
    command: z.string(),
    text: z.string(),
    canonical: z.string(),
    canonicalHidden: z.string(),
    leftOut: z.number(),
    unreadable: z.boolean(),
    comments: z.array(z.string()),
  }),
  parameters: z.string(),
  searchPath: z.array(z.string()),
  schemaVersion: z.string(),
  catalogVersion: z.string(),
  reasons: some(reason),
  columns: z.array(column),
  // Documents of an earlier version have none.
  masks: z.array(z.object({ column: columnName, style: z.enum(maskStyles) })).default([]),
  needs: some(z.object({ groups: some(z.string()), quorum: z.number().int().min(1) })),
  estimate: knownOf(z.number()),
  rowsMax: maybe(z.number()),
  budgets: z.array(z.string()),
  locks: knownOf(z.array(z.string())),
  counterOffer: maybe(z.string()),
  sibling: maybe(sibling),
  askedAt: moment,
});
const lifeShape = z.object({
  id: holdId,
  agent: z.string(),
  openUntil: moment,
  grantMs: z.number(),
  waiters: z.array(z.object({ id: z.string(), session: z.string(), until: moment })),
  timedOut: z.boolean(),
  votes: z.array(
    z.object({
      person: z.string(),
      vote: z.enum(['approve', 'deny']),
      channel: z.string(),
      reason: maybe(z.string()),
      terms: maybe(terms),
      link: maybe(z.string()),
      castAt: maybe(z.literal('console')).optional(),
      passkey: maybe(passkeyProofShape).optional(),
      vouched: maybe(z.object({ groups: z.array(z.string()), until: moment })).optional(),
      at: moment,
    }),
  ),
  settled: maybe(
    z.object({
      state: z.enum(['approved', 'denied', 'expired', 'withdrawn']),
      at: moment,
      by: z.array(z.string()),
      terms: maybe(terms),
      reason: maybe(z.string()),
    }),
  ),
  uses: z.number().int().min(0),
  granted: z.boolean(),
  recorded: z.object({ held: z.boolean(), votes: z.number().int().min(0), settled: z.boolean() }),
  chains: z.array(z.string().max(100)).max(chainsMax).optional(),
});
const permissionShape = z.object({
  hold: holdId,
  by: z.array(z.string()),
  usesLeft: z.number().int(),
  until: moment,
  rowsMax: maybe(z.number()),
});

/** Leave for every statement of one shape, as it stands in the store. */
export type Permission = z.output<typeof permissionShape>;

/** Throws a plain error on a text that is no such document: it ends what was asked, and is never a yes. */
export const parse = {
  facts: (text: string): HeldFacts => factsShape.parse(JSON.parse(text)),
  life: (text: string): HoldLife => lifeShape.parse(JSON.parse(text)),
  permission: (text: string): Permission => permissionShape.parse(JSON.parse(text)),
  sibling: (text: string): NonNullable<HeldFacts['sibling']> => sibling.parse(JSON.parse(text)),
  terms: (value: unknown): Terms | undefined => terms.safeParse(value).data,
} as const;
