// Hears what a proxy says to its Postgres, between the two: every message, and how often an answer was waited for.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { decodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { FrameReader } from '../../src/wire/frame.ts';
import { fromClient } from '../../src/wire/message-types.ts';

export interface UpstreamEar {
  /** The same database, heard. */
  readonly url: string;
  /** Since it was asked last, on the connection that carried this text last; the proxy has others of its own. */
  heard(on: string): Heard;
  stop(): Promise<void>;
}

export interface Heard {
  readonly messages: readonly ClientMessage[];
  /** Texts of Parse and Query. */
  readonly texts: readonly string[];
  /** Messages after which the server answers: Query, Sync, Flush. */
  readonly exchanges: number;
}

const protocolMajor = 3;

const textsOf = (messages: readonly ClientMessage[]): readonly string[] =>
  messages.flatMap((one) => (one.kind === 'parse' || one.kind === 'query' ? [one.sql.toString()] : []));

export async function listenBefore(url: string): Promise<UpstreamEar> {
  const { hostname, port: behind } = new URL(url);
  const marked = new Map<string, ClientMessage[]>();
  const sockets = new Set<Socket>();
  const server = createServer((agent) => {
    const upstream = connect(Number(behind), hostname);
    const messages: ClientMessage[] = [];
    for (const socket of [agent, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    const take = (type: number, bytes: Buffer, start: number, end: number): void => {
      if (type === fromClient.password) return;
      const message = decodeClientMessage(type, Buffer.from(bytes.subarray(start + 5, end)));
      messages.push(message);
      for (const text of textsOf([message])) marked.set(text, messages);
    };
    const reader = new FrameReader({ streams: () => false, lengthMax: () => 1 << 30 });
    let started = false;
    agent.on('data', (chunk: Buffer) => {
      // The first packets have no type (asking for TLS, then start-up); nothing comes with one before the server has answered.
      if (started) reader.push(chunk, { frame: take, part: () => undefined });
      else started = chunk.readUInt16BE(4) === protocolMajor;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => agent.write(chunk));
    agent.on('end', () => upstream.end());
    upstream.on('end', () => agent.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const heardAt = new URL(url);
  heardAt.port = String(port);
  return {
    url: heardAt.href,
    heard: (on) => {
      const found = marked.get(on);
      if (found === undefined) throw new Error(`nobody said ${on}`);
      const messages = found.splice(0);
      return {
        messages,
        texts: textsOf(messages),
        exchanges: messages.filter(({ kind }) => kind === 'query' || kind === 'sync' || kind === 'flush').length,
      };
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
