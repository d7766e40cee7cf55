// What SQL's own names stand for in this session: texts that PREPARE keeps, and cursors that DECLARE opened. Each is known by the reading
// that it was let through with; where the name may stand for something else by now, it stands for nothing here, and people are asked.
import type { Released } from '../approval/cursors.ts';
import type { Analysis } from '../sql/analysis.ts';
import type { SessionEffect } from '../sql/statement-effects.ts';
import type { Reference } from '../sql/statement.ts';
import { looksUpNames, movesMeaning } from './moves.ts';
import { OpenNames } from './open-names.ts';

/** What a name of SQL stands for, and the schema that it was read against. */
export interface Named {
  readonly analysis: Analysis;
  readonly schemaVersion: string;
}

interface Cursor extends Named {
  readonly by: Released | undefined;
}

export class SqlNames {
  readonly #prepared = new Map<string, Named>();
  readonly #cursors = new OpenNames<Cursor>();

  get hasCursors(): boolean {
    return this.#cursors.size > 0;
  }

  /** Undefined: nobody knows what it stands for now. A cursor goes on as it was opened; a prepared text means what it would mean if it came now. */
  find(reference: Reference, schemaVersion: string): Analysis | undefined {
    const found: Named | undefined = (reference.kind === 'cursor' ? this.#cursors : this.#prepared).get(reference.name);
    if (found === undefined || found.schemaVersion === schemaVersion) return found?.analysis;
    return reference.kind === 'cursor' && !looksUpNames(found.analysis) ? found.analysis : undefined;
  }

  /** Whose yes let this cursor be declared. */
  declaredBy(name: string): Released | undefined {
    return this.#cursors.get(name)?.by;
  }

  /** SQL declared a cursor of this name; false where nothing is known of it. */
  hasCursor(name: string): boolean {
    return this.#cursors.get(name) !== undefined;
  }

  /** The protocol took a name, or gave it back: what SQL put under it is no longer there. */
  protocolTook(kind: Reference['kind'], name: string): void {
    if (name === '') return;
    const names = kind === 'prepared' ? this.#prepared : this.#cursors;
    // The server cuts names after 63 bytes, and compares them in its own encoding.
    if (!/^[\x01-\x7f]{1,62}$/.test(name)) names.clear();
    else if (kind === 'prepared') this.#prepared.delete(name);
    else this.#cursors.take(name);
  }

  /** A statement is sent: what it may take away is gone from here on. A savepoint that it sets counts when it is there. */
  sent(effect: SessionEffect): void {
    if (effect.kind !== 'savepoint' || effect.step === 'rollback') this.#cursors.follow(effect);
    if (movesMeaning(effect)) this.#cursors.takeWhere(({ analysis }) => looksUpNames(analysis));
  }

  /** Its reply is in. `held`: what a name that it gives stands for; undefined: it failed, or nobody knows. */
  answered(effect: SessionEffect, held: Named | undefined, by: Released | undefined): void {
    this.#cursors.follow(effect);
    if (movesMeaning(effect)) this.#cursors.takeWhere(({ analysis }) => looksUpNames(analysis));
    switch (effect.kind) {
      case 'prepare':
        if (held === undefined) this.#prepared.delete(effect.name);
        else this.#prepared.set(effect.name, held);
        return;
      case 'deallocate':
        if (effect.name === undefined) this.#prepared.clear();
        else this.#prepared.delete(effect.name);
        return;
      case 'declareCursor':
        if (held !== undefined) this.#cursors.set(effect.name, { ...held, by }, effect.kept === 'session');
        return;
      case 'unsure':
        this.#prepared.clear();
        return;
      default:
        return;
    }
  }

  /** The server reads a prepared text anew where names may mean other things: what it was judged by then says nothing about now. */
  namesMoved(): void {
    this.#prepared.clear();
  }

  transactionEnded(how: 'commit' | 'rollback'): void {
    this.#cursors.over(how);
  }

  /** A savepoint was not set, or not gone back to: to which a name leads now, nobody knows. */
  savepointsInDoubt(): void {
    this.#cursors.clear();
  }
}
