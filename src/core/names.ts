// SQL names as people write them, and as one string that can be compared.

/** What Postgres prints without quotes: lower-case ASCII, digits, `_` and `$`. (Key words are quoted by Postgres; we do not.) */
const plain = /^[a-z_][a-z0-9_$]*$/;

/** One identifier as SQL would write it: `customers`, `"Customer Data"`. */
export function quoteName(name: string): string {
  return plain.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A dotted name as SQL would write it: `public.customers.email`. */
export function dotted(...parts: readonly string[]): string {
  return parts.map(quoteName).join('.');
}

/**
 * `public."Customer Data".ssn` → its parts, or undefined when it is not a name.
 * Unquoted parts fold only A-Z: JavaScript's toLowerCase would fold KELVIN SIGN to k, Postgres does not.
 */
export function parseDotted(text: string): readonly string[] | undefined {
  const parts: string[] = [];
  const part = /\s*(?:"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))\s*(\.|$)/y;
  let at = 0;
  for (;;) {
    part.lastIndex = at;
    const match = part.exec(text);
    if (match === null) return undefined;
    parts.push(match[1] === undefined ? foldAscii(match[2] ?? '') : match[1].replaceAll('""', '"'));
    at = part.lastIndex;
    if (match[3] === '') return parts;
  }
}

export function foldAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
