// Names with stars, as rules write them: `shop.public.customers.email`, `*.hr.*`, `"Odd Name".*`. Matching is linear: no regular
// expression is made of what stands in a file.
import { foldAscii } from '../core/names.ts';

export type PartMatcher = (name: string) => boolean;

/** `shop.public."Odd Name".*` → one matcher per part; undefined when it is no such name. Quoted parts are taken literally. */
export function parseGlob(text: string): readonly PartMatcher[] | undefined {
  const part = /(?:"((?:[^"]|"")*)"|([^".\s]+))(\.|$)/y;
  const parts: PartMatcher[] = [];
  for (let at = 0; ; at = part.lastIndex) {
    part.lastIndex = at;
    const match = part.exec(text);
    if (match === null) return undefined;
    const [, quoted, bare, end] = match;
    parts.push(quoted === undefined ? wildMatcher(foldAscii(bare ?? '')) : exactly(quoted.replaceAll('""', '"')));
    if (end === '') return parts;
  }
}

export function wildMatcher(pattern: string): PartMatcher {
  if (!pattern.includes('*')) return exactly(pattern);
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    const end = name.length - last.length;
    for (const piece of middle) {
      const found = name.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

function exactly(text: string): PartMatcher {
  return (name) => name === text;
}
