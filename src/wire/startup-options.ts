// The `options` start-up parameter: command-line switches for the server process, as libpq's PGOPTIONS. Split exactly as Postgres
// does it (pg_split_opts and process_postgres_switches), because a setting that we overlook is a setting that nobody judged.

export type StartupOption =
  | { readonly kind: 'setting'; readonly name: string; readonly value: string }
  /** Any other switch, or one whose form Postgres would refuse. */
  | { readonly kind: 'unknown'; readonly text: string };

/** One unknown switch may take the words behind it along or swallow a setting (`-ec name=value`), so the whole text is not known then. */
export function parseOptions(text: string): readonly StartupOption[] {
  const words = splitWords(text);
  const options: StartupOption[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const next = words[index + 1];
    if (word === '-c') {
      options.push(next === undefined ? unknown(word) : setting(next, `-c ${next}`));
      index += 1;
    } else if (word.startsWith('--')) {
      options.push(setting(word.slice(2), word));
    } else if (word.startsWith('-c')) {
      options.push(setting(word.slice(2), word));
    } else {
      options.push(unknown(word));
    }
  }
  return options;
}

/** Words are parted by white space; a backslash makes the next character part of the word, whatever it is. */
export function splitWords(text: string): readonly string[] {
  return [...text.matchAll(/(?:\\[\s\S]|\\$|[^\\ \t\n\v\f\r])+/g)].map(([word]) => word.replace(/\\([\s\S]|$)/g, '$1'));
}

const unknown = (text: string): StartupOption => ({ kind: 'unknown', text });

/** `name=value`; in the name `-` stands for `_` (ParseLongOption). Without `=` Postgres refuses it. */
function setting(text: string, word: string): StartupOption {
  const equals = text.indexOf('=');
  if (equals <= 0) return unknown(word);
  return { kind: 'setting', name: text.slice(0, equals).replaceAll('-', '_'), value: text.slice(equals + 1) };
}
