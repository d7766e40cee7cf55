// Fills a new cluster with SQL through the socket in its private folder, as the superuser and without a password.
// (Single-user mode would need no client at all, but what it makes counts as built in: row security and pg_dump pass it by.)
// Knows as much of the protocol as that takes: a start-up, one Query at a time, and what an error says.
import { existsSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

export interface Filling {
  readonly database: string;
  readonly sql: string;
}

/** A mark in the data folder says that the filling went to its end, so that a half-made kept cluster is not taken for a whole one. */
export async function fillOnce(
  fillings: readonly Filling[],
  place: { readonly base: string; readonly data: string; readonly port: number },
): Promise<void> {
  const [begun, done] = [join(place.data, 'countersign.begun'), join(place.data, 'countersign.done')];
  if (fillings.length === 0 || existsSync(done)) return;
  if (existsSync(begun))
    throw new Error(`${place.data} was left half made by an earlier start (remove it and start again)`);
  writeFileSync(begun, '');
  for (const filling of fillings) await run(filling, join(place.base, `.s.PGSQL.${place.port}`));
  writeFileSync(done, '');
}

async function run({ database, sql }: Filling, path: string): Promise<void> {
  const socket = connect(path);
  socket.write(startUp({ user: 'postgres', database }));
  try {
    await untilReady(socket);
    socket.write(frame('Q', Buffer.from(`${sql}\0`)));
    await untilReady(socket);
  } finally {
    socket.destroy();
  }
}

/** Settles at ReadyForQuery, fails at the first error. */
function untilReady(socket: Socket): Promise<void> {
  return new Promise((settle, fail) => {
    let rest: Buffer = Buffer.alloc(0);
    const end = (error?: Error): void => {
      socket.off('data', take).off('close', closed).off('error', end);
      if (error === undefined) settle();
      else fail(error);
    };
    const closed = (): void => end(new Error('Postgres closed the connection while it was being filled'));
    const take = (chunk: Buffer): void => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
        const size = 1 + rest.readInt32BE(1);
        const [tag, body] = [rest.toString('latin1', 0, 1), rest.subarray(5, size)];
        rest = rest.subarray(size);
        if (tag === 'E') return end(new Error(`the sample database could not be made: ${messageOf(body)}`));
        if (tag === 'R' && body.readInt32BE(0) !== 0)
          return end(new Error('Postgres asks for a password on its own socket'));
        if (tag === 'Z') return end();
      }
    };
    socket.on('data', take).on('close', closed).on('error', end);
  });
}

/** Fields of an ErrorResponse: a letter, a text, a zero byte; `M` is the message. */
function messageOf(body: Buffer): string {
  const fields = body.toString('utf8').split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'no message';
}

function startUp(parameters: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(3 << 16, 4); // Protocol 3.0.
  return Buffer.concat([head, body]);
}

function frame(tag: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
