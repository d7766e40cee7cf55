// The result formats at the end of a Bind message, behind the parameters. Read only where somebody has to look into rows.
import { Cursor } from '../wire/cursor.ts';

/** `rest`: what Bind carries behind the two names. None: all text. One: for all. Else one for each column. */
export function bindFormats(rest: Buffer): readonly number[] {
  const cursor = new Cursor(rest);
  cursor.list(2, (item) => item.int16());
  cursor.list(4, (item) => item.value());
  const formats = cursor.list(2, (item) => item.int16());
  cursor.end();
  return formats;
}
