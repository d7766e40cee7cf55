// Tags in comments, as sqlcommenter writes them: /*reason='weekly%20report',ticket='A-1'*/. They are the agent's words, unverified.
import { isComment, tokensOf } from './lexer.ts';

const tagsMax = 32;
const valueCharactersMax = 500;
const pair = /\s*([A-Za-z0-9_.%-]{1,64})\s*=\s*'((?:[^'\\]|\\.){0,2000})'\s*(?:,|$)/y;

/** The first value of each key, in any comment of the text that is nothing but tags. */
export function commentTags(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const token of tokensOf(text)?.filter(isComment) ?? []) {
    const raw = text.slice(token.start, token.end);
    const inner = raw.startsWith('--') ? raw.slice(2) : raw.slice(2, -2);
    for (const [key, value] of tagsOf(inner.trim())) {
      if (tags.size < tagsMax && !tags.has(key)) tags.set(key, value);
    }
  }
  return tags;
}

function tagsOf(inner: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (let at = 0; at < inner.length; at = pair.lastIndex) {
    pair.lastIndex = at;
    const match = pair.exec(inner);
    if (match === null) return [];
    found.push([
      decoded(match[1] ?? ''),
      decoded((match[2] ?? '').replace(/\\(.)/g, '$1')).slice(0, valueCharactersMax),
    ]);
  }
  return found;
}

/** A value that is not percent-encoded well is taken as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (thrown) {
    if (thrown instanceof URIError) return text;
    throw thrown;
  }
}
