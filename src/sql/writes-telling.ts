// What a write tells by succeeding or failing. A unique column answers whether it holds a value, a foreign key whether the other table
// has it, a check over two columns how the one that was given compares with the one that stands there. No text names these columns and
// no tree shows them; the error names them, and without a detail it still says yes or no.
import type { ColumnRead } from './analysis.ts';
import { kinOf } from './kin.ts';
import { columnOf, type Attribute, type ConstraintInfo, type Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

export type Event = 'insert' | 'update' | 'delete';

/** pg_trigger.tgtype. */
export const eventBits: Readonly<Record<Event, number>> = { insert: 4, delete: 8, update: 16 };

/** One relation, and what happens to rows of it. */
export interface Step {
  readonly relation: Relation;
  readonly event: Event;
  /** Columns of an update, by attnum. */
  readonly columns: ReadonlySet<number>;
}

export interface TellingCheck {
  readonly text: string;
  readonly relation: Relation;
  /** Columns that the statement names: about these the asker knows all. */
  readonly given: ReadonlySet<number>;
  /** And those that get a value by themselves: a check that sees none of these says nothing new. */
  readonly filled: ReadonlySet<number>;
}

export interface ToldColumn {
  readonly relation: Relation;
  readonly attribute: Attribute;
}

export class Telling {
  readonly columns: ToldColumn[] = [];
  readonly checks: TellingCheck[] = [];
  readonly #index: SchemaIndex;

  constructor(index: SchemaIndex) {
    this.#index = index;
  }

  /** `filled`: what the step sets, and what gets a value by itself. */
  add(step: Step, filled: ReadonlySet<number>): void {
    const { relation, event, columns: given } = step;
    if (event !== 'delete') {
      this.#keys(relation, filled);
      for (const each of this.#index.constraintsOf(relation.oid)) {
        if (each.kind === 'exclusion' && each.columns.some((num) => num === 0 || filled.has(num)))
          this.#tell(relation, each.columns);
        if (each.kind === 'foreign key' && each.columns.some((num) => filled.has(num)))
          this.#tell(this.#index.relation(each.foreignRelation), each.foreignColumns);
        const text = each.kind === 'check' && event === 'update' ? checkText(each) : undefined;
        if (text !== undefined) this.checks.push({ text, relation, given, filled });
      }
    }
    if (event !== 'insert') this.#references({ ...step, columns: filled });
  }

  #keys(relation: Relation, given: ReadonlySet<number>): void {
    for (const index of this.#index.snapshot.indexes) {
      if (index.relation !== relation.oid || !index.unique) continue;
      const hasExpression = index.columns.includes(0);
      if (!hasExpression && !index.columns.some((num) => given.has(num))) continue;
      this.#tell(relation, index.columns);
      // Of expressions and of a predicate every column counts: what they make of a value is what is compared.
      for (const text of [index.expressions, index.predicate])
        if (text !== undefined && text !== '') this.checks.push({ text, relation, given: nothing, filled: nothing });
    }
  }

  /** A row that others point to cannot go, and the error says that they do; or they go or change with it, and what is left says which. */
  #references({ relation, event, columns: given }: Step): void {
    for (const key of this.#index.snapshot.constraints) {
      if (key.kind !== 'foreign key' || key.foreignRelation !== relation.oid) continue;
      if (event === 'update' && !key.foreignColumns.some((num) => given.has(num))) continue;
      this.#tell(this.#index.relation(key.relation), key.columns);
      this.#tell(relation, key.foreignColumns);
    }
  }

  #tell(relation: Relation | undefined, numbers: readonly number[]): void {
    for (const attribute of relation?.attributes ?? [])
      if (relation !== undefined && numbers.includes(attribute.num)) this.columns.push({ relation, attribute });
  }
}

export function toldReads(told: readonly ToldColumn[], index: SchemaIndex): readonly ColumnRead[] {
  return told.map(({ relation, attribute }) => ({
    column: columnOf(relation, attribute),
    uses: ['other'],
    via: [],
    kin: kinOf(relation, attribute, index),
  }));
}

const nothing: ReadonlySet<number> = new Set();

/** `CHECK ((a > 0)) NOT VALID` → `(a > 0)` */
export function checkText(check: ConstraintInfo): string | undefined {
  return /^CHECK \(([^]*)\)(?: NOT VALID| NO INHERIT| NOT ENFORCED)*$/.exec(check.definition)?.[1];
}
