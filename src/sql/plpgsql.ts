// A small reader of plpgsql's own block structure (pl_gram.y of 15 to 18). It understands what is around SQL (blocks, loops, branches,
// cursors, exceptions) and hands each statement and expression on as SQL text, for the parser and the witness to read. The parser's
// builds of 15 to 17 have no plpgsql; one reader serves all four majors. Every token belongs to a rule here, or the body is not known:
// dynamic SQL, CALL, transactions, and whatever is written in a way that this file does not have. Where the server would refuse a
// body that is read here, it does not run.
//
// Names of variables are collected for the whole body without regard to blocks. The witness looks for a column first and for a
// variable last: under every setting of plpgsql.variable_conflict that says no less than what is read.
import { assertNever } from '../core/exhaustive.ts';
import { known, notKnown, type Known } from '../core/known.ts';
import { Parts, ruleOf, type Rule } from './plpgsql-parts.ts';
import { NotRead, semicolon, Tokens, words } from './plpgsql-tokens.ts';

export interface PlpgsqlBody {
  /** Each exactly one statement: queries as they stand without INTO, expressions as `SELECT expression`, types as `SELECT NULL::type`. */
  readonly sql: readonly string[];
  readonly variables: readonly string[];
  /** Labels of blocks and loops, which qualify variables. */
  readonly labels: readonly string[];
}

export interface PlpgsqlText {
  readonly body: string;
  /** Names of arguments, results and columns of RETURNS TABLE, and of what a trigger is given. */
  readonly parameters: readonly string[];
  /** A trigger gives its row back to the server, which writes it: that is no reading. */
  readonly returns: 'value' | 'row of a trigger';
}

export function readPlpgsql(text: PlpgsqlText): Known<PlpgsqlBody> {
  try {
    return known(new Reader(text).body());
  } catch (thrown) {
    if (thrown instanceof NotRead) return notKnown(thrown.message);
    if (thrown instanceof RangeError) return notKnown('nested too deeply');
    throw thrown;
  }
}

class Reader {
  readonly #tokens: Tokens;
  readonly #parts: Parts;
  readonly #returns: PlpgsqlText['returns'];

  constructor(text: PlpgsqlText) {
    this.#tokens = new Tokens(text.body);
    this.#parts = new Parts(this.#tokens, text.parameters);
    this.#returns = text.returns;
  }

  body(): PlpgsqlBody {
    const tokens = this.#tokens;
    while (tokens.takeSign('#')) this.#option();
    this.#label();
    this.#block();
    tokens.takeSign(';');
    if (!tokens.atEnd) throw new NotRead('something behind the last END');
    return { sql: this.#parts.sql, variables: [...this.#parts.variables], labels: [...this.#parts.labels] };
  }

  #option(): void {
    const option = this.#tokens.name();
    const value = this.#tokens.name();
    const known = option === 'variable_conflict' || option === 'print_strict_params';
    if (!known) throw new NotRead(`the option ${option} ${value}`);
  }

  #label(): void {
    const tokens = this.#tokens;
    if (!tokens.takeSign('<<')) return;
    this.#parts.labels.add(tokens.name());
    tokens.wantSign('>>');
  }

  /** DECLARE … BEGIN … EXCEPTION … END label, without the semicolon. */
  #block(): void {
    const tokens = this.#tokens;
    if (tokens.takeWord('declare')) while (!tokens.isWord('begin')) this.#parts.declaration();
    tokens.wantWord('begin');
    this.#statements('end', 'exception');
    if (tokens.takeWord('exception')) {
      do {
        tokens.wantWord('when');
        this.#conditions();
        tokens.wantWord('then');
        this.#statements('end', 'when');
      } while (!tokens.isWord('end'));
    }
    tokens.wantWord('end');
    this.#endLabel();
  }

  #endLabel(): void {
    const tokens = this.#tokens;
    if (tokens.atEnd || tokens.peek() === ';') return;
    if (!this.#parts.labels.has(tokens.name())) throw new NotRead('an END with a label of nothing');
  }

  #conditions(): void {
    const tokens = this.#tokens;
    do {
      if (!tokens.takeWord('sqlstate')) tokens.name();
      else if (tokens.peekKind() === 'string') tokens.skip();
      else throw new NotRead('a condition that cannot be read');
    } while (tokens.takeWord('or'));
  }

  #statements(...ends: readonly string[]): void {
    const isEnd = words(...ends);
    while (!isEnd(this.#tokens)) {
      if (this.#tokens.atEnd) throw new NotRead('a block without END');
      this.#statement();
    }
  }

  #statement(): void {
    const tokens = this.#tokens;
    if (tokens.isSign('<<')) {
      this.#label();
      if (!words('declare', 'begin', 'loop', 'while', 'for', 'foreach')(tokens))
        throw new NotRead('a label of nothing');
    }
    const word = tokens.peekKind() === 'word' ? tokens.peek() : '';
    const rule = ruleOf(word);
    if (rule !== undefined) {
      tokens.skip();
      return this.#rule(rule, word);
    }
    if (this.#assigns()) return this.#assignment();
    this.#parts.sqlStatement();
  }

  #rule(rule: Rule, word: string): void {
    const tokens = this.#tokens;
    switch (rule) {
      case 'block':
        tokens.skip(-1);
        this.#block();
        return tokens.wantSign(';');
      case 'if':
        return this.#if();
      case 'case':
        return this.#case();
      case 'loop':
        return this.#loop();
      case 'while':
        this.#parts.expression(words('loop'));
        tokens.wantWord('loop');
        return this.#loop();
      case 'for':
        return this.#for();
      case 'foreach':
        return this.#foreach();
      case 'exit':
        if (!tokens.isWord('when') && tokens.peek() !== ';') tokens.name();
        if (tokens.takeWord('when')) this.#parts.expression(semicolon);
        return tokens.wantSign(';');
      case 'return':
        return this.#return();
      case 'raise':
        return this.#raise();
      case 'assert':
        this.#parts.expression(semicolon);
        return tokens.wantSign(';');
      case 'perform':
        this.#parts.expression(semicolon);
        return tokens.wantSign(';');
      case 'diagnostics':
        return this.#diagnostics();
      case 'open':
        return this.#open();
      case 'fetch':
        return this.#fetch(word);
      case 'close':
        this.#parts.ownCursor();
        return tokens.wantSign(';');
      case 'null':
        return tokens.wantSign(';');
      case 'never':
        throw new NotRead(word === 'execute' ? 'dynamic SQL' : `${word.toUpperCase()} in a body`);
      default:
        assertNever(rule);
    }
  }

  #if(): void {
    const tokens = this.#tokens;
    do {
      this.#parts.expression(words('then'));
      tokens.wantWord('then');
      this.#statements('elsif', 'elseif', 'else', 'end');
    } while (tokens.takeWord('elsif') || tokens.takeWord('elseif'));
    if (tokens.takeWord('else')) this.#statements('end');
    tokens.wantWord('end');
    tokens.wantWord('if');
    tokens.wantSign(';');
  }

  #case(): void {
    const tokens = this.#tokens;
    const value = tokens.until(words('when'));
    if (value !== '') this.#parts.sql.push(`SELECT ${value}`);
    while (tokens.takeWord('when')) {
      const wanted = tokens.until(words('then'));
      if (wanted === '') throw new NotRead('a WHEN of nothing');
      // The server compares the value with each by `=`, which may be somebody's operator.
      this.#parts.sql.push(value === '' ? `SELECT ${wanted}` : `SELECT (${value}) IN (${wanted})`);
      tokens.wantWord('then');
      this.#statements('when', 'else', 'end');
    }
    if (tokens.takeWord('else')) this.#statements('end');
    tokens.wantWord('end');
    tokens.wantWord('case');
    tokens.wantSign(';');
  }

  /** Behind LOOP. */
  #loop(): void {
    const tokens = this.#tokens;
    this.#statements('end');
    tokens.wantWord('end');
    tokens.wantWord('loop');
    this.#endLabel();
    tokens.wantSign(';');
  }

  #for(): void {
    const tokens = this.#tokens;
    // An integer loop declares its own variable; the others need one that is there. Whichever it is, its name is a variable's.
    if (tokens.isWord('in', 1)) this.#parts.declare(tokens.name());
    else this.#parts.targets();
    tokens.wantWord('in');
    if (tokens.isWord('execute')) throw new NotRead('dynamic SQL');
    const cursor = tokens.nameAt(0);
    if (
      cursor !== undefined &&
      this.#parts.cursors.has(cursor) &&
      (tokens.isWord('loop', 1) || tokens.peek(1) === '(')
    ) {
      tokens.skip();
      this.#parts.arguments();
    } else {
      tokens.takeWord('reverse');
      const from = tokens.mark();
      const first = tokens.until((each) => each.isWord('loop') || each.isSign('..'));
      if (tokens.takeSign('..')) {
        if (first === '') throw new NotRead('a range without a beginning');
        this.#parts.sql.push(`SELECT ${first}`);
        this.#parts.expression(words('by', 'loop'));
        if (tokens.takeWord('by')) this.#parts.expression(words('loop'));
      } else this.#parts.query(tokens.between(from, tokens.mark()));
    }
    tokens.wantWord('loop');
    this.#loop();
  }

  #foreach(): void {
    const tokens = this.#tokens;
    this.#parts.targets();
    if (tokens.takeWord('slice')) {
      if (tokens.peekKind() !== 'number') throw new NotRead('a SLICE of something');
      tokens.skip();
    }
    tokens.wantWord('in');
    tokens.wantWord('array');
    this.#parts.expression(words('loop'));
    tokens.wantWord('loop');
    this.#loop();
  }

  #return(): void {
    const tokens = this.#tokens;
    if (tokens.takeSign(';')) return;
    if (this.#returns === 'row of a trigger' && words('new', 'old')(tokens) && tokens.peek(1) === ';')
      return tokens.skip(2);
    if (tokens.takeWord('query')) {
      if (tokens.isWord('execute')) throw new NotRead('dynamic SQL');
      this.#parts.query(tokens.until(semicolon));
    } else {
      tokens.takeWord('next');
      if (tokens.peek() !== ';') this.#parts.expression(semicolon);
    }
    tokens.wantSign(';');
  }

  #raise(): void {
    const tokens = this.#tokens;
    if (words('exception', 'warning', 'notice', 'info', 'log', 'debug')(tokens)) tokens.skip();
    if (tokens.peekKind() === 'string') {
      tokens.skip();
      while (tokens.takeSign(',')) this.#parts.expression(raiseEnds);
    } else if (tokens.takeWord('sqlstate')) {
      if (tokens.peekKind() !== 'string') throw new NotRead('an SQLSTATE that cannot be read');
      tokens.skip();
    } else if (tokens.peek() !== ';' && !tokens.isWord('using')) tokens.name();
    if (tokens.takeWord('using')) {
      do {
        tokens.name();
        if (!tokens.takeSign(':=')) tokens.wantSign('=');
        this.#parts.expression(raiseEnds);
      } while (tokens.takeSign(','));
    }
    tokens.wantSign(';');
  }

  #diagnostics(): void {
    const tokens = this.#tokens;
    if (!tokens.takeWord('current')) tokens.takeWord('stacked');
    tokens.wantWord('diagnostics');
    do {
      this.#parts.target();
      if (!tokens.takeSign(':=')) tokens.wantSign('=');
      tokens.name();
    } while (tokens.takeSign(','));
    tokens.wantSign(';');
  }

  #open(): void {
    const tokens = this.#tokens;
    const name = tokens.name();
    if (!this.#parts.variables.has(name)) throw new NotRead('a cursor that is not a variable');
    if (this.#parts.cursors.has(name) && !tokens.isWord('for')) this.#parts.arguments();
    else {
      if (tokens.takeWord('no')) tokens.wantWord('scroll');
      else tokens.takeWord('scroll');
      tokens.wantWord('for');
      if (tokens.isWord('execute')) throw new NotRead('dynamic SQL');
      this.#parts.query(tokens.until(semicolon));
      this.#parts.cursors.add(name);
    }
    tokens.wantSign(';');
  }

  /** How far is words and numbers: nothing there can call anything. Only cursors that this body itself opens. */
  #fetch(word: string): void {
    const tokens = this.#tokens;
    const isLast = (ahead: number): boolean => tokens.isWord('into', ahead) || tokens.peek(ahead) === ';';
    while (!isLast(1)) {
      if (tokens.peekKind() !== 'word' && tokens.peekKind() !== 'number' && tokens.peek() !== '-')
        throw new NotRead(`a ${word.toUpperCase()} that cannot be read`);
      tokens.skip();
    }
    this.#parts.ownCursor();
    if (tokens.takeWord('into')) this.#parts.targets();
    tokens.wantSign(';');
  }

  /** `name`, `name.field`, `name[1].field`, behind which something is assigned. */
  #assigns(): boolean {
    const tokens = this.#tokens;
    const first = tokens.nameAt(0);
    const next = tokens.peek(1);
    return first !== undefined && (next === '.' || next === '[' || next === '=' || tokens.isSign(':=', 1));
  }

  #assignment(): void {
    const tokens = this.#tokens;
    this.#parts.target();
    if (!tokens.takeSign(':=')) tokens.wantSign('=');
    this.#parts.expression(semicolon);
    tokens.wantSign(';');
  }
}

const raiseEnds = (tokens: Tokens): boolean => tokens.peek() === ',' || semicolon(tokens) || tokens.isWord('using');
