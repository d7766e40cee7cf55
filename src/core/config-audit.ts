// The `audit` part of countersign.yaml: the folder, who signs, and where records go besides.
import * as z from 'zod';
import { count, duration, fieldNotes, secret, text, webUrl, word, yesNo } from './config-fields.ts';
import type { Secret } from './secrets.ts';

const sinkKinds = ['file', 'stdout', 'splunk', 'datadog', 'webhook', 'syslog', 's3'] as const;
type SinkKind = (typeof sinkKinds)[number];

/** It is also the name of its cursor's file. */
const sinkName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be up to 32 of a-z, 0-9, - and _');

const sink = z.strictObject({
  kind: z
    .enum(sinkKinds)
    .register(fieldNotes, { form: sinkKinds.join(', ') })
    .describe('What takes the records.'),
  form: word('The record as it is, or OCSF Datastore Activity.', ['record', 'ocsf'], 'record'),
  path: text('file: where to.', 'file').optional(),
  url: webUrl('splunk, datadog, webhook, s3: its address, without the path of its API.').optional(),
  token: secret('splunk: the collector’s token; datadog: the API key; webhook: the secret that signs.').optional(),
  host: text('syslog: its host.', 'host').optional(),
  port: count({ words: 'syslog: its port.', usual: 6514, min: 1, max: 65_535 }),
  tls: yesNo('syslog: over TLS.', true),
  ca: text('syslog: authorities of its certificate (PEM), instead of the usual ones.', 'file').optional(),
  region: text('s3: its region.', 'region').optional(),
  bucket: text('s3: the bucket.', 'bucket').optional(),
  prefix: text('s3: what object names begin with.', 'text').optional(),
  access_key: text('s3: id of the access key.', 'id').optional(),
  secret_key: secret('s3: the access key itself.').optional(),
});

const publish = z.strictObject({
  kind: z
    .enum(['slack', 'webhook', 'file'])
    .register(fieldNotes, { form: 'slack, webhook or file' })
    .describe(
      'Where checkpoints are published, so that a copy lies where this proxy’s administrators cannot change it.',
    ),
  url: secret('slack: the incoming webhook; webhook: the address.').optional(),
  token: secret('webhook: the secret that signs.').optional(),
  path: text('file: where to; each checkpoint is added at its end.', 'file').optional(),
  every: duration({
    words: 'How often, while there is something new.',
    usual: '10m',
    min: '1s',
    max: '20d',
  }),
});

export const auditSchema = z.strictObject({
  dir: text('Folder of the audit record.', 'folder')
    .optional()
    .register(fieldNotes, { form: 'folder', usual: './audit' }),
  signer: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .register(fieldNotes, { form: 'list of words' })
    .describe('A program (with its arguments, no shell) that signs checkpoints, instead of a key in the folder.'),
  seal: text(
    'An auditor’s public key (X25519, PEM): each record then has the full statement too, which only the auditor can open.',
    'file',
  ).optional(),
  sinks: z.record(sinkName, sink).optional(),
  publish: z.array(publish).max(16).optional(),
});

type PublishShape = z.output<typeof publish>;

export type PublishConfig = { readonly name: string; readonly everyMs: number } & (
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'slack'; readonly url: Secret }
  | { readonly kind: 'webhook'; readonly url: Secret; readonly token: Secret | undefined }
);

/** What is wrong with one entry beyond its form. */
export function publishMistake(shape: PublishShape): { readonly key: string; readonly mend: string } | undefined {
  if (shape.kind === 'file') return shape.path === undefined ? { key: 'path', mend: "add 'path'" } : undefined;
  const url = shape.url?.reveal();
  if (url === undefined) return { key: 'url', mend: "add 'url'" };
  const isWeb = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  return isWeb ? undefined : { key: 'url', mend: 'write an address that begins with https://' };
}

/** Undefined where something is missing, which was complained about before. */
export function publishConfig(
  shape: PublishShape,
  index: number,
  at: (file: string) => string,
): PublishConfig | undefined {
  const { kind, url, token, path } = shape;
  const base = { name: `checkpoints to ${kind} ${index + 1}`, everyMs: shape.every ?? 600_000 };
  if (kind === 'file') return path === undefined ? undefined : { ...base, kind, path: at(path) };
  if (url === undefined) return undefined;
  return kind === 'slack' ? { ...base, kind, url } : { ...base, kind, url, token };
}

type SinkShape = z.output<typeof sink>;

interface SinkBase {
  readonly name: string;
  readonly form: 'record' | 'ocsf';
}

export type SinkConfig = SinkBase &
  (
    | { readonly kind: 'stdout' }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'splunk' | 'datadog'; readonly url: string; readonly token: Secret }
    | { readonly kind: 'webhook'; readonly url: string; readonly token: Secret | undefined }
    | {
        readonly kind: 'syslog';
        readonly host: string;
        readonly port: number;
        readonly tls: boolean;
        readonly ca: string | undefined;
      }
    | {
        readonly kind: 's3';
        readonly url: string;
        readonly region: string;
        readonly bucket: string;
        readonly prefix: string;
        readonly accessKey: string;
        readonly secretKey: Secret;
      }
  );

/** What each kind cannot do without; the others of its keys have defaults. */
const needed: Readonly<Record<SinkKind, readonly (keyof SinkShape)[]>> = {
  file: ['path'],
  stdout: [],
  splunk: ['url', 'token'],
  datadog: ['url', 'token'],
  webhook: ['url'],
  syslog: ['host'],
  s3: ['url', 'region', 'bucket', 'access_key', 'secret_key'],
};

export function missingKeys(shape: SinkShape): readonly string[] {
  return needed[shape.kind].filter((key) => shape[key] === undefined);
}

/** Undefined where a needed key is missing, which was complained about before. `at` finds a file from the config's folder. */
export function sinkConfig(name: string, shape: SinkShape, at: (file: string) => string): SinkConfig | undefined {
  const base = { name, form: shape.form ?? 'record' };
  const { kind, url, token, host, region, bucket, access_key: accessKey, secret_key: secretKey } = shape;
  switch (kind) {
    case 'stdout':
      return { ...base, kind };
    case 'file':
      return shape.path === undefined ? undefined : { ...base, kind, path: at(shape.path) };
    case 'splunk':
    case 'datadog':
      return url === undefined || token === undefined ? undefined : { ...base, kind, url, token };
    case 'webhook':
      return url === undefined ? undefined : { ...base, kind, url, token };
    case 'syslog': {
      const ca = shape.ca === undefined ? undefined : at(shape.ca);
      return host === undefined
        ? undefined
        : { ...base, kind, host, port: shape.port ?? 6514, tls: shape.tls ?? true, ca };
    }
    case 's3': {
      if (url === undefined || region === undefined || bucket === undefined) return undefined;
      if (accessKey === undefined || secretKey === undefined) return undefined;
      return { ...base, kind, url, region, bucket, prefix: shape.prefix ?? '', accessKey, secretKey };
    }
  }
}
