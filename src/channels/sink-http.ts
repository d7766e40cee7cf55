// Sinks that speak HTTP: Splunk's event collector, Datadog's log intake, and a webhook with CloudEvents. Each is a shape of request; what
// an answer means is the same for all.
import { createHmac } from 'node:crypto';
import { wordsOf } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { plainForm, type RecordForm } from '../audit/sink-file.ts';
import { recordId, type Delivery, type Sink, type SinkBatch } from '../audit/sink.ts';

export interface HttpRequest {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface HttpSinkOptions {
  readonly name: string;
  readonly url: string;
  readonly form?: RecordForm;
}

/** Secrets are asked for at each delivery, so that one that was changed is used at once, and none is kept here. */
type SecretOf = () => string;

export function splunkSink(options: HttpSinkOptions & { readonly token: SecretOf; readonly host?: string }): Sink {
  const form = options.form ?? plainForm;
  return {
    name: options.name,
    limits: { recordsMax: 500, bytesMax: 512 * 1024, lingerMs: 0 },
    deliver: (batch, signal) => {
      const event = (record: SinkBatch['records'][number]): string =>
        JSON.stringify({
          time: Date.parse(record.at) / 1_000,
          host: options.host ?? batch.origin,
          source: batch.origin,
          sourcetype: 'countersign:audit',
          event: form(batch.origin, record),
        });
      return deliverHttp(
        {
          method: 'POST',
          url: `${options.url.replace(/\/$/, '')}/services/collector/event`,
          headers: { authorization: `Splunk ${options.token()}`, 'content-type': 'application/json' },
          body: batch.records.map(event).join('\n'),
        },
        signal,
      );
    },
  };
}

/** Datadog takes 1,000 entries, 5 MB a request and 1 MB an entry; each is counted with what we wrap around it. */
export function datadogSink(options: HttpSinkOptions & { readonly apiKey: SecretOf; readonly tags?: string }): Sink {
  const form = options.form ?? plainForm;
  return {
    name: options.name,
    limits: { recordsMax: 1_000, bytesMax: 2 * 1024 * 1024, lingerMs: 0 },
    deliver: (batch, signal) =>
      deliverHttp(
        {
          method: 'POST',
          url: `${options.url.replace(/\/$/, '')}/api/v2/logs`,
          headers: { 'dd-api-key': options.apiKey(), 'content-type': 'application/json' },
          body: JSON.stringify(
            batch.records.map((record) => ({
              ddsource: 'countersign',
              service: 'countersign',
              hostname: batch.origin,
              ddtags: options.tags ?? '',
              message: JSON.stringify(form(batch.origin, record)),
            })),
          ),
        },
        signal,
      ),
  };
}

/** CloudEvents 1.0, batched. Signed over the time and the body, so that a receiver can drop what is old or not ours. */
export function webhookSink(
  options: HttpSinkOptions & { readonly secret?: SecretOf; readonly now?: () => number },
): Sink {
  const form = options.form ?? plainForm;
  return {
    name: options.name,
    limits: { recordsMax: 100, bytesMax: 256 * 1024, lingerMs: 0 },
    deliver: (batch, signal) => {
      const body = JSON.stringify(
        batch.records.map((record) => ({
          specversion: '1.0',
          id: recordId(batch.origin, record),
          source: `/${batch.origin}`,
          type: `countersign.audit.${record.kind}`,
          time: record.at,
          datacontenttype: 'application/json',
          data: form(batch.origin, record),
        })),
      );
      const headers = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' };
      const signed = options.secret === undefined ? {} : signatureOf(options.secret(), body, options.now ?? Date.now);
      return deliverHttp({ method: 'POST', url: options.url, headers: { ...headers, ...signed }, body }, signal);
    },
  };
}

/** Signed over the time and the body. */
export function signatureOf(secret: string, body: string, now: () => number): Readonly<Record<string, string>> {
  const at = String(Math.floor(now() / 1_000));
  const mac = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  return { 'x-countersign-signature': `t=${at},v1=${mac}` };
}

export async function deliverHttp(request: HttpRequest, signal: AbortSignal): Promise<Delivery> {
  let response: Response;
  try {
    const { method, headers, body } = request;
    // A redirect would carry the token to another host.
    response = await fetch(request.url, { method, headers, body, signal, redirect: 'error' });
  } catch (error) {
    return {
      kind: 'later',
      why: error instanceof Error && error.cause !== undefined ? wordsOf(error.cause) : wordsOf(error),
    };
  }
  if (response.ok) {
    await response.body?.cancel();
    return { kind: 'taken' };
  }
  const why = `HTTP ${response.status} ${visible(await firstWords(response), 200)}`.trim();
  if (isAboutTheBatch(response.status)) return { kind: 'refused', why };
  const afterMs = retryAfterMs(response.headers.get('retry-after'));
  return { kind: 'later', why, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** Malformed, too large, not processable: no waiting helps. A wrong token or a wrong address is mended by a person, so it waits. */
const isAboutTheBatch = (status: number): boolean => status === 400 || status === 413 || status === 422;

const answerBytesMax = 4_096;

async function firstWords(response: Response): Promise<string> {
  if (response.body === null) return '';
  let text = '';
  try {
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.length >= answerBytesMax) break;
    }
  } catch {
    return text; // The status says enough.
  }
  return text.slice(0, answerBytesMax);
}

const retryMsMax = 600_000;

function retryAfterMs(text: string | null): number | undefined {
  if (text === null || !/^\d{1,6}$/.test(text.trim())) return undefined;
  return Math.min(Number(text) * 1_000, retryMsMax);
}
