// A port that nobody listens on right now. It may be taken a moment later: who uses it must be able to try again.
import { createServer } from 'node:net';

export function freePort(): Promise<number> {
  return new Promise((settle, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') fail(new Error('the system gave no port'));
        else settle(address.port);
      });
    });
  });
}
