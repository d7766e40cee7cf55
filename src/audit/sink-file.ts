// The plainest sinks: another file (a mounted share, a pipe's other end), and the standard output for whoever collects it.
import { open } from 'node:fs/promises';
import type { LoggedRecord } from './record.ts';
import type { Delivery, Sink } from './sink.ts';
import { jsonWords } from './words.ts';

const limits = { recordsMax: 1_000, bytesMax: 1024 * 1024, lingerMs: 0 } as const;

/** `form`: the record as it is, or another shape of it (OCSF). */
export type RecordForm = (origin: string, record: LoggedRecord) => unknown;

export const plainForm: RecordForm = (_, record) => record;

export function fileSink(options: { readonly name: string; readonly path: string; readonly form?: RecordForm }): Sink {
  const form = options.form ?? plainForm;
  return {
    name: options.name,
    limits,
    deliver: async ({ origin, records }): Promise<Delivery> => {
      const file = await open(options.path, 'a', 0o600);
      try {
        await file.appendFile(records.map((record) => `${jsonWords(form(origin, record))}\n`).join(''));
        await file.datasync();
        return { kind: 'taken' };
      } finally {
        await file.close();
      }
    },
  };
}

export function streamSink(options: {
  readonly name: string;
  readonly stream: NodeJS.WritableStream;
  readonly form?: RecordForm;
}): Sink {
  const form = options.form ?? plainForm;
  return {
    name: options.name,
    limits,
    deliver: ({ origin, records }) =>
      new Promise((resolve) => {
        const text = records.map((record) => `${jsonWords(form(origin, record))}\n`).join('');
        options.stream.write(text, (error) => {
          resolve(error == null ? { kind: 'taken' } : { kind: 'later', why: error.message });
        });
      }),
  };
}
