// Checkpoints into a file elsewhere: a mounted share, a disk that only appends. One behind the other, so that the file is a history.
import { open } from 'node:fs/promises';
import type { CheckpointTarget } from './publisher.ts';

export function fileTarget(options: { readonly name: string; readonly path: string }): CheckpointTarget {
  return {
    name: options.name,
    publish: async ({ text }) => {
      const file = await open(options.path, 'a', 0o644);
      try {
        await file.appendFile(text);
        await file.datasync();
        return { kind: 'taken' };
      } finally {
        await file.close();
      }
    },
  };
}
