// Syslog over TCP or TLS: RFC 5424 messages with octet counting (RFC 6587), CEF inside. The protocol has no answers, so "taken" means that
// the kernel of this machine has the bytes and the connection still stands; who needs more uses another sink.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { cefOf } from '../audit/cef.ts';
import type { Delivery, Sink, SinkBatch } from '../audit/sink.ts';
import { wordsOf } from '../core/errors.ts';

export interface SyslogOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly ca?: string };
  readonly hostname: string;
}

/** Facility 13, "log audit"; severity 6, informational: what it means stands in the CEF. */
const priority = 13 * 8 + 6;

export function syslogSink(options: SyslogOptions): Sink {
  return {
    name: options.name,
    limits: { recordsMax: 500, bytesMax: 512 * 1024, lingerMs: 0 },
    deliver: async (batch, signal): Promise<Delivery> => {
      try {
        await send(options, framesOf(options.hostname, batch), signal);
        return { kind: 'taken' };
      } catch (error) {
        return { kind: 'later', why: wordsOf(error) };
      }
    },
  };
}

function framesOf(hostname: string, batch: SinkBatch): Buffer {
  const frames = batch.records.map((record) => {
    const text = `<${priority}>1 ${record.at} ${hostname} countersign - ${record.kind} - ${cefOf(batch.origin, record)}`;
    const body = Buffer.from(text, 'utf8');
    return Buffer.concat([Buffer.from(`${body.length} `), body]);
  });
  return Buffer.concat(frames);
}

/** A connection for each batch: a dead one is then noticed by the batch that meets it. The far end's FIN after ours says it read all. */
function send(options: SyslogOptions, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const { host, port, tls } = options;
    const socket: Socket =
      tls === undefined
        ? connectTcp({ host, port })
        : // A name only: Node 26 takes no address there, and the certificate is checked against `host` all the same.
          connectTls({
            host,
            port,
            ...(isIP(host) === 0 ? { servername: host } : {}),
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          });
    const giveUp = (): void => {
      socket.destroy(new Error('no end of the connection in time'));
    };
    signal.addEventListener('abort', giveUp);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => socket.end(bytes));
    socket.resume();
    let failed: Error | undefined;
    socket.on('error', (error) => (failed = error));
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      if (failed === undefined && socket.bytesWritten >= bytes.length) resolve();
      else reject(failed ?? new Error('the connection ended before all was sent'));
    });
    if (signal.aborted) giveUp();
  });
}
