// Ports that nobody listens on right now. One may be taken a moment later: who uses it must be able to try again.
import { createServer } from 'node:net';

/** Any free port. */
export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === undefined) throw new Error('the system has no free port');
  return port;
}

/** The first free port from `port` on, looking at twenty; undefined when all are taken. */
export async function nextFreePort(port: number): Promise<number | undefined> {
  for (let candidate = port; candidate < port + 20 && candidate <= 65_535; candidate++) {
    if ((await tryPort(candidate)) !== undefined) return candidate;
  }
  return undefined;
}

export async function isFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== undefined;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const got = address === null || typeof address === 'string' ? undefined : address.port;
      server.close(() => settle(got));
    });
  });
}
