// An object store that speaks S3: each batch is one object, named by its records, so that sending it again writes the same object. Signed with
// AWS Signature Version 4; the body's MD5 goes along, which stores with object lock ask for.
import { createHash, createHmac, hash } from 'node:crypto';
import type { Delivery, Sink, SinkBatch } from '../audit/sink.ts';
import { plainForm, type RecordForm } from '../audit/sink-file.ts';
import { deliverHttp, type HttpRequest } from './sink-http.ts';

export interface S3Options {
  readonly name: string;
  /** `https://s3.eu-central-1.amazonaws.com` or another store's address; the bucket goes in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix?: string;
  readonly accessKey: string;
  readonly secretKey: () => string;
  readonly form?: RecordForm;
  readonly now?: () => Date;
}

export function s3Sink(options: S3Options): Sink {
  const form = options.form ?? plainForm;
  return {
    name: options.name,
    limits: { recordsMax: 10_000, bytesMax: 4 * 1024 * 1024, lingerMs: 60_000 },
    deliver: (batch, signal): Promise<Delivery> => {
      const body = batch.records.map((record) => `${JSON.stringify(form(batch.origin, record))}\n`).join('');
      return deliverHttp(signedPut(options, keyOf(options.prefix ?? '', batch), body), signal);
    },
  };
}

/** Days as folders; the number of the first and last record, so that names sort as the log does. */
function keyOf(prefix: string, { origin, records }: SinkBatch): string {
  const number = (seq: number): string => String(seq).padStart(12, '0');
  const day = records[0].at.slice(0, 10).replaceAll('-', '/');
  const last = records.at(-1) ?? records[0];
  return `${prefix}${day}/${origin.replaceAll('/', '-')}-${number(records[0].seq)}-${number(last.seq)}.jsonl`;
}

function signedPut(options: S3Options, key: string, body: string): HttpRequest {
  const url = new URL(options.endpoint);
  url.pathname = `/${options.bucket}/${key}`.split('/').map(encoded).join('/');
  const headers = {
    'content-md5': createHash('md5').update(body).digest('base64'),
    'content-type': 'application/x-ndjson',
    host: url.host,
    'x-amz-content-sha256': hash('sha256', body, 'hex'),
    'x-amz-date': (options.now?.() ?? new Date()).toISOString().replace(/[-:]|\.\d{3}/g, ''),
  };
  const authorization = authorizationOf({ method: 'PUT', path: url.pathname, headers }, options);
  const { host: _, ...sent } = headers;
  return { method: 'PUT', url: url.href, headers: { ...sent, authorization }, body };
}

export interface SignedRequest {
  readonly method: string;
  /** Encoded already. */
  readonly path: string;
  /** In the order of their names, which are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The header that signs all the others: AWS Signature Version 4. */
export function authorizationOf(
  request: SignedRequest,
  by: Pick<S3Options, 'region' | 'accessKey' | 'secretKey'>,
): string {
  const { headers } = request;
  const stamp = headers['x-amz-date'] ?? '';
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const bodyHash = headers['x-amz-content-sha256'] ?? '';
  const canonical = `${request.method}\n${request.path}\n\n${lines.join('')}\n${names}\n${bodyHash}`;
  const parts = [stamp.slice(0, 8), by.region, 's3', 'aws4_request'];
  const toSign = `AWS4-HMAC-SHA256\n${stamp}\n${parts.join('/')}\n${hash('sha256', canonical, 'hex')}`;
  const key = parts.reduce<Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    Buffer.from(`AWS4${by.secretKey()}`),
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return `AWS4-HMAC-SHA256 Credential=${by.accessKey}/${parts.join('/')},SignedHeaders=${names},Signature=${signature}`;
}

/** Everything but unreserved characters, as the signature wants it; encodeURIComponent leaves five more alone. */
function encoded(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
