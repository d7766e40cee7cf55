// A client that says exactly the bytes it is given, for conversations no driver would have: logs in by our own upstream code, sends
// what the test wrote, and gives back every message of the server as data.
import type { Socket } from 'node:net';
import { limitsWith } from '../../src/core/limits.ts';
import { Secret } from '../../src/core/secrets.ts';
import { connectUpstream } from '../../src/proxy/upstream.ts';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { FrameReader } from '../../src/wire/frame.ts';
import { decodeServerMessage, type ServerMessage } from '../../src/wire/server-messages.ts';
import { within } from './wait.ts';

export interface Raw {
  readonly socket: Socket;
  /** Everything the server said so far. */
  readonly said: readonly ServerMessage[];
  send(...messages: readonly ClientMessage[]): void;
  /** Resolves when this many ReadyForQuery have come in all, or the connection closed. */
  readies(count: number): Promise<void>;
  close(): void;
}

export async function connectRaw(url: string, parameters: Readonly<Record<string, string>> = {}): Promise<Raw> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const target = {
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    login: { user: username, password: new Secret(decodeURIComponent(password)), passwordCommand: undefined },
    tls: { mode: 'disable', rootCert: undefined, cert: undefined, key: undefined },
    requireAuth: undefined,
    connectMsMax: limitsWith().upstreamConnectMsMax,
  } as const;
  const { socket } = await connectUpstream(
    { target, parameters: new Map(Object.entries(parameters)) },
    new AbortController().signal,
  );
  const said: ServerMessage[] = [];
  const reader = new FrameReader({ streams: () => false, lengthMax: () => 1 << 30 });
  let [ready, wanted, isClosed] = [0, Infinity, false];
  let wake: () => void = () => undefined;
  const take = (type: number, bytes: Buffer, start: number, end: number): void => {
    const message = decodeServerMessage(type, Buffer.from(bytes.subarray(start + 5, end)));
    said.push(message);
    if (message.kind === 'readyForQuery' && (ready += 1) >= wanted) wake();
  };
  socket.on('data', (chunk: Buffer) => reader.push(chunk, { frame: take, part: () => undefined }));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  socket.resume();
  return {
    socket,
    said,
    send: (...messages) => socket.write(Buffer.concat(messages.map(encodeClientMessage))),
    readies: async (count) => {
      wanted = count;
      if (ready >= count || isClosed) return;
      await within(`${count} times ReadyForQuery`, new Promise<void>((resolve) => (wake = resolve)));
    },
    close: () => socket.destroy(),
  };
}
