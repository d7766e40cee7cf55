// Small things written as bytes where a line is put together. Each gives the new end; the caller has seen to room.
//
// Loops, since most pieces are of a few bytes: a call into the program's native half for each would cost more than the bytes.

const zero = 0x30;
/** Below it digits are worked out in 32 bits. */
const smallMax = 2 ** 31;
/** From here on a loop over bytes costs more than one call. */
const longBytes = 48;

export function putPiece(out: Buffer, end: number, piece: Uint8Array): number {
  if (piece.length >= longBytes) out.set(piece, end);
  else for (let at = 0; at < piece.length; at += 1) out[end + at] = piece[at] ?? 0;
  return end + piece.length;
}

export function putText(out: Buffer, end: number, text: string): number {
  return end + out.write(text, end, 'utf8');
}

/** As JSON says a number; what it cannot say is a defect of ours. */
export function putNumber(out: Buffer, end: number, value: number): number {
  if (value >= 0 && value < smallMax && Number.isInteger(value)) return putDigits(out, end, value);
  return putText(out, end, numberText(value));
}

/** A duration of whole microseconds, which is what is measured: printing a fraction the general way takes ten times as long. */
export function putMillis(out: Buffer, end: number, value: number): number {
  const micros = Math.round(value * 1000);
  // Equal to the nearest fraction of three digits, so these digits are the shortest that say it.
  if (!(micros >= 0 && micros < smallMax && micros / 1000 === value)) return putNumber(out, end, value);
  const whole = Math.floor(micros / 1000);
  const rest = micros - whole * 1000;
  let at = putDigits(out, end, whole);
  if (rest === 0) return at;
  out[at++] = 0x2e;
  out[at++] = zero + Math.floor(rest / 100);
  if (rest % 100 === 0) return at;
  out[at++] = zero + (Math.floor(rest / 10) % 10);
  if (rest % 10 === 0) return at;
  out[at++] = zero + (rest % 10);
  return at;
}

export function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error('an audit record holds finite numbers only');
  return String(value === 0 ? 0 : value);
}

function putDigits(out: Buffer, start: number, value: number): number {
  let end = start + 1;
  for (let bound = 10; value >= bound; bound *= 10) end += 1;
  let rest = value | 0;
  for (let at = end - 1; at >= start; at -= 1) {
    const tenth = (rest / 10) | 0;
    out[at] = zero + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}
