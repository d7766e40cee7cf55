// Statements that run what was read before: what stands under a name of the session (EXECUTE, FETCH, MOVE), and plans that the server keeps.
//
// The attack of the second kind: Parse("s", SELECT … FROM people), CREATE TEMP TABLE people, Bind("s"). Read now, the text means the temporary
// table; the server's plan means the other one, and nothing has made that invalid.
import type { Analysis, StatementKind } from './analysis.ts';
import { refusedIn } from './ahead.ts';
import type { AskedSession, Meaning, Reading, ReadText } from './reading.ts';
import type { SessionEffect } from './statement-effects.ts';
import type { Reference } from './statement.ts';

/** What EXECUTE and FETCH run joins what they say themselves; a name that nobody knows is not known. */
export function joined(text: ReadText, named: (reference: Reference) => Analysis | undefined): ReadText {
  // Whether a statement before it in the same text changes what names mean: a prepared text is then read anew by the server.
  let moved = false;
  const statements = text.statements.map((one) => {
    const meant = (each: Reference): Analysis | undefined =>
      moved && each.kind === 'prepared' ? undefined : named(each);
    const analysis = one.refersTo.reduce((sum, each) => together(sum, each, meant(each)), one.analysis);
    moved ||= one.effects.some(renames);
    return one.refersTo.length === 0 ? one : { ...one, analysis };
  });
  return { ...text, statements };
}

function renames(effect: SessionEffect): boolean {
  if (effect.kind === 'transaction') return effect.step !== 'begin';
  return renaming.has(effect.kind);
}

const renaming: ReadonlySet<SessionEffect['kind']> = new Set([
  ...(['setting', 'resetAll', 'discard', 'savepoint', 'temporaryObjects', 'definitions', 'unsure'] as const),
]);

function together(one: Analysis, reference: Reference, other: Analysis | undefined): Analysis {
  if (other === undefined) {
    const why = `what the ${reference.kind === 'cursor' ? 'cursor' : 'prepared statement'} stands for`;
    return { ...one, unknowns: [...one.unknowns, { why, at: undefined }] };
  }
  return {
    ...one,
    kinds: [...new Set([...one.kinds, ...other.kinds])],
    command: `${one.command}: ${other.command}`,
    reads: [...one.reads, ...other.reads],
    writes: [...one.writes, ...other.writes],
    flows: [...one.flows, ...other.flows],
    functions: [...one.functions, ...other.functions],
    wholeTables: [...one.wholeTables, ...other.wholeTables],
    relations: [...one.relations, ...other.relations],
    outputs: other.outputs,
    rowsMax: one.rowsMax ?? other.rowsMax,
    ...(other.tells === undefined ? {} : { tells: other.tells }),
    ...(other.described === undefined ? {} : { described: other.described }),
    ...(one.folds === true || other.folds === true ? { folds: true as const } : {}),
    unknowns: [...one.unknowns, ...other.unknowns],
  };
}

/** These look their name up before they do anything else: no argument is computed and no trigger runs for one that is not there. */
const namesFirst: ReadonlySet<string> = new Set(['EXECUTE', 'FETCH', 'MOVE', 'EXPLAIN EXECUTE']);

/** One of them by itself, and what it stands for nobody knows here. */
export function isInVain(text: ReadText, session: Pick<AskedSession, 'named'>): Reference | undefined {
  const [only, ...more] = text.statements;
  const [reference, ...others] = only?.refersTo ?? [];
  if (only === undefined || reference === undefined || more.length > 0 || others.length > 0) return undefined;
  if (!namesFirst.has(only.analysis.command) || only.effects.length > 0 || text.index === undefined) return undefined;
  return session.named(reference, text.index.snapshot.schemaVersion) === undefined ? reference : undefined;
}

/** Whether the server reads anew, or has read in this very state, whatever it has a plan of. */
export function arePlansFresh(version: string, meaning: Meaning, { plansAt }: Pick<AskedSession, 'plansAt'>): boolean {
  return plansAt !== undefined && plansAt.schemaVersion === version && plansAt.own === meaning.plansKey;
}

/** Statements of sessions and transactions alone run no plan; to ask for anything would fix the snapshot of a transaction that has none yet. */
export async function withFreshPlans(reading: Reading, session: AskedSession): Promise<Reading> {
  const { meaning } = session;
  if (reading.kind !== 'read' || reading.index === undefined || meaning === undefined) return reading;
  const { schemaVersion } = reading.index.snapshot;
  const runs = reading.statements.some(({ analysis: { kinds } }) => kinds.some((kind) => !planless.has(kind)));
  if (!runs || arePlansFresh(schemaVersion, meaning, session)) return reading;
  const stopped = await session.freshPlans({ schemaVersion, own: meaning.plansKey });
  return stopped === undefined ? reading : refusedIn(stopped, 'the server stopped it');
}

const planless: ReadonlySet<StatementKind> = new Set(['session', 'transaction']);
