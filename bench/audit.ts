// What a record costs: microseconds a record and records a second, by how many records a turn of the event loop brings.
// Run with `npx tsx bench/audit.ts`. The time is all of it: text, chain, tree, and the call into the kernel.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAudit } from '../src/audit/keeper.ts';
import type { AuditBody } from '../src/audit/record.ts';
import { systemClock } from '../src/core/clock.ts';

const shared = {
  actions: ['read'],
  columns: [
    { column: 'public.orders.id', level: 'public' },
    { column: 'public.orders.total', level: 'internal' },
  ],
  rules: ['level public', 'level internal'],
} as const;

const judged = (n: number): AuditBody => ({
  kind: 'judged',
  session: `s_${n % 64}`,
  agent: 'report-bot',
  owner: 'ana',
  database: 'shop',
  statement: 'a1b2c3d4'.repeat(8),
  text: 'select id, total from orders where id = $1',
  verdict: 'allow',
  catalog: '0123456789abcdef',
  schema: 'fedcba9876543210',
  ...shared,
});

for (const batch of [1, 10, 100]) {
  const dir = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const audit = await openAudit({ dir, clock: systemClock });
  const run = (records: number): number => {
    const began = performance.now();
    for (let n = 0; n < records; n += batch) {
      for (let each = 0; each < batch; each += 1) audit.log.record(judged(n + each));
      audit.log.flush();
    }
    return performance.now() - began;
  };
  run(20_000);
  const records = 200_000;
  const ms = run(records);
  console.log(
    `${String(batch).padStart(3)} records a turn: ${((ms * 1000) / records).toFixed(2)} µs a record, ${Math.round((records / ms) * 1000)} records/s`,
  );
  await audit.stop();
  rmSync(dir, { recursive: true, force: true });
}
