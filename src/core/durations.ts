// Durations and sizes as people write them: `500ms`, `30s`, `10m`, `2h`, `7d`; `512B`, `64kB`, `1MB`.

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitBytes: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

export const durationForm = 'a duration like 500ms, 30s, 10m, 2h or 7d';
export const sizeForm = 'a size like 512B, 64kB or 1MB';

/** Milliseconds, or undefined when the text is no duration. A number without a unit is none: nobody can tell what was meant. */
export function parseDuration(text: string): number | undefined {
  return scaled(/^(\d{1,10})(ms|s|m|h|d)$/.exec(text), unitMs);
}

/** Bytes, or undefined when the text is no size. Units count 1024, as Postgres counts them. */
export function parseSize(text: string): number | undefined {
  return scaled(/^(\d{1,10})(B|kB|MB|GB)$/.exec(text), unitBytes);
}

export function durationText(ms: number): string {
  return inLargestUnit(ms, unitMs, 'ms');
}

export function sizeText(bytes: number): string {
  return inLargestUnit(bytes, unitBytes, 'B');
}

function scaled(match: RegExpExecArray | null, units: Readonly<Record<string, number>>): number | undefined {
  const unit = units[match?.[2] ?? ''];
  const amount = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** The largest unit that divides without a rest, so that the text reads back as the same number. */
function inLargestUnit(amount: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const fitting = Object.entries(units).filter(([, size]) => amount >= size && amount % size === 0);
  const [unit, size] = fitting.at(-1) ?? [smallest, 1];
  return `${amount / size}${unit}`;
}
