// The server's errors show rows: `Failing row contains (…)` is a whole one, `Key (ssn)=(…) already exists` another's column. The
// attack: a harmless update that breaks a rule, `UPDATE customers SET points = -1 WHERE id = 2`. Postgres itself leaves the detail
// out for a role that may not read the table; we do the same where the asker may not read all of it.
import type { Classification } from '../policy/classification.ts';
import { isOpen, type ShownColumns } from '../policy/open-relation.ts';
import type { IndexInfo, Relation } from '../sql/schema.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import { headerBytes } from '../wire/frame.ts';
import { fromServer } from '../wire/message-types.ts';
import { decodeServerMessage, encodeServerMessage, fieldOf, type Field } from '../wire/server-messages.ts';

export interface ErrorDetailParts {
  readonly classification: () => Classification;
  readonly database: string;
  readonly schema: () => SchemaIndex | undefined;
  /** The session's own relations, as far as they are known at this moment. */
  readonly temporary: () => readonly Relation[];
  /** The session's, in which names in errors come. */
  readonly encoding: () => string;
}

/** Integrity constraints (class 23) and WITH CHECK OPTION: the errors whose detail is made of rows. */
const showsRows = /^(?:23|44)/;

export class ErrorDetail {
  readonly #parts: ErrorDetailParts;

  constructor(parts: ErrorDetailParts) {
    this.#parts = parts;
  }

  /** The error without its detail; undefined: it may be said as it is. */
  hushed(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const message = decodeServerMessage(fromServer.error, bytes.subarray(start + headerBytes, end));
    if (message.kind !== 'error' || !showsRows.test(fieldOf(message.fields, 'C') ?? '')) return undefined;
    const fields = message.fields.filter((field) => field.letter !== 'D');
    if (fields.length === message.fields.length || this.#isOpen(message.fields)) return undefined;
    return encodeServerMessage({ kind: 'error', fields });
  }

  /** An error that does not say whose row it shows, or names what nobody has read, is about anything. */
  #isOpen(fields: readonly Field[]): boolean {
    const { classification, database, schema, temporary, encoding } = this.#parts;
    const [home, name, constraint, state] = ['s', 't', 'n', 'C'].map((letter) => fieldOf(fields, letter));
    const index = schema();
    if (home === undefined || name === undefined || index === undefined) return false;
    if (!/^[\x01-\x7f]*$/.test(home + name) && !/^(?:utf8|unicode)$/i.test(encoding())) return false;
    const named = [...index.relationsNamed(name), ...temporary().filter((each) => each.name === name)];
    const relation = named.find((each) => each.schema === home);
    if (relation === undefined) return false;
    const shown = keyErrors.test(state ?? '') ? keyOf(relation, constraint, index) : [{ relation, numbers: [] }];
    return shown.every((each) => isOpen(each, { classification: classification(), database, index }));
  }
}

/** A foreign key, a unique or an exclusion constraint shows the columns of its key, the first those of the other table's too. */
const keyErrors = /^23(?:503|505|P01)$/;

function keyOf(relation: Relation, name: string | undefined, index: SchemaIndex): readonly ShownColumns[] {
  const found = index.constraintsOf(relation.oid).find((each) => each.name === name);
  const numbers = found?.columns ?? index.snapshot.indexes.find((each) => isOf(each, relation, name))?.columns ?? [];
  const other = found === undefined ? undefined : index.relation(found.foreignRelation);
  const own = { relation, numbers };
  return found === undefined || other === undefined ? [own] : [own, { relation: other, numbers: found.foreignColumns }];
}

const isOf = (one: IndexInfo, relation: Relation, name: string | undefined): boolean =>
  one.relation === relation.oid && one.name === name;
