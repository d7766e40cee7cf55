// Chunks straight from a socket to who hears them. On its usual way each chunk goes through the queue of the stream, an event, and a task of
// the next tick that asks whether more should be read; for a chunk that nobody keeps waiting all of that is for nothing, and it is most of
// what a read costs in the program.
//
// The stream stays what it was: while it is paused, or still has something in its queue, chunks take the usual way, so that order, limits and
// pauses are the stream's own.
import type { Socket } from 'node:net';

/** `push` is how whoever reads from the system gives a stream its chunks. Gives what stops the hearing. */
export function hear(socket: Socket, take: (chunk: Buffer) => void): () => void {
  const push = socket.push.bind(socket);
  socket.on('data', take);
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!Buffer.isBuffer(chunk) || socket.readableFlowing !== true || socket.readableLength > 0) {
      return push(chunk, encoding);
    }
    take(chunk);
    return true;
  };
  return () => {
    socket.off('data', take);
    socket.push = push;
  };
}
