// What the log costs on the road: the same proxy with its log and without, in turn, in one run; statements a second, their ratio, and the
// processor time of the process for each statement. Run with `npx tsx bench/audit-road.ts` (BENCH_SECONDS, BENCH_ROUNDS).
import { startField } from './contenders.ts';
import { median, pgbench, processorMicros, run, type Load, type Mode } from './measure.ts';

const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);

const field = await startField({ warm: 40, only: 'us, with the log and without' });
try {
  const [direct, logged, unlogged] = field.contenders;
  if (direct === undefined || logged === undefined || unlogged === undefined) throw new Error('nobody to measure');
  await run('pgbench', ['-i', '-q', '-s', '10', field.url(direct)]);
  // Not counted: the first seconds of a Node process are its compiler's, and with the log there is more to compile. As long as in `road`.
  for (const contender of [logged, unlogged]) {
    for (const mode of ['prepared', 'simple'] satisfies Mode[])
      await pgbench(field.url(contender), { mode, clients: 32, seconds: 3 });
  }
  for (const { mode, clients } of [
    { mode: 'simple' as Mode, clients: 1 },
    { mode: 'simple' as Mode, clients: 8 },
    { mode: 'prepared' as Mode, clients: 8 },
    { mode: 'prepared' as Mode, clients: 32 },
  ]) {
    const load: Load = { mode, clients, seconds };
    const figures = { logged: [] as number[], unlogged: [] as number[] };
    const micros = { logged: [] as number[], unlogged: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? (['logged', 'unlogged'] as const) : (['unlogged', 'logged'] as const);
      for (const which of order) {
        const contender = which === 'logged' ? logged : unlogged;
        const before = processorMicros(contender.pid ?? 0);
        const { perSecond, statements } = await pgbench(field.url(contender), load);
        figures[which].push(perSecond);
        micros[which].push((processorMicros(contender.pid ?? 0) - before) / statements);
      }
    }
    const [rate, bare] = [median(figures.logged), median(figures.unlogged)];
    const [cost, bareCost] = [median(micros.logged), median(micros.unlogged)];
    // Round by round: at 1 client two rounds differ by more than the log costs, neighbours in time by less.
    const more = micros.logged.map((each, round) => each - (micros.unlogged[round] ?? each));
    console.log(
      `${mode}, ${clients} clients: ${rate.toFixed(0)}/s with the log, ${bare.toFixed(0)}/s without, ratio ${(rate / bare).toFixed(2)}; ` +
        `processor ${cost.toFixed(1)} µs a statement with, ${bareCost.toFixed(1)} without: the log costs ${median(more).toFixed(1)} µs ` +
        `(${Math.min(...more).toFixed(1)} to ${Math.max(...more).toFixed(1)} by rounds)`,
    );
  }
} finally {
  await field.stop();
}
