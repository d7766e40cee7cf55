// A secret that cannot be printed by accident: not by string building, JSON, console, a log or an error that carries it.
import { inspect } from 'node:util';

export const hidden = '‹secret›';

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The only way in. Whoever calls it answers for where the text goes. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect.custom](): string {
    return hidden;
  }
}

/** Secrets that have a form of their own are taken out of any text: passwords in URLs, our tokens, Slack's, verifiers. */
const forms: readonly (readonly [RegExp, string])[] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/?#]*:)[^\s/?#]*(?=@)/gi, `$1${hidden}`],
  [/([?&;\s]|^)((?:ssl)?password|token|secret|api_key)=[^\s&;]+/gi, `$1$2=${hidden}`],
  [/\bgate_[A-Za-z0-9]{16,}/g, hidden],
  [/\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}/g, hidden],
  [/SCRAM-SHA-256\$\d+:[^\s"']+/g, hidden],
  [/\b(Bearer\s+)[\w.~+/=-]{8,}/gi, `$1${hidden}`],
];

export function withoutSecrets(text: string): string {
  return forms.reduce((clean, [form, put]) => clean.replace(form, put), text);
}
