// Reading without a fresh 64 kB for each read: every socket of the process is read into one slab, and what came is copied out of it at
// once, into memory of its own size. Allocating, cutting down and collecting the big pieces cost more than the copies do.
import type { OnReadOpts } from 'node:net';

/** As much as Node itself reads at once. */
const slab = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * For `onread`. Reading and this callback are one step of the event loop, so that no other socket's bytes can come in between.
 * `push` is the socket's own: to whoever reads, pauses or pipes it, it stays the stream that it was.
 */
export function readThroughSlab(push: (chunk: Buffer) => boolean): OnReadOpts {
  return {
    buffer: slab,
    callback: (bytes) => {
      const chunk = Buffer.allocUnsafe(bytes);
      slab.copy(chunk, 0, 0, bytes);
      return push(chunk);
    },
  };
}
