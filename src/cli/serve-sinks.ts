// From the config's sinks to running shippers, and their line in /readyz. A sink that fails makes nothing wait: it is "wanted", not "needed".
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { ocsfOf } from '../audit/ocsf.ts';
import { Shipper } from '../audit/shipper.ts';
import type { Sink } from '../audit/sink.ts';
import { fileSink, plainForm, streamSink } from '../audit/sink-file.ts';
import { datadogSink, splunkSink, webhookSink } from '../channels/sink-http.ts';
import { s3Sink } from '../channels/sink-s3.ts';
import { syslogSink } from '../channels/sink-syslog.ts';
import type { SinkConfig } from '../core/config-audit.ts';
import { assertNever } from '../core/exhaustive.ts';
import type { Log } from '../core/log.ts';

export interface RunningSinks {
  /** What is wrong with which, in words; undefined: all take records. */
  trouble(): string | undefined;
  stop(): Promise<void>;
}

export function startSinks(dir: string, sinks: readonly SinkConfig[], log: Log): RunningSinks {
  const shippers = sinks.map((sink) => new Shipper({ dir, sink: sinkOf(sink), say: (words) => log.warn(words, {}) }));
  for (const shipper of shippers) shipper.start();
  return {
    trouble: () => {
      const wrong = shippers.map((shipper) => shipper.state).filter((state) => state.trouble !== undefined);
      if (wrong.length === 0) return undefined;
      return wrong.map((state) => `${state.name} from record ${state.seq}: ${state.trouble ?? ''}`).join('; ');
    },
    stop: async () => {
      await Promise.all(shippers.map((shipper) => shipper.stop()));
    },
  };
}

export function sinkOf(config: SinkConfig): Sink {
  const { name } = config;
  const form = config.form === 'ocsf' ? ocsfOf : plainForm;
  switch (config.kind) {
    case 'file':
      return fileSink({ name, form, path: config.path });
    case 'stdout':
      return streamSink({ name, form, stream: process.stdout });
    case 'splunk':
      return splunkSink({ name, form, url: config.url, token: () => config.token.reveal(), host: hostname() });
    case 'datadog':
      return datadogSink({ name, form, url: config.url, apiKey: () => config.token.reveal() });
    case 'webhook': {
      const { token, url } = config;
      return webhookSink({ name, form, url, ...(token === undefined ? {} : { secret: () => token.reveal() }) });
    }
    case 'syslog': {
      const tls = config.ca === undefined ? {} : { ca: readFileSync(config.ca, 'utf8') };
      const { host, port } = config;
      return syslogSink({ name, host, port, hostname: hostname(), ...(config.tls ? { tls } : {}) });
    }
    case 's3': {
      const { url: endpoint, region, bucket, prefix, accessKey, secretKey } = config;
      return s3Sink({ name, form, endpoint, region, bucket, prefix, accessKey, secretKey: () => secretKey.reveal() });
    }
    default:
      return assertNever(config);
  }
}
