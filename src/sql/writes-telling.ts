// What a write tells by succeeding or failing. A unique column answers whether it holds a value, a foreign key whether the other table
// has it, a check over two columns how the one that was given compares with the one that stands there. No text names these columns and
// no tree shows them; the error names them, and without a detail it still says yes or no.
import type { ColumnRead } from './analysis.ts';
import { kinOf } from './kin.ts';
import { columnOf, type Attribute, type ConstraintInfo, type IndexInfo, type Relation } from './schema.ts';
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
  /** And those that get a value by themselves: a check that sees none of these says nothing new. None: it says something in any case. */
  readonly filled: ReadonlySet<number>;
  /** Told with it. */
  readonly more?: readonly number[];
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
      this.#keys(step, filled);
      for (const each of this.#index.constraintsOf(relation.oid)) {
        if (each.kind === 'exclusion') this.#key(step, filled, this.#indexNamed(each));
        if (each.kind === 'foreign key' && each.columns.some((num) => filled.has(num)))
          this.#tell(this.#index.relation(each.foreignRelation), each.foreignColumns);
        if (event === 'update') this.#checked(each, { relation, given, filled });
      }
    }
    if (event !== 'insert') this.#references({ ...step, columns: filled });
  }

  /** Rows older than a constraint that was never validated may not meet it, and say so when anything of them is written. */
  #checked(each: ConstraintInfo, row: Omit<TellingCheck, 'text'>): void {
    const isOld = each.definition.endsWith(' NOT VALID');
    if (isOld && each.kind === 'not null') this.#tell(row.relation, each.columns);
    const text = each.kind === 'check' ? checkText(each) : undefined;
    if (text !== undefined) this.checks.push({ ...row, text, filled: isOld ? nothing : row.filled });
  }

  #indexNamed(constraint: ConstraintInfo): IndexInfo {
    const found = this.#index.indexesOf(constraint.relation).find((each) => each.oid === constraint.index);
    return found ?? { ...noIndex, columns: constraint.columns };
  }

  #keys(step: Step, filled: ReadonlySet<number>): void {
    const { relation, event } = step;
    for (const index of this.#index.indexesOf(relation.oid)) {
      if (!index.unique) continue;
      // What is left out of a new row is NULL, which is like nothing else but where the index says so.
      const isWhole = event === 'insert' && index.nullsAlike;
      this.#key(step, isWhole ? new Set(relation.attributes.map(({ num }) => num)) : filled, index);
    }
  }

  /** A row may meet another by its key, or by coming under the condition of the index; then all of that is told. */
  #key({ relation, event, columns: given }: Step, filled: ReadonlySet<number>, index: IndexInfo): void {
    // Of a new row that names none of the key all of it must have a value by itself: a NULL in it is like nothing else.
    const isNew = event === 'insert' && !index.columns.some((num) => given.has(num));
    const has = (num: number): boolean => filled.has(num);
    const isFilled = isNew ? index.columns.every(has) : index.columns.some(has);
    if (isFilled) this.#tell(relation, index.columns);
    const texts = [index.expressions, index.predicate].filter((text) => text !== undefined && text !== '');
    if (texts.length === 0) return;
    // What an expression makes of a value is what is compared.
    const seen = isFilled || filled.size === 0 ? nothing : filled;
    this.checks.push({ text: texts.join(', '), relation, given: nothing, filled: seen, more: index.columns });
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

/** In the place of one that is not there. */
const noIndex = {
  oid: 0,
  name: '',
  relation: 0,
  unique: true,
  primary: false,
  expressions: undefined,
  predicate: undefined,
  nullsAlike: false,
} as const;

/** `CHECK ((a > 0)) NOT VALID` → `(a > 0)` */
export function checkText(check: ConstraintInfo): string | undefined {
  return /^CHECK \(([^]*)\)(?: NOT VALID| NO INHERIT| NOT ENFORCED)*$/.exec(check.definition)?.[1];
}
