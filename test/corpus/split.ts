// psql scripts to single statements, by psql's own rules: quotes, dollar quotes, comments, parentheses, BEGIN ATOMIC bodies,
// backslash commands, and the data of COPY … FROM STDIN. Statements with psql variables are left out: only psql can fill them.

export function splitScript(text: string): readonly string[] {
  return new Splitter(text).run();
}

const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const variable = /:(?:\{\?)?(['"]?)[A-Za-z_]\w*\1/y;

class Splitter {
  readonly #text: string;
  readonly #found: string[] = [];
  #at = 0;
  #from = 0;
  #depth = 0;
  #words: string[] = [];
  #begun = 0;
  #variables = false;
  /** Set by `\set` and kin somewhere above: then `:name` is a variable, not a slice. */
  #sets = false;

  constructor(text: string) {
    this.#text = text;
  }

  run(): readonly string[] {
    while (this.#at < this.#text.length) this.#step();
    this.#flush();
    return this.#found;
  }

  #step(): void {
    const char = this.#text[this.#at] ?? '';
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (two === '--') this.#at = this.#endOf('\n', this.#at);
    else if (two === '/*') this.#comment();
    else if (char === "'")
      this.#quoted("'", /[eE]$/.test(this.#words.at(-1) ?? '') && /[eE]/.test(this.#text[this.#at - 1] ?? ''));
    else if (char === '"') this.#quoted('"', false);
    else if (char === '$') this.#dollar();
    else if (char === '\\') this.#command();
    else if (two === '::') this.#at += 2;
    else if (char === ':') this.#colon();
    else if (char === '(' || char === ')') this.#parenthesis(char);
    else if (char === ';') this.#semicolon();
    else this.#wordOrChar();
  }

  #wordOrChar(): void {
    word.lastIndex = this.#at;
    const found = word.exec(this.#text)?.[0];
    if (found === undefined) {
      this.#at += 1;
      return;
    }
    this.#at += found.length;
    this.#words.push(found.toLowerCase());
    if (this.#depth === 0) this.#atomic(found.toLowerCase());
  }

  /** CREATE FUNCTION … BEGIN ATOMIC … END holds semicolons. */
  #atomic(found: string): void {
    const head = this.#words.slice(0, 4).join(' ');
    if (!/^create (or replace )?(function|procedure)/.test(head)) return;
    if (found === 'begin' || (found === 'case' && this.#begun > 0)) this.#begun += 1;
    else if (found === 'end' && this.#begun > 0) this.#begun -= 1;
  }

  #comment(): void {
    let depth = 0;
    do {
      const two = this.#text.slice(this.#at, this.#at + 2);
      if (two === '/*') depth += 1;
      if (two === '*/') depth -= 1;
      this.#at += two === '/*' || two === '*/' ? 2 : 1;
    } while (depth > 0 && this.#at < this.#text.length);
  }

  #quoted(quote: string, escapes: boolean): void {
    this.#at += 1;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at];
      if (escapes && char === '\\') this.#at += 1;
      else if (char === quote && this.#text[this.#at + 1] === quote) this.#at += 1;
      else if (char === quote) break;
      this.#at += 1;
    }
    this.#at += 1;
  }

  #dollar(): void {
    dollarTag.lastIndex = this.#at;
    const tag = dollarTag.exec(this.#text)?.[0];
    if (tag === undefined) this.#at += 1;
    else this.#at = this.#endOf(tag, this.#at + tag.length) + tag.length;
  }

  #colon(): void {
    variable.lastIndex = this.#at;
    const found = variable.exec(this.#text);
    if (found !== null && (found[1] !== '' || this.#sets)) this.#variables = true;
    this.#at += 1;
  }

  #parenthesis(char: string): void {
    this.#depth = Math.max(0, this.#depth + (char === '(' ? 1 : -1));
    this.#at += 1;
  }

  #semicolon(): void {
    if (this.#depth === 0 && this.#begun === 0) this.#flush();
    this.#at += 1;
    if (this.#words.length === 0) this.#from = this.#at;
  }

  /** `\;` joins statements; `\g` and kin end one; everything else is a line of psql's own. */
  #command(): void {
    if (this.#text[this.#at + 1] === ';') {
      this.#at += 2;
      return;
    }
    const end = this.#endOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end);
    if (/^\\(set|gset|getenv|prompt)/.test(line)) this.#sets = true;
    if (/\\(g|gx|gset|gexec|gdesc|crosstabview|watch|bind|parse|sendpipeline)\b/.test(line)) this.#flush();
    this.#at = end;
    if (this.#words.length === 0) this.#from = end;
  }

  #flush(): void {
    const sql = this.#text.slice(this.#from, this.#at).trim();
    const isCopyIn = this.#words[0] === 'copy' && /\bfrom\s+(stdin|pstdin)\b/i.test(sql);
    if (this.#words.length > 0 && !this.#variables) this.#found.push(sql);
    if (isCopyIn) this.#skipData();
    this.#from = this.#at + 1;
    this.#words = [];
    this.#depth = this.#begun = 0;
    this.#variables = false;
  }

  #skipData(): void {
    const end = /^\\\.$/m.exec(this.#text.slice(this.#at));
    if (end !== null) this.#at += end.index + 2;
  }

  #endOf(what: string, from: number): number {
    const end = this.#text.indexOf(what, from);
    return end === -1 ? this.#text.length : end;
  }
}
