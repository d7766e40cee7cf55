// What moves in a session between a statement's Bind and its Execute. Judged is what it means at Bind. A query is planned there and stays
// what it is; COPY, EXECUTE, FETCH, DROP and all that is no query look their names up when they run, and so do the functions that a query calls.
//
// The attack: Bind("p", COPY t TO STDOUT), SET search_path, Execute("p"). Drivers send Execute right behind Bind and never notice.
import type { Analysis } from '../sql/analysis.ts';
import type { ReadText } from '../sql/reading.ts';
import { namesDependOn } from '../sql/settings.ts';
import type { SessionEffect } from '../sql/statement-effects.ts';

/** How often it has moved so far. */
export interface Moved {
  /** What names of relations, functions, types mean. */
  readonly meaning: number;
  /** What stands under the names of prepared statements and cursors. */
  readonly names: number;
  /** Messages that make the server do anything at all. */
  readonly steps: number;
}

export class Moves implements Moved {
  meaning = 0;
  names = 0;
  steps = 0;

  /** A statement is sent that does this. */
  sent(effect: SessionEffect): void {
    if (movesMeaning(effect)) this.meaning += 1;
    if (movesNames(effect)) this.names += 1;
  }

  /** The protocol takes a name or gives it back. */
  took(): void {
    this.names += 1;
  }
}

/** Names may mean something else from here on. */
export function movesMeaning(effect: SessionEffect): boolean {
  switch (effect.kind) {
    case 'setting':
      return namesDependOn(effect.name);
    case 'discard':
      return effect.what === 'all' || effect.what === 'temporary';
    case 'transaction':
    case 'savepoint':
      // What was set, made or defined in it is taken back.
      return effect.step === 'rollback' || effect.step === 'commit';
    case 'resetAll':
    case 'temporaryObjects':
    case 'definitions':
    case 'unsure':
      return true;
    default:
      return false;
  }
}

function movesNames({ kind }: SessionEffect): boolean {
  return kind !== 'setting' && kind !== 'resetAll' && kind !== 'temporaryObjects' && kind !== 'definitions';
}

/** A query stays what it was planned as, but the functions that it calls look up their names when they run. */
export function looksUpNames({ functions }: Analysis): boolean {
  return functions.some(({ schema, nature }) => schema !== 'pg_catalog' || nature !== 'pure');
}

const planned: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'VALUES', 'TABLE']);

/** Whether a text that was judged at one time may mean something else at another. `begun`: it has run, and goes on with what it found. */
export function mayDiffer(
  text: ReadText,
  then: Omit<Moved, 'steps'>,
  now: Omit<Moved, 'steps'>,
  begun: boolean,
): boolean {
  const [meaning, names] = [then.meaning !== now.meaning, then.names !== now.names];
  return text.statements.some(({ analysis, refersTo }) => {
    if (meaning && looksUpNames(analysis)) return true;
    return !begun && ((names && refersTo.length > 0) || (meaning && !planned.has(analysis.command)));
  });
}
