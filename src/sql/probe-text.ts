// Which text the server is asked to analyse for a statement. It shows its tree of a query only as the statement itself, never of one
// inside EXPLAIN, COPY, CREATE TABLE AS, DECLARE or PREPARE: such a query is cut out of its wrapper, and the cut is taken only when the
// authority reads exactly the query that stands inside. A wrong cut would let the server speak about another text.
import { tagOf, type Node } from './ast.ts';
import { isComment, tokensOf, type Token } from './lexer.ts';
import { sameTree } from './offer-proof.ts';
import type { Parser } from './parser.ts';
import type { StatementFacts } from './statement.ts';

export type ProbeText =
  /** Nothing in it has a tree: the static witness and the table of statements speak alone. */
  | { readonly kind: 'none' }
  /** The statement as it stands, or the query inside it. */
  | { readonly kind: 'whole' }
  /** `types`: of its parameters, where the wrapper names them. `rewritten: 'later'`: the wrapper has it only analysed. */
  | {
      readonly kind: 'inner';
      readonly text: string;
      readonly types?: readonly number[];
      readonly rewritten?: 'later';
    }
  /** There should be a tree, and there is no way to ask for it. */
  | { readonly kind: 'impossible'; readonly why: string };

const queries: readonly string[] = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'];
const openers = /^(?:SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|VALUES|TABLE|\()$/i;
const tries = 12;

const impossible = (why: string): ProbeText => ({ kind: 'impossible', why });

export interface ProbedStatement {
  readonly node: Node;
  readonly text: string;
  readonly facts: Pick<StatementFacts, 'inner'>;
  /** What PREPARE names, as oids; undefined when one of them is not known for sure. */
  readonly types: readonly number[] | undefined;
}

export function probeTextOf(parser: Parser, { node, text, facts, types }: ProbedStatement): ProbeText {
  if (node.SelectStmt?.intoClause !== undefined) {
    const { intoClause: _into, ...plain } = node.SelectStmt;
    return cutFrom(parser, { SelectStmt: plain }, withoutInto(text));
  }
  if (queries.includes(tagOf(node))) return { kind: 'whole' };
  const inner = facts.inner.filter((one) => queries.includes(tagOf(one.node)));
  const [only, ...more] = inner;
  if (only === undefined) return { kind: 'none' };
  if (more.length > 0) return impossible('several queries inside one statement');
  if (types === undefined) return impossible('a PREPARE that names types of parameters which are not known');
  if (only.role === 'body' || only.role === 'element') return { kind: 'none' };
  const cut = cutFrom(parser, only.node, cutsOf(text));
  if (cut.kind === 'inner' && only.role === 'view') return { ...cut, rewritten: 'later' };
  return cut.kind === 'inner' && types.length > 0 ? { ...cut, types } : cut;
}

function cutFrom(parser: Parser, wanted: Node, cuts: readonly string[]): ProbeText {
  for (const cut of cuts.slice(0, tries)) {
    const parsed = parser.parse(cut);
    const sole = parsed.kind === 'statements' && parsed.statements.length === 1 ? parsed.statements[0] : undefined;
    if (sole !== undefined && sameTree(sole.node, wanted)) return { kind: 'inner', text: cut };
  }
  return impossible('the query inside could not be cut out for sure');
}

/** From each word that can begin a query to the end, then to before its closing bracket or a trailing WITH. */
function cutsOf(text: string): readonly string[] {
  const tokens = tokensOf(text);
  if (tokens === undefined) return [];
  const solid = tokens.filter((token) => token.kind !== 'space' && !isComment(token));
  const word = (token: Token | undefined): string => (token === undefined ? '' : text.slice(token.start, token.end));
  const cuts: string[] = [];
  solid.forEach((token, index) => {
    if (index === 0 || !openers.test(word(token))) return;
    cuts.push(text.slice(token.start));
    const before = solid[index - 1];
    if (word(before) !== '(') return;
    const close = closingOf(solid.slice(index), word);
    if (close !== undefined) cuts.push(text.slice(token.start, close.start));
  });
  const tail = solid.findLastIndex((token) => /^WITH$/i.test(word(token)));
  const end = solid[tail];
  if (end !== undefined && tail > 0) {
    const first = solid.find((token, index) => index > 0 && index < tail && openers.test(word(token)));
    if (first !== undefined) cuts.push(text.slice(first.start, end.start));
  }
  return cuts;
}

/** The bracket that ends the query whose first token is the first of these. */
function closingOf(tokens: readonly Token[], word: (token: Token) => string): Token | undefined {
  let depth = 0;
  for (const token of tokens) {
    const text = word(token);
    if (text === '(') depth += 1;
    if (text === ')') {
      if (depth === 0) return token;
      depth -= 1;
    }
  }
  return undefined;
}

/** SELECT … INTO [kind] name FROM …: what stands between INTO and the next clause goes. */
function withoutInto(text: string): readonly string[] {
  const solid = tokensOf(text)?.filter((token) => token.kind !== 'space' && !isComment(token)) ?? [];
  const word = (token: Token): string => text.slice(token.start, token.end);
  const cuts: string[] = [];
  solid.forEach((token, index) => {
    if (!/^INTO$/i.test(word(token))) return;
    const next = solid.slice(index + 1).find((each) => clause.test(word(each)));
    cuts.push(`${text.slice(0, token.start)} ${next === undefined ? '' : text.slice(next.start)}`);
  });
  return cuts;
}

const clause = /^(?:FROM|WHERE|GROUP|HAVING|WINDOW|UNION|INTERSECT|EXCEPT|ORDER|LIMIT|OFFSET|FETCH|FOR)$/i;
