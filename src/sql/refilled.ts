// A statement from the record, made to parse again. Its literals were taken out and parameters stand in their places, but the grammar takes
// none in some of them (`varchar($1)`, `COPY t FROM $1`): there a string is tried, then a number. Which one it was is not known, and
// what hangs on a literal (a LIMIT's rows, a name in a string) is not there: whoever judges this knows only the statement's shape.
import { tokensOf, type Token } from './lexer.ts';

const triesMax = 64;

/** Undefined: it cannot be made to parse, or its end was cut off when it was recorded. `errorAt`: where parsing fails, if it does. */
export function refilledText(text: string, errorAt: (text: string) => number | undefined): string | undefined {
  if (text.endsWith(' …')) return undefined;
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  const tried = new Map<Token, number>();
  for (let tries = 0; tries < triesMax; tries += 1) {
    const { filled, places } = fill(text, tokens, tried);
    const at = errorAt(filled);
    if (at === undefined) return filled;
    // The token before which the parser gave up, or the last one it took.
    const wrong = places.findLast((place) => place.start <= at);
    if (wrong === undefined) return undefined;
    const next = (tried.get(wrong.token) ?? 0) + 1;
    if (next >= fillings.length) return undefined;
    tried.set(wrong.token, next);
  }
  return undefined;
}

const fillings = [(token: string): string => token, (): string => `''`, (): string => '1'] as const;

interface Place {
  readonly token: Token;
  /** In the filled text. */
  readonly start: number;
}

function fill(
  text: string,
  tokens: readonly Token[],
  tried: ReadonlyMap<Token, number>,
): { readonly filled: string; readonly places: readonly Place[] } {
  const places: Place[] = [];
  let filled = '';
  for (const token of tokens) {
    const own = text.slice(token.start, token.end);
    if (token.kind === 'parameter') places.push({ token, start: filled.length });
    filled += token.kind === 'parameter' ? (fillings[tried.get(token) ?? 0]?.(own) ?? own) : own;
  }
  return { filled, places };
}
