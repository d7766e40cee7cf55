// Closing an upstream connection that may still be running something. Postgres does not look at its socket while it works, so a
// connection that is simply dropped goes on for as long as its statement does. And one cancel is not enough: when it arrives just
// before the statement does, Postgres ignores it. So: goodbye, then cancel until the server has closed the connection itself.
import type { Socket } from 'node:net';
import { encodeClientMessage } from '../wire/client-messages.ts';

const goodbye = encodeClientMessage({ kind: 'terminate' });
/** 16 cancels over about five minutes; a server that has not answered by then is not there. */
const firstPauseMs = 100;
const triesMax = 16;

export function farewell(socket: Socket, cancel: () => void): void {
  if (socket.destroyed) return;
  let [tries, pauseMs] = [0, firstPauseMs];
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    tries += 1;
    if (tries > triesMax) socket.destroy();
    else {
      cancel();
      timer = setTimeout(again, pauseMs);
      timer.unref();
      pauseMs = Math.min(pauseMs * 2, 30_000);
    }
  };
  socket.removeAllListeners('data');
  socket.on('error', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end(goodbye);
  again();
}
