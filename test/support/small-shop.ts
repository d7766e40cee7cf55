// A small shop for tests of the whole program: a database `shop` of the proxy's own role `gate`, twenty customers whose addresses are
// restricted, and people who decide about them.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Filling } from '../../src/cli/demo/postgres-fill.ts';

/** The token of each approver is made of their name. */
export const tokenOf = (person: string): string => `token-of-${person}`;

const ownDatabase: readonly Filling[] = [
  { database: 'postgres', sql: "create role gate login password 'gate-password'" },
  { database: 'postgres', sql: 'create database shop owner gate' },
];

const customersSql = `create table public.customers (id int primary key, email text, pin text);
insert into public.customers select n, 'c' || n || '@example.com', n::text from generate_series(1, 20) n;
grant all on public.customers to gate`;

/** What to fill a server with; `sql` in place of the customers. */
export const shopFill = (sql = customersSql): readonly Filling[] => [...ownDatabase, { database: 'shop', sql }];

/** Where the proxy finds it. */
export const gateUrl = (port: number, database = 'shop'): string =>
  `postgres://gate:gate-password@127.0.0.1:${port}/${database}?sslmode=disable`;

export interface ShopRules {
  /** Who decides about restricted columns. */
  readonly approvers?: readonly string[];
  readonly quorum?: number;
  /** Further YAML at the end of the shop's own file. */
  readonly more?: string;
}

/** The classification's files, by name. */
export function shopRules({ approvers = ['ben'], quorum = 1, more = '' }: ShopRules = {}): Readonly<
  Record<string, string>
> {
  return {
    'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: restricted, read: hold, approvers: [security], quorum: ${quorum} }
  - { name: secret, read: deny }
defaults: { unclassified: restricted }
`,
    'shop.yaml': `version: 1
database: shop
tables:
  public.customers:
    columns: { id: public, email: restricted, pin: secret }
${more}`,
    'approvers.yaml': `version: 1
approvers:
${approvers.map((name) => `  ${name}: { groups: [security], token_sha256: ${sha256(tokenOf(name))} }`).join('\n')}
`,
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Lays a classification out where a config in `folder` looks for it. */
export function layRules(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'classification'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'classification', name), text);
}
