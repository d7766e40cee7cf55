// Goal: something to kill: a process that keeps its state in a journal and says what was acknowledged.
// Method: `journal-writer.ts DIR RUN` prints `KEY VALUE` after each change, `spent N` after each spending, until it is killed.
import { writeSync } from 'node:fs';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { openJournal } from '../../src/store/journal.ts';

const [dir = '', run = ''] = process.argv.slice(2);
// Made anew every few thousand bytes, so that many of the kills fall into that.
const limits = { slackBytesMax: 20_000, tickMs: 20 };
const store = await openJournal({ dir, clock: systemClock, log: silentLog, limits });
writeSync(1, 'open\n');

async function write(worker: number): Promise<never> {
  for (let turn = 0; ; turn += 1) {
    const [left, right] = [`left:${worker}`, `right:${worker}`];
    const value = `${run}.${turn}`;
    const result = await store.change([
      { key: left, expect: 'any', value },
      { key: right, expect: 'any', value },
      { key: `old:${worker}:${turn % 5}`, expect: 'any', value: turn % 2 === 0 ? 'x'.repeat(turn % 400) : undefined },
    ]);
    if (result !== 'changed') throw new Error(result);
    writeSync(1, `${left} ${value}\n`);
    const { used } = await store.spend('rows', 1, { ms: 1e9, at: 1e12 }, undefined);
    writeSync(1, `spent ${used}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map(write));
