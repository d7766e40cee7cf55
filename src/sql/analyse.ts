// One text, start to end: looked at, parsed, each statement named and resolved in the state that the ones before it leave. Runs inside
// the worker. The resolver is a port, so that this file knows nothing of schemas.
import { notKnown } from '../core/known.ts';
import { touchesNothing, type Analysis, type Unknown } from './analysis.ts';
import type { Node } from './ast.ts';
import type { SessionNames } from './columns-names.ts';
import type { Parser, RawStatement } from './parser.ts';
import { normalisedText } from './normalised.ts';
import { prescan } from './prescan.ts';
import { probeTextOf, type ProbeText } from './probe-text.ts';
import { literalsInert } from './shape-inert.ts';
import { ShapeScanner } from './shape.ts';
import type { SessionEffect } from './statement-effects.ts';
import type { Exactness } from './text.ts';
import { statementFacts, type Reference, type StatementFacts } from './statement.ts';

export interface AnalysisJob {
  readonly text: string;
  /** The schema version to resolve against; undefined: none was read yet, and no column is known. */
  readonly schemaVersion: string | undefined;
  readonly state: SessionNames;
  /** Of the decoding (text.ts): names that the server may read otherwise are not known. Absent: every name is as it stands. */
  readonly exact?: Exactness;
}

/**
 * `stale`: statements before it in the same text change what names mean, so a tree asked for now would be of another statement. `moved`:
 * they only name another search_path, all of it in the text, so the static witness reads the names where they will be.
 */
export type TreeAge = 'current' | 'moved' | 'stale';

export interface AnalysedStatement {
  /** Bytes of the UTF-8 form of the text. */
  readonly at: number;
  readonly bytes: number;
  readonly analysis: Analysis;
  /** Of what PREPARE or DECLARE CURSOR holds, for the session to keep under its name. */
  readonly held: Analysis | undefined;
  readonly effects: readonly SessionEffect[];
  /** The literals of the text do not matter: what is known holds for every text of its shape. Only a text of one statement can be. */
  readonly inert: boolean;
  /** For records: without literals and comments. */
  readonly normalised: string | undefined;
  readonly tree: TreeAge;
  /** What EXECUTE and FETCH run: the session joins the analysis kept under that name, and never caches the join by the text alone. */
  readonly refersTo: readonly Reference[];
  /** What the server is asked for its tree of. */
  readonly probe: ProbeText;
}

export type AnalysisAnswer =
  | { readonly kind: 'statements'; readonly statements: readonly AnalysedStatement[] }
  | { readonly kind: 'empty' }
  | { readonly kind: 'syntaxError'; readonly message: string; readonly cursorPosition: number }
  /** Not parsed at all. `by: 'server'`: the server has an error of its own for this, let it give it. */
  | { readonly kind: 'refused'; readonly why: string; readonly by: 'server' | 'house' };

/** Names the columns of one statement. Throwing RangeError means that it is nested too deep to be walked. */
export interface Resolver {
  resolve(node: Node, facts: StatementFacts, context: ResolveContext): Analysis;
  /** The oids of types as they are written; undefined when one is not known for sure. */
  typesOf?(types: readonly Node[], context: ResolveContext): readonly number[] | undefined;
}

export interface ResolveContext {
  readonly schemaVersion: string | undefined;
  readonly state: SessionNames;
  /** What earlier statements of the same text leave in doubt for this one. */
  readonly doubts: readonly string[];
  /** See `AnalysedStatement.tree`. */
  readonly tree: TreeAge;
}

export function analyseText(parser: Parser, resolver: Resolver, job: AnalysisJob): AnalysisAnswer {
  const looked = prescan(job.text);
  if (!looked.ok) return { kind: 'refused', why: looked.why, by: looked.by };
  const parsed = parser.parse(job.text);
  if (parsed.kind !== 'statements') return parsed;
  const statements: AnalysedStatement[] = [];
  const scanner = new ShapeScanner();
  let context: ResolveContext = { schemaVersion: job.schemaVersion, state: job.state, doubts: [], tree: 'current' };
  try {
    for (const raw of parsed.statements) {
      const inert = parsed.statements.length === 1 && literalsInert(raw.node, job.text, scanner);
      const { node, text } = raw;
      const facts = statementFacts(node);
      const resolved = analyseOne(resolver, { ...raw, facts }, context, job.exact);
      const named = node.PrepareStmt?.argtypes ?? [];
      const types = named.length === 0 ? [] : resolver.typesOf?.(named, context);
      const probe = probeTextOf(parser, { node, text, facts, types });
      const one = { ...resolved, probe, inert, normalised: normalisedText(raw.text) };
      statements.push(one);
      context = after(context, one.effects);
    }
  } catch (thrown) {
    // Our own walk ran out of stack after a clean parse: nothing is damaged, and the statement is not known.
    if (thrown instanceof RangeError) return { kind: 'refused', why: 'nested too deep to be read', by: 'house' };
    throw thrown;
  }
  return { kind: 'statements', statements };
}

type Resolved = Omit<AnalysedStatement, 'inert' | 'normalised' | 'probe'>;

function analyseOne(
  resolver: Resolver,
  raw: RawStatement & { readonly facts: StatementFacts },
  context: ResolveContext,
  exact: Exactness | undefined,
): Resolved {
  const { facts } = raw;
  const kept = facts.inner.find((one) => one.role === 'prepared' || one.role === 'cursor')?.node;
  const resolve = (node: Node, said: StatementFacts): Analysis =>
    withDoubts(resolver.resolve(node, said, context), context.tree, exact);
  const held = kept === undefined ? undefined : resolve(kept, statementFacts(kept));
  const own = resolve(raw.node, facts);
  return {
    at: raw.at,
    bytes: raw.bytes,
    // What is made while it is parsed is made by PREPARE, not only by EXECUTE.
    analysis: held?.early === true ? { ...own, early: true, unknowns: [...own.unknowns, ...held.unknowns] } : own,
    held,
    effects: facts.effects,
    tree: context.tree,
    refersTo: facts.refersTo,
  };
}

/** A name that the database may fold or cut otherwise is only a name: the tree has what it means there. Where the tree is stale it settles nothing. */
function withDoubts(analysis: Analysis, tree: ResolveContext['tree'], exact: Exactness | undefined): Analysis {
  const doubtful: readonly Unknown[] =
    exact === undefined || exact.kind === 'names' ? [] : [{ why: exact.why, at: undefined, settledBy: 'tree' }];
  const all = [...analysis.unknowns, ...doubtful];
  if (all.length === 0) return analysis;
  return { ...analysis, unknowns: tree === 'current' ? all : all.map(({ why, at }) => ({ why, at })) };
}

/** The state in which the next statement of the same text will run, as far as it can be told from the text. */
export function after(context: ResolveContext, effects: readonly SessionEffect[]): ResolveContext {
  const tree = effects.reduce<TreeAge>((age, effect) => agedBy(age, effect), context.tree);
  return effects.reduce((current, effect) => ({ ...current, ...afterOne(current, effect) }), { ...context, tree });
}

function agedBy(age: TreeAge, effect: SessionEffect): TreeAge {
  if (age === 'stale' || leavesNames(effect)) return age;
  return isPlainPath(effect) ? 'moved' : 'stale';
}

/**
 * One schema beside the server's own, by a name that nothing folds, cuts or hides. With two, the server passes over the first where the
 * role has no USAGE on it, and a name would mean something else than the witness says who then stands alone.
 */
function isPlainPath(effect: SessionEffect): boolean {
  if (effect.kind !== 'setting' || effect.name !== 'search_path' || !Array.isArray(effect.value)) return false;
  const others = effect.value.filter((name) => name !== 'pg_catalog');
  return others.length === 1 && /^(?!pg_)[a-z_][a-z0-9_]{0,61}$/.test(others[0] ?? '');
}

/** Whether every name means after it what it meant before. */
function leavesNames(effect: SessionEffect): boolean {
  switch (effect.kind) {
    case 'prepare':
    case 'deallocate':
    case 'declareCursor':
    case 'closeCursor':
    case 'catalogRows':
      return true;
    case 'transaction':
    case 'savepoint':
      return keepsSettings(effect);
    case 'setting':
      return !namingSettings.has(effect.name);
    case 'resetAll':
    case 'discard':
    case 'definitions':
    case 'temporaryObjects':
    case 'unsure':
      return false;
  }
}

/** Settings that the analysed and rewritten tree of a text hangs on. */
const namingSettings: ReadonlySet<string> = new Set(['search_path', 'role', 'session_authorization', 'row_security']);

function afterOne(context: ResolveContext, effect: SessionEffect): Partial<ResolveContext> {
  const { state, doubts } = context;
  switch (effect.kind) {
    case 'setting':
      return settingApplied(context, effect);
    case 'definitions':
      return { doubts: [...doubts, 'an earlier statement of the same text changes definitions'] };
    case 'temporaryObjects':
      return {
        state: { ...state, temp: notKnown('an earlier statement of the same text makes or drops temporary objects') },
      };
    case 'discard':
      return effect.what === 'all' || effect.what === 'temporary'
        ? { state: { ...state, searchPath: notKnown('DISCARD'), temp: notKnown('DISCARD') } }
        : {};
    case 'resetAll':
      return { state: { ...state, searchPath: notKnown('RESET ALL earlier in the same text') } };
    case 'transaction':
    case 'savepoint':
      // An end takes settings back with it: SET LOCAL always, and with ROLLBACK also what earlier messages of the transaction set.
      return keepsSettings(effect)
        ? {}
        : { state: { ...state, searchPath: notKnown('a transaction ended earlier in the same text') } };
    case 'unsure':
      return { doubts: [...doubts, `earlier in the same text: ${effect.why}`] };
    case 'prepare':
    case 'deallocate':
    case 'declareCursor':
    case 'closeCursor':
    case 'catalogRows':
      return {};
  }
}

function keepsSettings(effect: Extract<SessionEffect, { readonly kind: 'transaction' | 'savepoint' }>): boolean {
  return effect.kind === 'transaction' ? effect.step === 'begin' : effect.step !== 'rollback';
}

function settingApplied(
  { state, doubts }: ResolveContext,
  effect: Extract<SessionEffect, { readonly kind: 'setting' }>,
): Partial<ResolveContext> {
  if (effect.name === 'search_path') {
    const searchPath: SessionNames['searchPath'] = Array.isArray(effect.value)
      ? { known: true, value: effect.value }
      : notKnown('search_path was reset earlier in the same text');
    return { state: { ...state, searchPath } };
  }
  const whose = effect.name === 'role' || effect.name === 'session_authorization';
  return whose ? { doubts: [...doubts, 'the role changes earlier in the same text'] } : {};
}

/** Kinds and nothing else, where there is no schema to resolve against: no column is named, and so the statement is not known. */
export function kindsOnly(facts: StatementFacts, why: string): Analysis {
  const reads = facts.kinds.some((kind) => kind !== 'session' && kind !== 'transaction');
  const unknowns: readonly Unknown[] = reads ? [...facts.unknowns, { why, at: undefined }] : facts.unknowns;
  return {
    kinds: facts.kinds,
    command: facts.command,
    ...touchesNothing,
    unknowns,
  };
}
