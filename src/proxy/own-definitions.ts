// The schema as one session sees it inside its open transaction: read in the session, given to the workers that resolve against it, and
// taken back when the transaction is over. Knows no sockets; whoever asks the session lends how.
import { createHash } from 'node:crypto';
import { notKnown, type Known } from '../core/known.ts';
import { formerNames, noFormerNames, type FormerNames } from '../sql/former-names.ts';
import { SchemaIndex } from '../sql/schema-index.ts';
import { ownPicture, ownQuestions, sawThePast } from '../sql/schema-own.ts';
import type { Picture } from '../sql/schema-picture.ts';
import type { Snapshot } from '../sql/schema.ts';
import type { OwnSchema } from '../sql/reading.ts';
import type { AsideRows } from './aside.ts';

/** What everybody sees, and the workers. */
export interface CommonSchema {
  /** Undefined while it is known to be past. */
  readonly current: SchemaIndex | undefined;
  /** As it was read last, be it past. */
  readonly last: { readonly picture: Picture; readonly index: SchemaIndex } | undefined;
  /** Equal: no row of the catalogs has changed in between. Undefined while it is known to be past. */
  readonly seen: string | undefined;
  /** Resolves when it has been looked at, not earlier than at this moment. */
  look(): Promise<unknown>;
  publish(snapshot: Snapshot, before: Snapshot | undefined): void;
  /** In a while: a statement may still be read against it. */
  retire(schemaVersion: string): void;
}

/** Undefined: the questions failed, and have been taken back. */
export type AskOwn = (questions: readonly string[]) => Promise<readonly AsideRows[] | undefined>;

const triesMax = 3;
const unseen =
  'definitions changed in this transaction, and others have changed some since it began, which it cannot see';
const unread = 'definitions changed in this transaction, which is not committed yet';

export class OwnDefinitions {
  readonly #common: CommonSchema;
  #last: { readonly picture: Picture; readonly index: SchemaIndex } | undefined;
  #former: FormerNames = noFormerNames;
  #published: string | undefined;
  /** What everybody saw before the transaction had begun. */
  #before: string | undefined;

  constructor(common: CommonSchema) {
    this.#common = common;
  }

  /** Whether others have changed definitions since. */
  isPast(own: OwnSchema): boolean {
    return own.basis !== this.#common.current;
  }

  /** Nothing is open, and something is sent. */
  begins(): void {
    this.#before = this.#common.seen;
  }

  /** The transaction may see the schema of a time before it began (SET TRANSACTION SNAPSHOT). */
  mayBeOlder(): void {
    this.#before = undefined;
  }

  async read(ask: AskOwn): Promise<Known<OwnSchema>> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const basis = this.#common.current;
      const base = this.#last ?? this.#common.last;
      const answers = await ask(ownQuestions(base?.picture));
      if (answers === undefined) return notKnown(unread);
      if (sawThePast(answers) && !(await this.#stoodStill())) return notKnown(unseen);
      const read = ownPicture(answers, base?.picture);
      if (read === 'moved') continue;
      return read.known ? { known: true, value: this.#take(read.value, base, basis) } : read;
    }
    return notKnown(unread);
  }

  /** What the transaction saw when it began is what is so now, but for its own definitions. */
  async #stoodStill(): Promise<boolean> {
    const before = this.#before;
    await this.#common.look();
    return before !== undefined && this.#common.seen === before;
  }

  /** The transaction is over: what it defined is everybody's now, or nobody's. */
  over(): void {
    this.#retire();
    this.#last = undefined;
    this.#former = noFormerNames;
  }

  #take(
    picture: Picture,
    base: { readonly index: SchemaIndex } | undefined,
    basis: SchemaIndex | undefined,
  ): OwnSchema {
    const { snapshot } = picture;
    const isCommon = basis?.snapshot.schemaVersion === snapshot.schemaVersion;
    const index = isCommon ? basis : new SchemaIndex(snapshot, base?.index);
    if (base !== undefined) this.#former = formerNames(this.#former, base.index, index);
    this.#last = { picture, index };
    if (this.#published !== snapshot.schemaVersion) {
      // First the new one, so that a worker still has what it is laid upon.
      this.#common.publish(snapshot, base?.index.snapshot);
      this.#retire();
      this.#published = snapshot.schemaVersion;
    }
    return { index, basis, former: this.#former, formerToken: tokenOf(this.#former) };
  }

  #retire(): void {
    if (this.#published !== undefined) this.#common.retire(this.#published);
    this.#published = undefined;
  }
}

/** Equal tokens: the same former names. */
function tokenOf({ relations }: FormerNames): string {
  if (relations.size === 0) return '';
  const named = [...relations].map(([oid, was]) => [
    oid,
    was.map(({ schema, name, attributes }) => [schema, name, attributes.map((each) => [each.num, each.name])]),
  ]);
  return createHash('sha256').update(JSON.stringify(named)).digest('base64url');
}
