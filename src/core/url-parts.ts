// Pieces of URLs that are read by hand: escapes, and options behind the question mark.

/** A broken escape comes back as a zero byte, which no part of a URL may hold anyway. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part).includes('\0') ? '\0' : decodeURIComponent(part);
  } catch {
    return '\0';
  }
}

export function queryOf(text: string | undefined): ReadonlyMap<string, string> | undefined {
  const query = new Map<string, string>();
  for (const pair of (text ?? '').split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const [key, value] = [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
    // The second of two equal options would quietly win: `sslmode=verify-full&sslmode=disable`.
    if (at < 1 || key === '\0' || value === '\0' || query.has(key)) return undefined;
    query.set(key, value);
  }
  return query;
}
