// One row of a schema query, taken field by field in order. Anything of another type is an error that names the query and field.

export class SchemaRow {
  readonly #part: string;
  readonly #fields: readonly unknown[];
  #at = 0;

  constructor(part: string, row: unknown) {
    if (!Array.isArray(row)) throw new Error(`the schema query ${part} gave a row that is no list`);
    this.#part = part;
    this.#fields = row;
  }

  number(): number {
    const value = this.#next();
    return typeof value === 'number' ? value : this.#wrong('a number', value);
  }

  text(): string {
    const value = this.#next();
    return typeof value === 'string' ? value : this.#wrong('text', value);
  }

  maybeText(): string | undefined {
    const value = this.#next();
    if (value === null) return undefined;
    return typeof value === 'string' ? value : this.#wrong('text or null', value);
  }

  yes(): boolean {
    const value = this.#next();
    return typeof value === 'boolean' ? value : this.#wrong('true or false', value);
  }

  /** A one-letter code of the catalogs, by its table of words. */
  word<T>(words: Readonly<Record<string, T>>): T {
    const value = this.#next();
    const found = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined;
    return found ?? this.#wrong(`one of ${Object.keys(words).join(' ')}`, value);
  }

  /** Null counts as an empty list. */
  numbers(): readonly number[] {
    return this.maybeNumbers() ?? [];
  }

  maybeNumbers(): readonly number[] | undefined {
    const value = this.#next();
    if (value === null) return undefined;
    return isListOf(value, isNumber) ? value : this.#wrong('numbers', value);
  }

  texts(): readonly string[] {
    const value = this.#next();
    if (value === null) return [];
    return isListOf(value, isText) ? value : this.#wrong('texts', value);
  }

  #next(): unknown {
    const value = this.#fields[this.#at];
    this.#at += 1;
    return value;
  }

  #wrong(wanted: string, value: unknown): never {
    throw new Error(`field ${this.#at} of the schema query ${this.#part} is ${typeof value}, not ${wanted}`);
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isText = (value: unknown): value is string => typeof value === 'string';

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}
