// When the server may be asked about a text while the worker still reads it, and what it means when the server refuses that text. Asking
// only parses: an agent may send the same Parse itself, unjudged. What matters is that the answer is about one statement and the whole text.
import type { Probed, Reading } from './reading.ts';
import { ShapeScanner } from './shape.ts';

type ProbeError = Extract<Probed, { readonly kind: 'error' }>;

const scanner = new ShapeScanner();

/** By its shape, in which no literal and no comment can hide a second statement: a query that ends where its text ends. */
const queryShape = /^\s*(?:select|with|values|insert|update|delete)\b[^;]*;?\s*$/i;

export function isPlainQuery(sql: Buffer): boolean {
  const shape = scanner.keyOf(sql);
  return shape !== undefined && queryShape.test(shape);
}

/** For sure, and it will say so itself. */
export function refusedBy(why: string): Reading {
  return { kind: 'serverAnswers', why, error: undefined };
}

/** It has said so, in this frame. */
export function refusedIn(
  { frame }: Pick<ProbeError, 'frame'>,
  why: string,
): Extract<Reading, { kind: 'serverAnswers' }> {
  return { kind: 'serverAnswers', why, error: frame };
}

/** `cannot insert multiple commands into a prepared statement`, in whatever language, stands in this function of the server. */
export function isAboutSeveral({ sqlState, frame }: ProbeError): boolean {
  return sqlState === '42601' && frame.includes('\0Rexec_parse_message\0', 0, 'latin1');
}

/** Kinds of effects: of what a failed transaction may end by. */
export const endsTransaction: readonly string[] = ['transaction', 'savepoint', 'unsure'];
