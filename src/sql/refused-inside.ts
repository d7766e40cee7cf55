// The server's refusal of a query that stands inside another statement, made into its refusal of that statement: the same words, with the
// place counted from the statement's own beginning. Nothing runs for it, so whoever sends what cannot run learns nothing but that.

/** Field of ErrorResponse: the cursor position, counted in characters from one. */
const position = 'P'.charCodeAt(0);
const headerBytes = 5;

export interface Placed {
  /** The statement as it was sent, and the query of it that the server was asked about. */
  readonly whole: string;
  readonly inner: string;
}

/** Raised where a query is rewritten: rules or policies that lead back to themselves, rules that do not fit, views that cannot be written. */
const ofRewriting: ReadonlySet<string> = new Set(['42P17', '0A000', '55000']);

/** CREATE VIEW only analyses its query; what is wrong with rewriting it is said to whoever reads the view. */
export function isOfWhole(probed: { readonly sqlState: string }, probe: { readonly rewritten?: 'later' }): boolean {
  return probe.rewritten === undefined || !ofRewriting.has(probed.sqlState);
}

export function refusedInside({ frame }: { readonly frame: Buffer }, placed: Placed) {
  const why = 'the server refuses the query inside it';
  return { kind: 'serverAnswers', why, error: refusalOfWhole(frame, placed) } as const;
}

function refusalOfWhole(frame: Buffer, placed: Placed): Buffer {
  const parts: Buffer[] = [];
  for (let at = headerBytes; at < frame.length && frame[at] !== 0;) {
    const end = frame.indexOf(0, at);
    if (end < 0) return frame;
    const field = frame.subarray(at, end + 1);
    parts.push(frame[at] === position ? movedPosition(field, placed) : field);
    at = end + 1;
  }
  const body = Buffer.concat([...parts, Buffer.from([0])]);
  const head = Buffer.from(frame.subarray(0, headerBytes));
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function movedPosition(field: Buffer, placed: Placed): Buffer {
  const from = Number(field.toString('latin1', 1, field.length - 1));
  return Number.isSafeInteger(from) ? Buffer.from(`P${moved(from, placed)}\0`, 'latin1') : field;
}

/** What was cut out is the last of its like: nothing of a statement stands behind its query but a bracket and options. */
function moved(from: number, { whole, inner }: Placed): number {
  const at = whole.lastIndexOf(inner);
  if (at >= 0) return from + lengthOf(whole.slice(0, at));
  // Something was left out in the middle: before it places are the same, behind it they are counted from the end.
  const letters = [...whole];
  const same = [...inner].findIndex((letter, index) => letter !== letters[index]);
  return from <= same ? from : from + lengthOf(whole) - lengthOf(inner);
}

/** The server counts letters, not units of UTF-16. */
const lengthOf = (text: string): number => [...text].length;
