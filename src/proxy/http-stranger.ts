// A browser or curl that came to the agents' port: it is told in its own language where it is. The same words as an ErrorResponse
// would be shown as "Received HTTP/0.9" at best. Nothing of the request is read beyond its first four bytes, nor given back, so there
// is nothing to inject; a page that makes a browser send something here gets text that it may neither run nor read.
import { ProxyError } from '../core/errors.ts';

/** As a length of a start-up packet each of these is above a gigabyte, so no agent is taken for one. */
const methods: ReadonlySet<string> = new Set(
  ['GET ', 'HEAD', 'POST', 'PUT ', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'PRI *'].map((method) =>
    method.slice(0, 4),
  ),
);

export function isHttp(head: Buffer): boolean {
  return methods.has(head.toString('latin1'));
}

export function answerHttp(consolePlace: string): { readonly error: ProxyError; readonly answer: Buffer } {
  const hint = `Agents connect here with a Postgres connection string. The console and the API are ${consolePlace}.`;
  const error = new ProxyError('PROTOCOL_VIOLATION', 'this is the Postgres port, and HTTP came in', { hint });
  const body = `${error.message.replace('this', 'This')}.\n${hint}\n`;
  const head = [
    'HTTP/1.1 400 Bad Request',
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return { error, answer: Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`) };
}
