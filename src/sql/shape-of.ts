// Which texts are alike: the same statement with other values.
import type { AnalysedStatement } from './analyse.ts';
import type { ReadStatement } from './reading.ts';
import { ShapeScanner } from './shape.ts';

/** Of one statement that is known: with its literals out where they do not matter, else as it is (parameters may differ). */
export function shapeOf(
  sql: Buffer,
  [only, ...more]: readonly AnalysedStatement[],
  statements: readonly ReadStatement[],
): string | undefined {
  if (only === undefined || more.length > 0 || statements.some((one) => one.analysis.unknowns.length > 0))
    return undefined;
  const shape = only.inert ? scanner.keyOf(sql) : undefined;
  return shape === undefined ? `text ${sql.toString('latin1')}` : `shape ${shape}`;
}

const scanner = new ShapeScanner();
