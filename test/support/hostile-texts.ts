// Texts made to hurt a reader of SQL, drawn by a seed: overflows, floods, things without end, half characters. Used by the test, the
// corpus and the bench, so that all three mean the same.

/** A small generator of our own, so that a failure can be played again. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const pieces =
  "' '' \" $$ $a$ E'\\' /* */ -- \n ( ) [ ] , ; select from where 1 ::int + - * union values case when then with as not in null \0 \u202e é 🙂 \ud800 U&\"".split(
    ' ',
  );

/** Small and ugly, all but one in two hundred; the rest are long and made to cost. */
export function hostileText(next: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  if (next() < 0.995)
    return Array.from({ length: 1 + Math.floor(next() * 60) }, () => pick(pieces)).join(next() < 0.5 ? ' ' : '');
  const n = 20_000;
  return pick([
    `select 1${'+1'.repeat(6 * n)}`,
    `select 1${'::int'.repeat(2 * n)}`,
    `select ${'/*'.repeat(n)}`,
    `select ${'('.repeat(n)}`,
    `select 1 ${'+'.repeat(n)} 1`,
    `select ${'case when 1 then '.repeat(n / 2)}`,
    `select 1 from a${' join a on true'.repeat(n / 2)}`,
    `select 1${' union select 1'.repeat(n / 2)}`,
    `select '${'x'.repeat(10 * n)}'`,
    `select 1 in (${'1,'.repeat(5 * n)}1)`,
    'select 1;'.repeat(n),
    `select ${'- '.repeat(5 * n)}1`,
  ]);
}

export const honestText =
  'select o.id, c.name from orders o join customers c on c.id = o.customer where o.total > 5 order by o.id limit 10';

export function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0;
}
