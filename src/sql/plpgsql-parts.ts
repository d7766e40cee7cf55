// What every rule of the plpgsql reader needs: names of variables, and handing on expressions, queries and types as SQL texts.
import { NotRead, semicolon, words, type Tokens } from './plpgsql-tokens.ts';

/** pl_reserved_kwlist.h: never a variable. */
const reserved = new Set(
  'all begin by case declare else end execute for foreach from if in into loop not null or strict then to using when while'.split(
    ' ',
  ),
);

/** By the first word of a statement. */
export const rules = {
  declare: 'block',
  begin: 'block',
  if: 'if',
  case: 'case',
  loop: 'loop',
  while: 'while',
  for: 'for',
  foreach: 'foreach',
  exit: 'exit',
  continue: 'exit',
  return: 'return',
  raise: 'raise',
  assert: 'assert',
  perform: 'perform',
  get: 'diagnostics',
  open: 'open',
  fetch: 'fetch',
  move: 'fetch',
  close: 'close',
  null: 'null',
  execute: 'never',
  call: 'never',
  do: 'never',
  commit: 'never',
  rollback: 'never',
} as const;
export type Rule = (typeof rules)[keyof typeof rules];

export function ruleOf(word: string): Rule | undefined {
  return isRuled(word) ? rules[word] : undefined;
}

function isRuled(word: string): word is keyof typeof rules {
  return Object.hasOwn(rules, word);
}

export class Parts {
  readonly tokens: Tokens;
  readonly sql: string[] = [];
  readonly variables = new Set(['found', 'sqlstate', 'sqlerrm']);
  readonly labels = new Set<string>();
  /** Cursors that the body itself opens. */
  readonly cursors = new Set<string>();

  constructor(tokens: Tokens, parameters: readonly string[]) {
    this.tokens = tokens;
    for (const name of parameters) this.declare(name);
  }

  /** A variable called like a word that begins a statement may be read as either. */
  declare(name: string): void {
    if (reserved.has(name) || ruleOf(name) !== undefined) throw new NotRead(`a variable is called ${name}`);
    if (name !== '') this.variables.add(name);
  }

  expression(ends: (tokens: Tokens) => boolean): void {
    const text = this.tokens.until(ends);
    if (text === '') throw new NotRead('an expression is missing');
    this.sql.push(`SELECT ${text}`);
  }

  query(text: string): void {
    if (text === '') throw new NotRead('a query is missing');
    this.sql.push(text);
  }

  targets(): void {
    do this.target();
    while (this.tokens.takeSign(','));
  }

  /** `name`, `name.field`, `name[1].field`. Only what is a variable of this body can be assigned to. */
  target(): void {
    const { tokens } = this;
    const first = tokens.name();
    if (!this.variables.has(first) && !this.labels.has(first)) throw new NotRead(`${first} is no variable of the body`);
    for (;;) {
      if (tokens.takeSign('.')) tokens.name();
      else if (tokens.takeSign('[')) {
        // A slice has two expressions.
        const subscript = tokens.until((each) => each.peek() === ']');
        this.sql.push(`SELECT (ARRAY[1])[${subscript}]`);
        tokens.wantSign(']');
      } else return;
    }
  }

  /** `(1, x)` behind a cursor. */
  arguments(): void {
    const { tokens } = this;
    if (!tokens.takeSign('(')) return;
    const list = tokens.until((each) => each.peek() === ')');
    if (list.includes(':=') || list.includes('=>')) throw new NotRead('arguments of a cursor by name');
    if (list !== '') this.sql.push(`SELECT ${list}`);
    tokens.wantSign(')');
  }

  ownCursor(): void {
    if (!this.cursors.has(this.tokens.name())) throw new NotRead('a cursor of somebody else');
  }

  /** Turning values into a type may run its checks: the witness is shown the type by a cast. */
  type(text: string): void {
    const bare = text.replace(/%\s*(?:row)?type\s*((?:\[[0-9]*\])*)$/i, '').trim();
    if (bare === '') throw new NotRead('a variable without a type');
    if (bare === text || /%\s*rowtype/i.test(text)) {
      this.sql.push(`SELECT NULL::${bare}`);
      return;
    }
    if (!/^[a-z_][a-z0-9_$]*(?:\s*\.\s*[a-z_][a-z0-9_$]*)*$/i.test(bare))
      throw new NotRead('a type that cannot be read');
    // Of a column: the whole row's type has every type that one of its columns has. Of a variable: it was shown already.
    const parts = bare.split('.').slice(0, -1);
    if (parts.length > 0) this.sql.push(`SELECT NULL::${parts.join('.')}`);
  }

  declaration(): void {
    const { tokens } = this;
    if (tokens.takeWord('declare')) return;
    const name = tokens.name();
    this.declare(name);
    if (tokens.takeWord('alias')) {
      tokens.wantWord('for');
      if (tokens.peekKind() === 'parameter') tokens.skip();
      else this.target();
      return tokens.wantSign(';');
    }
    const scrolls = tokens.isWord('scroll') ? 1 : tokens.isWord('no') && tokens.isWord('scroll', 1) ? 2 : 0;
    if (tokens.isWord('cursor', scrolls)) {
      tokens.skip(scrolls + 1);
      return this.#cursor(name);
    }
    tokens.takeWord('constant');
    this.type(tokens.until(isTypeEnd));
    if (tokens.takeWord('collate')) while (!isTypeEnd(tokens) && !tokens.atEnd) tokens.skip();
    if (tokens.takeWord('not')) tokens.wantWord('null');
    if (tokens.takeWord('default') || tokens.takeSign(':=') || tokens.takeSign('=')) this.expression(semicolon);
    tokens.wantSign(';');
  }

  #cursor(name: string): void {
    const { tokens } = this;
    this.cursors.add(name);
    if (tokens.takeSign('(')) {
      do {
        this.declare(tokens.name());
        this.type(tokens.until((each) => each.peek() === ',' || each.peek() === ')'));
      } while (tokens.takeSign(','));
      tokens.wantSign(')');
    }
    if (!tokens.takeWord('is')) tokens.wantWord('for');
    this.query(tokens.until(semicolon));
    tokens.wantSign(';');
  }

  /** Something of SQL. INTO names variables wherever it stands, but for INSERT INTO and MERGE INTO. */
  sqlStatement(): void {
    const { tokens } = this;
    if (tokens.peekKind() !== 'word') throw new NotRead('a statement that cannot be read');
    const head = tokens.until((each) => semicolon(each) || isInto(each));
    if (tokens.takeSign(';')) return this.query(head);
    tokens.skip();
    tokens.takeWord('strict');
    this.targets();
    const tail = tokens.until((each) => semicolon(each) || isInto(each));
    this.query(`${head} ${tail}`);
    tokens.wantSign(';');
  }
}

function isTypeEnd(tokens: Tokens): boolean {
  const isAssign = tokens.isSign(':=') || tokens.peek() === '=';
  return isAssign || semicolon(tokens) || words('default', 'not', 'collate')(tokens);
}

const isInto = (tokens: Tokens): boolean =>
  tokens.isWord('into') && !tokens.isWord('insert', -1) && !tokens.isWord('merge', -1);
