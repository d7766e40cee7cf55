// Slack and Teams as `serve` starts them: after the desk, before the http server, which carries Slack's requests in http mode.
import type { FastifyInstance } from 'fastify';
import type { Parts } from '../channels/health.ts';
import type { Metrics } from '../channels/metrics.ts';
import { startSlack, type RunningSlack } from '../channels/slack.ts';
import type { Explain } from '../channels/slack-commands.ts';
import { startTeams } from '../channels/teams.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { explainService } from './explain-service.ts';
import { explainLines } from './explain-words.ts';
import { failed } from './io.ts';
import type { LiveConfig } from './live-config.ts';
import { consoleUrlHere } from './serve-addresses.ts';
import type { Bench } from './serve-bench.ts';

export interface ChannelOptions {
  readonly live: LiveConfig;
  readonly bench: Pick<Bench, 'classification' | 'readers' | 'desk' | 'store' | 'budgets'>;
  readonly parts: Parts;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningChannels {
  /** For the http server. */
  readonly rooms: readonly ((server: FastifyInstance) => void)[];
  stop(): Promise<void>;
}

/** Tokens that Slack does not know stop the start, with the file's name and one line. */
export async function startChannels(options: ChannelOptions): Promise<RunningChannels> {
  const { live, bench, clock, log, parts, metrics } = options;
  const { config } = live;
  const { desk: book, store } = bench;
  const consoleUrl = consoleUrlHere(config.http);
  const common = { book, store, clock, log, consoleUrl, linkOf: (hold: string) => `${consoleUrl}/holds/${hold}` };
  const slack = config.slack === undefined ? undefined : await slackOf(options, { ...common, config: config.slack });
  const teams = config.teams === undefined ? undefined : startTeams({ ...common, config: config.teams });
  const running = [slack, teams].filter((channel) => channel !== undefined);
  metrics.register({
    name: 'holds_open',
    kind: 'gauge',
    help: 'Holds that people are asked about, at all proxies of the state.',
    read: () => [{ value: bench.desk.openCount }],
  });
  for (const { part, metrics: figures } of running) {
    parts.register(part);
    for (const figure of figures) metrics.register(figure);
  }
  return {
    rooms: slack?.room === undefined ? [] : [slack.room],
    stop: async () => {
      await Promise.all(running.map((channel) => channel.stop()));
    },
  };
}

type SlackParts = Parameters<typeof startSlack>[0];

async function slackOf(
  { live, bench, clock }: ChannelOptions,
  parts: Omit<SlackParts, 'approvers' | 'levels' | 'explain'>,
): Promise<RunningSlack> {
  const { classification, readers, budgets } = bench;
  const inForce = () => classification.current;
  const service = explainService({ config: () => live.config, classification: inForce, readers, clock });
  const explain: Explain = async (asked) => explainLines(await service(asked));
  const people = { approvers: () => inForce().catalog.approvers, levels: () => inForce().catalog.levelByName };
  try {
    return await startSlack({ ...parts, ...people, explain, budgets });
  } catch (thrown) {
    if (!(thrown instanceof ProxyError)) throw thrown;
    throw failed(`${live.config.file}: ${thrown.message}`);
  }
}
