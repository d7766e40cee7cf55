// One of several processes that share the agents' port: the house and the road, without a front. It is started by serve-workers.ts, hears
// from it over their line when to read the config again or to end, and asks it for what all workers share: places under the limits.
import cluster from 'node:cluster';
import { systemClock } from '../core/clock.ts';
import type { Config } from '../core/config-types.ts';
import { wordsOf } from '../core/errors.ts';
import { createLog, type Log } from '../core/log.ts';
import { mistakeText } from '../core/place.ts';
import type { Checked } from '../core/yaml.ts';
import type { SharedSeats } from '../proxy/sessions.ts';
import { CommandFailed, failed } from './io.ts';
import type { Reread } from './live-config.ts';
import { Line } from './process-line.ts';
import { endOnDefects } from './process-signals.ts';
import { endingRoad, letIn, orEnded, ownRoad, running, type Serving } from './serve.ts';
import { passCancels } from './serve-cancels.ts';
import type { RoadView } from './serve-front.ts';
import { openHouse } from './serve-house.ts';
import { makeRoad } from './serve-road.ts';
import { workerAuditDir } from './worker-folders.ts';
import { seatAnswer, toWorker, workerQuestion, type FirstQuestion, type ToFirst } from './worker-words.ts';

interface RunningWorker extends Serving {
  readonly view: RoadView;
  readonly metricsJson: () => Promise<unknown>;
  readonly cancelMarked: (mark: string) => void;
}

/** What the first process may ask before all stands. */
const notYet = (): never => {
  throw new Error('it is starting');
};

export async function serveAsWorker(number: number, family: string, read: Reread): Promise<void> {
  let worker: RunningWorker | undefined;
  const line = new Line({
    channel: {
      send: (message, done) => process.send?.(message, undefined, undefined, done),
      on: (...each) => process.on(...each),
    },
    told: (message) => obey(worker, message),
    asked: (question) => answer(worker ?? notYet(), question),
  });
  const tell = (words: ToFirst): void => line.tell(words);
  // Ctrl-C reaches every process of the terminal: the first process says what is to be done, and a second word of it is not a second wish.
  const rest = (): void => void worker?.stop('drain');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, rest);
  process.on('SIGHUP', () => undefined);
  try {
    worker = await beginWorker({ number, family, read, line, tell });
  } catch (thrown) {
    tell({ kind: 'failed', lines: thrown instanceof CommandFailed ? [...thrown.lines] : [wordsOf(thrown)] });
    process.exitCode = 1;
    process.disconnect();
    return;
  }
  // Without the first process nobody would end this one: the port and the http side are gone with it.
  cluster.worker?.on('error', () => undefined); // A line that breaks is heard of by its end.
  process.on('disconnect', () => void worker?.stop('now'));
  const { address, port } = worker.address;
  tell({ kind: 'serving', address, port });
  await worker.ended;
  if (process.connected) process.disconnect();
}

interface Beginning {
  readonly number: number;
  readonly family: string;
  readonly read: Reread;
  readonly line: Line;
  readonly tell: (words: ToFirst) => void;
}

async function beginWorker({ number, family, read, line, tell }: Beginning): Promise<RunningWorker> {
  const reread = async (): Promise<Checked<Config>> => ownFolder(await read(), number);
  const checked = await reread();
  if (checked.kind === 'bad') throw failed(...checked.mistakes.map(mistakeText));
  const config = checked.value;
  const log = createLog({ level: config.logLevel }).child({ worker: number });
  return await orEnded(async (begun) => {
    const house = await openHouse(config, { log, clock: systemClock, reread, begun });
    const siblings = (mark: string): void => tell({ kind: 'cancel', mark });
    const cancels = passCancels({ store: house.bench.store, family, siblings });
    const road = makeRoad(house, {
      begun,
      shared: { seats: seatsOver(line, tell), cancelElsewhere: cancels.elsewhere },
    });
    begun.push(async () => cancels.stop());
    cancels.start((mark) => void road.listener.cancelMarked(mark));
    const address = await letIn(house, road, begun);
    const serving = { ...running({ house, road: endingRoad(road) }), address };
    endOnDefects(serving, log);
    logServing(log, serving);
    return {
      ...serving,
      view: ownRoad(house, road),
      metricsJson: () => house.metrics.json(),
      cancelMarked: (mark) => void road.listener.cancelMarked(mark),
    };
  });
}

function logServing(log: Log, { address }: Serving): void {
  log.info('worker serves', { address: `${address.address}:${address.port}`, pid: process.pid });
}

/** Each worker writes a chain of its own: two writers of one would be two truths. */
function ownFolder(checked: Checked<Config>, number: number): Checked<Config> {
  if (checked.kind === 'bad') return checked;
  return { kind: 'good', value: { ...checked.value, auditDir: workerAuditDir(checked.value.auditDir, number) } };
}

function seatsOver(line: Line, tell: (words: ToFirst) => void): SharedSeats {
  return {
    take: async (agent, limits) =>
      seatAnswer.parse(await line.ask({ kind: 'seat', agent, ...limits } satisfies FirstQuestion)),
    leave: (agent) => tell({ kind: 'left', agent }),
  };
}

function obey(worker: RunningWorker | undefined, message: unknown): void {
  const read = toWorker.safeParse(message);
  if (!read.success) return;
  const words = read.data;
  switch (words.kind) {
    case 'stop':
      // Before it serves, nobody would be hurt by its end.
      if (worker === undefined) process.exit(1);
      void worker.stop(words.how);
      return;
    case 'reload':
      void worker?.reload();
      return;
    case 'cancel':
      worker?.cancelMarked(words.mark);
      return;
    default:
      words satisfies never;
  }
}

function answer({ view, metricsJson }: RunningWorker, asked: unknown): Promise<unknown> {
  const question = workerQuestion.parse(asked);
  switch (question.kind) {
    case 'readiness':
      return view.readiness();
    case 'metrics':
      return metricsJson();
    case 'sessions':
      return view.sessions.list();
    case 'days':
      return view.days.of(question.agents);
    case 'end':
      return view.sessions.end(question.session);
    default:
      return question satisfies never;
  }
}
