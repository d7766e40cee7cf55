// How long an auditor waits: writes a log of a million records (or as many as asked) and times `verify` over it.
// Run with `npx tsx bench/audit-verify.ts [records]`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAudit } from '../src/audit/keeper.ts';
import { SearchIndex } from '../src/audit/search-index.ts';
import { verifyFolder } from '../src/audit/verify.ts';
import { systemClock } from '../src/core/clock.ts';

const records = Number(process.argv[2] ?? 1_000_000);
const dir = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
const audit = await openAudit({ dir, clock: systemClock });
for (let n = 0; n < records; n += 1) {
  audit.log.record({
    kind: 'judged',
    session: `s_${n % 64}`,
    agent: `bot-${n % 100}`,
    owner: 'ana',
    database: 'shop',
    statement: 'a1b2c3d4'.repeat(8),
    text: 'select id, total from orders where id = $1',
    verdict: 'allow',
    actions: ['read'],
    columns: [{ column: 'public.orders.id', level: 'public' }],
    rules: ['level public'],
    catalog: '0123456789abcdef',
    schema: 'fedcba9876543210',
  });
  if (n % 3 === 0) audit.log.flush();
  if (n % 50_000 === 0) await new Promise((resolve) => setTimeout(resolve, 1)); // The clockwork has its turn.
}
audit.log.flush();
await audit.stop();

const began = performance.now();
const result = verifyFolder({ dir });
if (result.kind === 'broken') console.log(result.words, result.file, result.line);
console.log(`${result.kind}: ${records} records in ${((performance.now() - began) / 1000).toFixed(1)} s`);
const index = new SearchIndex(dir);
const built = performance.now();
await index.catchUp();
const { granules, words, holds } = index.size;
console.log(
  `index made (what \`audit search\` waits for): ${((performance.now() - built) / 1000).toFixed(1)} s; ${granules} stretches, ${holds} holds, ${Math.round((words * 4) / 1024)} KiB of words`,
);
for (const filter of [{ agent: 'bot-7' }, { agent: 'bot-7', level: 'secret' }, { person: 'nobody' }]) {
  const asked = performance.now();
  const { records: given } = await index.search({ filter, limit: 100 });
  console.log(
    `index asked for ${JSON.stringify(filter)}: ${given.length} in ${(performance.now() - asked).toFixed(0)} ms`,
  );
}
rmSync(dir, { recursive: true, force: true });
