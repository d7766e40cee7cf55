// What budgets cost a statement whose level has none: the same short statement through two proxies at a time, one with a budget of another
// level. One after the other, so that a round trip more would show whole; medians of interleaved rounds. Run by bench/rows.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { systemClock } from '../src/core/clock.ts';
import { silentLog } from '../src/core/log.ts';
import { openJournal } from '../src/store/journal.ts';
import { startProxy } from '../test/support/proxy.ts';
import { waitFor } from '../test/support/wait.ts';

const statements = 1_500;
const rounds = 4;

const files = (budgets: string): Readonly<Record<string, string>> => ({
  'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: counted, read: allow, approvers: [owners] }]
defaults: { unclassified: public }
`,
  'approvers.yaml': 'version: 1\napprovers: { ana: { email: ana@example.com, groups: [owners] } }\n',
  'db.yaml': 'version: 1\ndatabase: db\nowner: owners\ntables: { public.spent: counted }\n',
  'policy.yaml': `version: 1\n${budgets}`,
});

export interface BudgetCost {
  readonly withoutMs: number;
  readonly withMs: number;
}

/** Of a table `short` that is there; `spent` need not be. */
export async function budgetCost(url: string): Promise<BudgetCost> {
  const dir = mkdtempSync(join(tmpdir(), 'countersign-budgets-'));
  const store = await openJournal({ dir, clock: systemClock, log: silentLog });
  const sides = await Promise.all(
    ['', 'budgets: [{ level: counted, rows: 1000000, per: 1d }]\n'].map(async (budgets) => {
      const proxy = await startProxy({ databases: { db: url }, files: files(budgets), store });
      const client = new pg.Client(proxy.url('db'));
      await client.connect();
      return { proxy, client, each: [] as number[] };
    }),
  );
  const ask = { name: 'one', text: 'select name from short where id = $1', values: [7] };
  for (const { client } of sides) await waitFor('an answer', async () => (await client.query(ask)).rowCount !== null);
  for (let round = 0; round < rounds; round += 1) {
    for (const { client, each } of sides) {
      for (let at = 0; at < statements; at += 1) {
        const begun = performance.now();
        await client.query(ask);
        each.push(performance.now() - begun);
      }
    }
  }
  for (const { client, proxy } of sides) {
    await client.end();
    await proxy.stop();
  }
  await store.close();
  rmSync(dir, { recursive: true, force: true });
  const [withoutMs = Number.NaN, withMs = Number.NaN] = sides.map(({ each }) => median(each));
  return { withoutMs, withMs };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
