// What the road was meant to reach, held against what a run of the bench found. The words follow from the figures.
import type { Row } from './road.ts';

interface Aim {
  readonly words: string;
  /** Which rows it is about, by how they are called. */
  readonly of: RegExp;
  readonly against: 'PgBouncer' | 'direct';
  readonly least: number;
}

const aims: readonly Aim[] = [
  {
    words: 'statements a second as PgBouncer, 8 and 32 clients',
    of: /^(?:simple|extended|prepared), (?:8|32) /,
    against: 'PgBouncer',
    least: 1,
  },
  {
    words: 'the same at 1 client, where the rate is the latency',
    of: /^(?:simple|extended|prepared), 1 /,
    against: 'PgBouncer',
    least: 1,
  },
  { words: 'a million rows at 0.95 of direct', of: /^1,000,000 rows/, against: 'direct', least: 0.95 },
  {
    words: 'connections a second at half of PgBouncer’s, pool warm',
    of: /^a connection/,
    against: 'PgBouncer',
    least: 0.5,
  },
];
const idleMegabytesMax = 150;

export function aimsTable(rows: readonly Row[], idleMegabytes: number): readonly string[] {
  const idle = `${idleMegabytes <= idleMegabytesMax ? 'reached' : '**missed**'}: ${idleMegabytes} MB`;
  return [
    '| aim | this run |',
    '|---|---|',
    ...aims.map((aim) => `| ${aim.words} | ${reached(aim, rows)} |`),
    `| 1,000 idle connections in ${idleMegabytesMax} MB | ${idle} |`,
  ];
}

function reached({ of, against, least }: Aim, rows: readonly Row[]): string {
  const ratios = rows.flatMap(({ what, medians }) => {
    const [ours, theirs] = [medians.get('Countersign'), medians.get(against)];
    return of.test(what) && ours !== undefined && theirs !== undefined ? [ours / theirs] : [];
  });
  if (ratios.length === 0) return `not measured: no ${against} here`;
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
  const range = low === high ? low : `${low} to ${high}`;
  return `${Math.min(...ratios) >= least ? 'reached' : '**missed**'}: ${range}`;
}
