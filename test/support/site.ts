// A site as an operator would set it up by hand: a config and a classification in a folder, a small shop in a real Postgres, and
// `countersign` itself in processes of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { shopTaxonomy } from './shop-taxonomy.ts';
import { waitFor, within } from './wait.ts';

const bin = new URL('../../bin/countersign.js', import.meta.url).pathname;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

const shopSql = `create role gate login password 'gate-password';
create table customers(id int primary key, name text, email text, phone text, notes text);
create table orders(id int primary key, customer_id int references customers, total numeric, amount numeric);
insert into customers select g, 'n' || g, 'e' || g || '@example.com', '1', 'x' from generate_series(1, 30) g;
insert into orders select g, 1 + g % 30, g, g from generate_series(1, 100) g;
create view customer_stats as select count(*) n, max(email) from customers;
create function order_total(int) returns numeric language sql as 'select amount from orders where id = $1';
grant all on all tables in schema public to gate;
alter role gate set log_min_messages = fatal`;

const classification: Readonly<Record<string, string>> = {
  'taxonomy.yaml': shopTaxonomy,
  'shop.yaml': `version: 1
database: shop
owner: data-owners
tables:
  public.customers:
    default: internal
    columns:
      id: public
      name: personal
      email: personal.contact.email
      phone: secret
      notes: { level: restricted, reason: free text, can hold anything, owner: crm }
  public.orders: internal
views:
  public.customer_stats: { level: internal, reason: "aggregates of 20 rows or more, reviewed 2026-10-02" }
functions:
  public.order_total(int): { level: internal, reason: "reads orders.amount only" }
`,
  'approvers.yaml': `version: 1
approvers:
  ana: { email: ana@example.com, slack: U02ANA, groups: [data-owners, security, crm], token_sha256: "${hashOf('token-of-ana')}" }
  ben: { email: ben@example.com, slack: U02BEN, groups: [data-owners, security, crm], token_sha256: "${hashOf('token-of-ben')}" }
  eve: { email: eve@example.com, groups: [data-owners, security, crm], token_sha256: "${hashOf('token-of-eve')}" }
  zed: { email: zed@example.com, groups: [nobodys], token_sha256: "${hashOf('token-of-zed')}" }
`,
  'cases/shop.yaml': `version: 1
cases:
  - { agent: report-bot, database: shop, sql: "select id, total from orders where id = 7", expect: allow }
  - { agent: report-bot, database: shop, sql: "select * from customers", expect: deny, columns: [public.customers.phone] }
`,
};

const configText = (port: number): string => `listen: 127.0.0.1:0
http: { listen: 127.0.0.1:0, public_url: https://countersign.example.com }
classification: ./classification
state: journal:./state
audit: { dir: ./audit }
databases:
  shop: { url: "postgres://gate:\${GATE_PASSWORD}@127.0.0.1:${port}/shop?sslmode=disable" }
agents:
  report-bot: { password: "\${REPORT_BOT_PASSWORD}", owner: ana, databases: [shop] }
  ci-bot:     { password: ci-password, owner: ben, databases: [shop], wait: 1s }
holds: { wait: 60s, pending: 1h, grant: 15m, heartbeat: 1s }
`;

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Serving {
  readonly child: ChildProcess;
  /** A connection string of this agent. */
  url(agent?: string, more?: string): string;
  http(path: string): string;
}

export interface Site {
  readonly folder: string;
  readonly postgres: TestPostgres;
  /** Runs a command in the site's folder to its end. */
  ran(args: readonly string[], input?: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
  serve(): Promise<Serving>;
  /** Puts a file into the folder. */
  write(name: string, text: string): void;
  remove(): Promise<void>;
}

const passwords: Readonly<Record<string, string>> = { 'report-bot': 'report password', 'ci-bot': 'ci-password' };

export async function makeSite(): Promise<Site> {
  const postgres = await startPostgres({
    fill: [
      { database: 'postgres', sql: 'create database shop' },
      { database: 'shop', sql: shopSql },
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'countersign-site-'));
  mkdirSync(join(folder, 'classification/cases'), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  for (const [name, text] of Object.entries(classification)) write(`classification/${name}`, text);
  write('countersign.yaml', configText(postgres.port));
  const usualEnv = {
    ...{ PATH: process.env['PATH'], HOME: folder },
    ...{ GATE_PASSWORD: 'gate-password', REPORT_BOT_PASSWORD: 'report password' },
  };
  const children = new Set<ChildProcess>();
  const begin = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...usualEnv, ...env } });
    children.add(child);
    child.once('close', () => children.delete(child));
    return child;
  };
  return {
    folder,
    postgres,
    write,
    ran: async (args, input = '', env = {}) => {
      const child = begin(args, env);
      let [out, err] = ['', ''];
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
      child.stdin?.end(input);
      const code = await within(args.join(' '), new Promise<number | null>((end) => child.once('close', end)), 60_000);
      return { code, out: out.trim(), err: err.trim() };
    },
    serve: () => serving(begin(['serve'])),
    remove: async () => {
      const all = [...children].map((child) => new Promise((gone) => child.once('close', gone)));
      for (const child of children) child.kill('SIGTERM');
      await within('the end of all', Promise.all(all), 40_000);
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function serving(child: ChildProcess): Promise<Serving> {
  let err = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const line = await waitFor(
    'serving',
    () => {
      if (child.exitCode !== null) throw new Error(err);
      return err.split('\n').find((each) => each.includes('"words":"serving"') && each.endsWith('}'));
    },
    { withinMs: 60_000 },
  );
  const { address, http } = JSON.parse(line) as { readonly address: string; readonly http: string };
  return {
    child,
    url: (agent = 'report-bot', more = '') =>
      `postgres://${agent}:${encodeURIComponent(passwords[agent] ?? '')}@${address}/shop${more}`,
    http: (path) => `http://${http}${path}`,
  };
}
