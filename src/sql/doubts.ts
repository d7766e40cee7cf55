// What is not known of a statement, said about it: whatever else was found stays, and people see both.
import type { Analysis } from './analysis.ts';
import type { ReadStatement, ReadText } from './reading.ts';

export function doubted(analysis: Analysis, why: string): Analysis {
  return { ...analysis, unknowns: [...analysis.unknowns, { why, at: undefined }] };
}

/** What touches nothing (COMMIT, SET, SHOW) needs no definitions. */
export function inDoubt(text: ReadText, why: string): ReadText {
  const statements = text.statements.map((one): ReadStatement => {
    if (one.analysis.kinds.every((kind) => kind === 'session' || kind === 'transaction')) return one;
    const held = one.held === undefined ? undefined : doubted(one.held, why);
    return { ...one, analysis: doubted(one.analysis, why), held };
  });
  return { ...text, statements };
}

export function withDoubt(one: ReadStatement, why: string): ReadStatement {
  const held = one.held === undefined ? undefined : doubted(one.held, why);
  return { ...one, analysis: doubted(one.analysis, why), held };
}
