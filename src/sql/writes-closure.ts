// What a write sets off that its text does not say: triggers, foreign keys' actions, and the functions in defaults, generated
// columns, checks, domains and index expressions. All from the snapshot; the server's tree shows none of it.
import type { ColumnWrite } from './analysis.ts';
import { columnOf, isSystemSchema, type Attribute, type FunctionInfo, type Relation, type Snapshot } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';
import { filledColumns, fires } from './filled.ts';
import { checkText, Telling, type Event, type Step, type TellingCheck, type ToldColumn } from './writes-telling.ts';

/** Cascades over more tables than this are cut off, and the statement is not known. */
const tablesMax = 200;

/** A printed definition of a trigger that has a WHEN, which is evaluated for each row. */
export interface TriggerCondition {
  readonly definition: string;
  readonly relation: Relation;
  readonly event: Event;
  /** Columns that may have another value afterwards. */
  readonly filled: ReadonlySet<number>;
}

export interface Closure {
  /** Trigger functions of every table that is reached. */
  readonly triggers: readonly FunctionInfo[];
  /** Expressions that are evaluated for the rows, with the relation whose columns they see. */
  readonly expressions: readonly { readonly text: string; readonly relation: Relation }[];
  readonly conditions: readonly TriggerCondition[];
  /** Types of the columns of every row that is made or changed: their domains' checks and their comparisons run. */
  readonly types: readonly number[];
  /** Writes that foreign keys make in other tables. */
  readonly writes: readonly ColumnWrite[];
  /** Columns about whose values it says something that the write succeeds or fails: `duplicate key`, `is not present in table`. */
  readonly tells: readonly ToldColumn[];
  readonly tellingChecks: readonly TellingCheck[];
  readonly complete: 'yes' | 'no';
}

/** `temporary`: the session's own relations, which the index has not. */
export function closureOf(
  index: SchemaIndex,
  writes: readonly ColumnWrite[],
  temporary: readonly Relation[] = [],
): Closure {
  const walk = new Walk(index);
  for (const step of firstSteps(index, writes, temporary)) walk.add(step);
  return walk.result();
}

function firstSteps(
  index: SchemaIndex,
  writes: readonly ColumnWrite[],
  temporary: readonly Relation[],
): readonly Step[] {
  const steps = new Map<string, { relation: Relation; event: Event; columns: Set<number> }>();
  for (const { column, how } of writes) {
    const named = [...index.relationsNamed(column.relation.name), ...temporary];
    const relation = named.find((each) => each.schema === column.relation.schema && each.name === column.relation.name);
    if (relation === undefined) continue;
    const event = how === 'copy' ? 'insert' : how;
    const key = `${relation.oid} ${event}`;
    const step = steps.get(key) ?? { relation, event, columns: new Set<number>() };
    const attribute = relation.attributes.find((each) => each.name === column.column);
    if (attribute !== undefined) step.columns.add(attribute.num);
    steps.set(key, step);
  }
  return [...steps.values()];
}

/** What is evaluated for a row that is made or written anew. */
export function inRows(
  index: SchemaIndex,
  relation: Relation,
  which: (attribute: Attribute) => boolean = () => true,
): readonly string[] {
  // A temporary relation's expressions are printed by the session's path; those that call anything were not let through.
  const own = relation.persistence === 'temporary' ? [] : relation.attributes.filter(which);
  const checks = index.constraintsOf(relation.oid).filter(({ kind }) => kind === 'check');
  return [...own.map(({ expression }) => expression), ...checks.map(checkText)].filter(isText);
}

/** What is evaluated for a row that is indexed, put into its partition, or looked at for statistics. */
export function inIndexes(index: SchemaIndex, relation: Relation): readonly string[] {
  return index.indexesOf(relation.oid).flatMap(({ expressions, predicate }) => [expressions, predicate].filter(isText));
}

const isText = (text: string | undefined): text is string => text !== undefined && text !== '';

/** Numbers differ between a table and its partitions and children, names do not. */
function namedAlike({ relation: named, columns }: Step, relation: Relation): ReadonlySet<number> {
  if (named === relation) return columns;
  const names = new Set(named.attributes.filter(({ num }) => columns.has(num)).map(({ name }) => name));
  return new Set(relation.attributes.filter(({ name }) => names.has(name)).map(({ num }) => num));
}

class Walk {
  readonly #index: SchemaIndex;
  readonly #snapshot: Snapshot;
  readonly #seen = new Set<string>();
  readonly #triggers = new Map<number, FunctionInfo>();
  readonly #expressions: { readonly text: string; readonly relation: Relation }[] = [];
  readonly #conditions: TriggerCondition[] = [];
  readonly #types = new Set<number>();
  readonly #writes: ColumnWrite[] = [];
  readonly #telling: Telling;
  #complete: Closure['complete'] = 'yes';

  constructor(index: SchemaIndex) {
    this.#index = index;
    this.#snapshot = index.snapshot;
    this.#telling = new Telling(index);
  }

  result(): Closure {
    return {
      triggers: [...this.#triggers.values()],
      expressions: this.#expressions,
      conditions: this.#conditions,
      types: [...this.#types],
      writes: this.#writes,
      tells: this.#telling.columns,
      tellingChecks: this.#telling.checks,
      complete: this.#complete,
    };
  }

  add(step: Step): void {
    // A cascade may come to other columns of a table that is written already.
    const key = `${step.relation.oid} ${step.event} ${[...step.columns].sort((a, b) => a - b).join(',')}`;
    if (this.#seen.has(key) || isSystemSchema(step.relation.schema)) return;
    this.#seen.add(key);
    if (this.#seen.size > tablesMax) {
      this.#complete = 'no';
      return;
    }
    // Rows of a partitioned table land in its partitions, with their own triggers.
    // So do a child's rows that are changed through its parent; and each of them has keys of its own.
    for (const relation of [step.relation, ...this.#index.kin(step.relation.oid)]) {
      const one = { ...step, relation, columns: namedAlike(step, relation) };
      const filled = filledColumns(one, this.#index);
      this.#fire(one, filled);
      this.#evaluate(one);
      this.#telling.add(one, filled);
      if (step.event !== 'insert') this.#cascade({ ...one, columns: filled });
    }
  }

  #fire(step: Step, filled: ReadonlySet<number>): void {
    const { relation, event } = step;
    for (const trigger of this.#snapshot.triggers) {
      if (!fires(trigger, step)) continue;
      const callee = this.#index.function(trigger.function);
      if (callee === undefined) this.#complete = 'no';
      else this.#triggers.set(callee.oid, callee);
      // A name with these letters in it costs a look at a condition that is not there, and the statement is then not known.
      const { definition } = trigger;
      if (/ WHEN \(/.test(definition)) this.#conditions.push({ definition, relation, event, filled });
    }
  }

  #evaluate({ relation, event }: Step): void {
    if (event === 'delete') return;
    for (const attribute of relation.attributes) this.#types.add(attribute.type);
    const which = (attribute: Attribute): boolean => event === 'insert' || attribute.generated !== 'no';
    const texts = [...inRows(this.#index, relation, which), ...inIndexes(this.#index, relation)];
    for (const text of texts) this.#expressions.push({ text, relation });
  }

  #cascade({ relation, event, columns }: Step): void {
    for (const key of this.#snapshot.constraints) {
      if (key.kind !== 'foreign key' || key.foreignRelation !== relation.oid) continue;
      if (event === 'update' && !key.foreignColumns.some((num) => columns.has(num))) continue;
      const action = event === 'delete' ? key.onDelete : key.onUpdate;
      const target = this.#index.relation(key.relation);
      if (target === undefined || (action !== 'c' && action !== 'n' && action !== 'd')) continue;
      const how = event === 'delete' && action === 'c' ? 'delete' : 'update';
      for (const attribute of target.attributes) {
        if (how === 'update' && !key.columns.includes(attribute.num)) continue;
        this.#writes.push({ column: columnOf(target, attribute), how });
      }
      this.add({ relation: target, event: how, columns: new Set(key.columns) });
    }
  }
}
