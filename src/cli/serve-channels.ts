// Slack and Teams as `serve` starts them: after the desk, before the http server, which carries Slack's requests in http mode.
import type { FastifyInstance } from 'fastify';
import type { HoldBook } from '../approval/channel.ts';
import type { Parts } from '../channels/health.ts';
import type { Metrics } from '../channels/metrics.ts';
import { startSlack } from '../channels/slack.ts';
import type { Explain } from '../channels/slack-commands.ts';
import { startTeams } from '../channels/teams.ts';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config-types.ts';
import { ProxyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { placeText } from '../core/place.ts';
import type { Classification } from '../policy/classification.ts';
import type { Store } from '../store/store.ts';
import { failed } from './io.ts';

export interface ChannelOptions {
  readonly config: Config;
  readonly classification: () => Classification;
  readonly desk: HoldBook;
  readonly store: Store;
  readonly parts: Parts;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly explain?: Explain;
}

export interface RunningChannels {
  /** For the http server. */
  readonly rooms: readonly ((server: FastifyInstance) => void)[];
  stop(): Promise<void>;
}

/** Tokens that Slack does not know stop the start, with the file's name and one line. */
export async function startChannels(options: ChannelOptions): Promise<RunningChannels> {
  const { config, desk: book, store, clock, log, parts, metrics, classification } = options;
  const consoleUrl = config.http.publicUrl ?? `http://${hostText(config.http.listen)}`;
  const common = { book, store, clock, log, consoleUrl, linkOf: (hold: string) => `${consoleUrl}/holds/${hold}` };
  const running: Awaited<ReturnType<typeof startSlack>>[] = [];
  if (config.slack !== undefined) {
    try {
      running.push(
        await startSlack({
          ...common,
          config: config.slack,
          approvers: () => classification().catalog.approvers,
          levels: () => classification().catalog.levelByName,
          ...(options.explain === undefined ? {} : { explain: options.explain }),
        }),
      );
    } catch (thrown) {
      if (!(thrown instanceof ProxyError)) throw thrown;
      throw failed(`${placeText(config.places.listen).replace(/:\d+:\d+$/, '')}: ${thrown.message}`);
    }
  }
  const teams = config.teams === undefined ? [] : [startTeams({ ...common, config: config.teams })];
  for (const { part, metrics: figures } of [...running, ...teams]) {
    parts.register(part);
    for (const figure of figures) metrics.register(figure);
  }
  return {
    rooms: running.flatMap(({ room }) => room ?? []),
    stop: async () => {
      await Promise.all([...running, ...teams].map((channel) => channel.stop()));
    },
  };
}

function hostText({ host, port }: Config['http']['listen']): string {
  const name = host === '::' || host === '0.0.0.0' ? 'localhost' : host;
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}
