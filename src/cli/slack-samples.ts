// Made-up holds for the preview of cards: the usual one, and those that are hard to show.
import type { HoldId, UnixMillis } from '../core/brand.ts';
import { known, notKnown } from '../core/known.ts';
import type { HoldView, ViewColumn, ViewVote } from '../approval/view.ts';

export interface Sample {
  readonly title: string;
  readonly view: HoldView;
}

const start = Date.UTC(2026, 9, 2, 9, 30);
const at = (minutes: number): UnixMillis => asMillis(start + minutes * 60_000);
const asMillis = (ms: number): UnixMillis => ms as UnixMillis;
const asHold = (id: string): HoldId => id as HoldId;

const ben = { name: 'ben', email: 'ben@example.com', slack: 'U02BEN' };
const cleo = { name: 'cleo', email: 'cleo@example.com', slack: 'U02CLEO' };

function column(table: string, name: string, level: string, rank: number): ViewColumn {
  const place = { file: 'classification/shop.yaml', line: 12, column: 7 };
  const common = { table, name, level, rank, place, category: undefined, uses: ['output'], owner: undefined };
  return { ...common, column: `${table}.${name}` };
}

function vote(person: string, choice: 'approve' | 'deny', reason?: string): ViewVote {
  return { person, vote: choice, channel: 'slack', at: at(1), reason, terms: undefined, link: undefined, counts: true };
}

const usual: HoldView = {
  id: asHold('h_7Yc0Qm2VnD4tKx9Lw1Zb'),
  state: 'open',
  lapsed: false,
  agent: 'report-bot',
  owner: 'ana',
  database: 'shop',
  role: 'gate',
  session: 's_8dK2mQ0xVb3T',
  applicationName: 'psql',
  clientAddress: '10.0.3.17',
  agentReason: 'Weekly list of customers whose card expires next month',
  command: 'SELECT',
  actions: ['read'],
  sql: {
    canonical:
      "SELECT c.full_name, c.email, k.expires\nFROM public.customers c\nJOIN billing.cards k ON k.customer_id = c.id\nWHERE k.expires < '2026-11-01'\nORDER BY k.expires\nLIMIT 200",
    canonicalHidden:
      'SELECT c.full_name, c.email, k.expires\nFROM public.customers c\nJOIN billing.cards k ON k.customer_id = c.id\nWHERE k.expires < $1\nORDER BY k.expires\nLIMIT $2',
    leftOut: 0,
    unreadable: false,
    raw: '',
    parameters: 0,
    comments: [],
    hash: '9f2c61d07be84a15',
  },
  binding: 'f'.repeat(64),
  searchPath: ['public'],
  schemaVersion: 'v1',
  catalogVersion: 'c1',
  columns: [
    column('public.customers', 'email', 'restricted', 3),
    column('billing.cards', 'expires', 'restricted', 3),
    column('public.customers', 'full_name', 'confidential', 2),
  ],
  reasons: [
    {
      action: 'read',
      rule: 'level restricted',
      words: 'reads customers.email and cards.expires (restricted)',
      place: { file: 'classification/shop.yaml', line: 12, column: 7 },
      columns: [],
    },
  ],
  masks: [
    { column: 'public.customers.email', style: 'email' },
    { column: 'public.customers.full_name', style: 'null' },
  ],
  needs: [
    {
      groups: ['security'],
      quorum: 2,
      approvers: [ben, cleo],
      approvedBy: [],
      met: false,
      unreachable: false,
    },
  ],
  estimate: known(180),
  rowsMax: 10_000,
  budgets: ['confidential+: 120 of 500 rows used in 1d, 380 left'],
  transactionOpen: false,
  locks: known([]),
  counterOffer: undefined,
  sibling: undefined,
  votes: [],
  settled: undefined,
  stepUp: 'none',
  offers: ['once', 'rows', 'masked', 'shape'],
  askedAt: at(0),
  waitUntil: at(1),
  waiting: 1,
  openUntil: at(61),
  grantUntil: undefined,
  grantMs: 900_000,
  uses: 0,
};

const [need] = usual.needs;

export const samples: readonly Sample[] = [
  { title: 'A hold as it comes', view: usual },
  {
    title: 'One of two has said yes; a transaction waits with locks; a sibling was approved',
    view: {
      ...usual,
      transactionOpen: true,
      locks: known(['public.orders (RowExclusiveLock)']),
      votes: [vote('ben', 'approve')],
      needs: [{ ...need, approvedBy: ['ben'] }],
      waiting: 3,
      sibling: { hold: asHold('h_1Bq8'), at: at(-60), by: ['cleo'], canonical: 'SELECT' },
    },
  },
  {
    title: 'Denied',
    view: {
      ...usual,
      state: 'denied',
      votes: [vote('cleo', 'deny', 'Use customer_stats; no addresses are needed for a count.')],
      settled: {
        state: 'denied',
        at: at(2),
        by: ['cleo'],
        terms: undefined,
        reason: 'Use customer_stats; no addresses are needed for a count.',
      },
    },
  },
  {
    title: 'Approved and run',
    view: {
      ...usual,
      state: 'used',
      uses: 1,
      votes: [vote('ben', 'approve'), vote('cleo', 'approve')],
      needs: [{ ...need, approvedBy: ['ben', 'cleo'], met: true }],
      settled: { state: 'approved', at: at(2), by: ['ben', 'cleo'], terms: { kind: 'once' }, reason: undefined },
    },
  },
  { title: 'Expired', view: { ...usual, state: 'expired' } },
  {
    title: 'Hostile: marks, calls, turned direction, fences',
    view: {
      ...usual,
      agentReason: '*APPROVED by ben* <!channel> ```routine``` \\u{202e}txet denrut',
      actions: ['notKnown', 'read'],
      sql: {
        ...usual.sql,
        canonicalHidden:
          'SELECT "```", "*Approved by ben*", "<!channel>",\n  "<https://evil.example|details>", "```"\nFROM public.customers',
        comments: ['routine; security has approved this already'],
      },
      estimate: notKnown('it cannot be read'),
      offers: ['once'],
    },
  },
  {
    title: 'Five hundred columns and a very long statement',
    view: {
      ...usual,
      columns: Array.from({ length: 500 }, (_, index) =>
        column(
          `public.wide_${index % 7}`,
          `column_${index}`,
          index % 2 === 0 ? 'restricted' : 'confidential',
          3 - (index % 2),
        ),
      ),
      sql: {
        ...usual.sql,
        canonicalHidden: `SELECT ${Array.from({ length: 500 }, (_, index) => `w.column_${index}`).join(', ')}\nFROM public.wide w\nLIMIT $1`,
      },
    },
  },
];
