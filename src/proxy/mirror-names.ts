// Who is told when SQL moves names that the protocol uses too.
import type { SessionEffect } from '../sql/statement-effects.ts';

/** What the session does about names of the protocol that SQL uses too. */
export interface NamesDesk {
  /** Of prepared statements. */
  doubtNames(): void;
  /** With names. */
  readonly hasPortals: boolean;
  followPortals(effect: SessionEffect): void;
  /** The server says that no transaction is open any more. */
  transactionEnded(): void;
}

/** What stands under the names of prepared statements may be something else. */
export function movesPrepared({ kind }: SessionEffect): boolean {
  return kind === 'prepare' || kind === 'deallocate' || kind === 'discard' || kind === 'unsure';
}
