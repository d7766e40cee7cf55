// What moves the names of a session, and who is told.
import type { SessionEffect } from '../sql/statement-effects.ts';

/** What the session does about names of the protocol that SQL uses too. */
export interface NamesDesk {
  /** Of prepared statements. */
  doubtNames(): void;
  /** Portals. */
  followPortals(effect: SessionEffect): void;
  /** The server says that no transaction is open any more. */
  transactionEnded(): void;
}

export function movesNames({ kind }: SessionEffect): boolean {
  return kind === 'prepare' || kind === 'deallocate' || kind === 'discard' || kind === 'unsure';
}

/** Every other setting changes no name and no reading. */
export const namesDependOn =
  /^(?:search_path|role|session_authorization|client_min_messages|standard_conforming_strings)$/;
