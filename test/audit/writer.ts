// Goal: something to kill: a process that writes an audit log and says which records it would have acted on.
// Method: `writer.ts DIR` prints the highest `seq` after each flush and each durable record, until it is killed.
import { writeSync } from 'node:fs';
import { openAudit } from '../../src/audit/keeper.ts';
import { systemClock } from '../../src/core/clock.ts';

const audit = await openAudit({
  dir: process.argv[2] ?? '',
  clock: systemClock,
  limits: { checkpointMs: 7, segmentBytesMax: 60_000, historyMs: 20, keepMs: 50 },
});
const judged = (n: number) =>
  ({
    kind: 'judged',
    session: 's_writer',
    agent: `bot-${n % 7}`,
    owner: 'ana',
    database: 'shop',
    statement: 'a'.repeat(64),
    text: 'select '.padEnd(n % 300, 'x'),
    verdict: 'allow',
    actions: ['read'],
    columns: [],
    rules: [],
    catalog: 'c',
    schema: 's',
  }) as const;

for (let turn = 0; ; turn += 1) {
  let seq = -1;
  for (let n = 0; n <= turn % 20; n += 1) seq = audit.log.record(judged(turn + n)).seq;
  audit.log.flush();
  writeSync(1, `${seq} judged\n`);
  if (turn % 10 === 0) {
    const receipt = await audit.log.recordDurably({
      kind: 'decided',
      hold: `h_${turn}`,
      state: 'approved',
      by: ['ben'],
    });
    writeSync(1, `${receipt.seq} decided\n`);
  }
  await new Promise((resolve) => setImmediate(resolve));
}
