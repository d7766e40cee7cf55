// What a Bind message carries behind its two names. Read only where somebody has to look into rows, or to ask about these values.
import { Cursor } from '../wire/cursor.ts';

export interface BoundValues {
  readonly formats: readonly number[];
  readonly parameters: readonly (Buffer | null)[];
}

export function boundValues(rest: Buffer): BoundValues {
  const cursor = new Cursor(rest);
  const formats = cursor.list(2, (item) => item.int16());
  return { formats, parameters: cursor.list(4, (item) => item.value()) };
}

/** The result formats at its end. `rest`: what Bind carries behind the two names. None: all text. One: for all. Else one for each column. */
export function bindFormats(rest: Buffer): readonly number[] {
  const cursor = new Cursor(rest);
  cursor.list(2, (item) => item.int16());
  cursor.list(4, (item) => item.value());
  const formats = cursor.list(2, (item) => item.int16());
  cursor.end();
  return formats;
}
