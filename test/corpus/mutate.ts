// Statements nobody wrote: names swapped for other names, queries wrapped in queries, over the schema that the regression suite
// leaves behind. Seeded, so that a miss can be found again.
import type { Relation } from '../../src/sql/schema.ts';
import { tagOf } from '../../src/sql/ast.ts';
import type { Lab } from './lab.ts';
import type { Tally } from './tally.ts';

export interface MutationPlan {
  readonly count: number;
  readonly seed: number;
}

const tokens = /\s+|[A-Za-z_][\w$]*|\d+(?:\.\d+)?|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|./gs;
const keywords = new Set(
  (
    'select from where and or not as on join left right full inner outer cross natural using group by order having limit offset ' +
    'union all intersect except distinct case when then else end in is null exists between like with recursive insert into values ' +
    'update set delete returning lateral over partition rows range asc desc merge matched window only conflict do nothing'
  ).split(' '),
);

export async function playMutations(
  lab: Lab,
  base: readonly string[],
  plan: MutationPlan,
  tally: Tally,
): Promise<void> {
  const random = generator(plan.seed);
  const good: string[] = [];
  for (const sql of base) {
    const node = lab.parse(sql)?.[0];
    if (node !== undefined && (await lab.compare(sql, node)) !== undefined) good.push(sql);
  }
  const relations = (lab.index?.snapshot.relations ?? []).filter(
    (each) =>
      each.schema !== 'pg_catalog' &&
      each.schema !== 'information_schema' &&
      /[rvmpf]/.test(each.kind) &&
      each.attributes.length > 0,
  );
  const mutator = new Mutator(good, relations, random);
  for (let tries = 0; tally.total < plan.count && tries < plan.count * 20; tries += 1) {
    const sql = mutator.next();
    const nodes = lab.parse(sql);
    const [node] = nodes ?? [];
    if (nodes?.length !== 1 || node === undefined || !/^(Select|Insert|Update|Delete|Merge)Stmt$/.test(tagOf(node)))
      continue;
    tally.add(await lab.compare(sql, node));
  }
}

/** A linear congruential generator: the same numbers everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

class Mutator {
  readonly #base: readonly string[];
  readonly #relations: readonly Relation[];
  readonly #random: () => number;

  constructor(base: readonly string[], relations: readonly Relation[], random: () => number) {
    this.#base = base;
    this.#relations = relations;
    this.#random = random;
  }

  next(): string {
    let sql = this.#pick(this.#base).replace(/;\s*$/, '');
    if (this.#random() < 0.6) sql = this.#swapped(sql);
    const isQuery = /^\s*(--[^\n]*\n\s*)*(select|with|values|table|\()/i.test(sql);
    return isQuery && this.#random() < 0.6 ? this.#wrapped(`${sql}\n`) : sql;
  }

  #pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.#random() * list.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }

  /** One or two names replaced: by another of the statement, a column or a relation of the schema. */
  #swapped(sql: string): string {
    const parts = sql.match(tokens) ?? [];
    const names = [...parts.keys()].filter((at) => {
      const part = parts[at] ?? '';
      return /^[A-Za-z_]/.test(part) && !keywords.has(part.toLowerCase());
    });
    if (names.length === 0) return sql;
    for (let count = 1 + Math.floor(this.#random() * 2); count > 0; count -= 1) {
      const kind = this.#random();
      const other =
        kind < 0.5 ? (parts[this.#pick(names)] ?? '') : kind < 0.8 ? this.#column() : this.#pick(this.#relations).name;
      parts[this.#pick(names)] = other;
    }
    return parts.join('');
  }

  #column(relation: Relation = this.#pick(this.#relations)): string {
    return `"${this.#pick(relation.attributes).name.replaceAll('"', '""')}"`;
  }

  #wrapped(sql: string): string {
    const relation = this.#pick(this.#relations);
    const table = `${relation.schema}."${relation.name.replaceAll('"', '""')}"`;
    const [a, b] = [this.#column(relation), this.#column(relation)];
    return this.#pick([
      `SELECT * FROM (${sql}) zz`,
      `WITH zz AS (${sql}) SELECT * FROM zz`,
      `WITH RECURSIVE zz AS (${sql}) SELECT zz FROM zz ORDER BY 1`,
      `SELECT count(*) FROM (${sql}) zz`,
      `SELECT zz FROM (${sql}) zz`,
      `SELECT row_to_json(zz) FROM (${sql}) zz`,
      `SELECT 1 WHERE EXISTS (${sql})`,
      `SELECT ARRAY(SELECT zz FROM (${sql}) zz)`,
      `(${sql}) UNION ALL (${sql})`,
      `SELECT * FROM ${table} yy, LATERAL (${sql}) zz`,
      `SELECT yy.*, (SELECT count(*) FROM (${sql}) zz) FROM ${table} yy`,
      `SELECT ${a}(yy) FROM ${table} yy WHERE EXISTS (${sql})`,
      `SELECT (yy).${a}, yy.${b} FROM ${table} AS yy NATURAL JOIN (${sql}) zz`,
      `SELECT (yy).*, zz.* FROM ${table} yy LEFT JOIN (${sql}) AS zz ON yy.${a} IS NULL ORDER BY yy.${b}, zz`,
      `DELETE FROM ${table} dd WHERE EXISTS (SELECT dd.${a} FROM (${sql}) zz) RETURNING dd.*`,
      `UPDATE ${table} uu SET ${a} = uu.${a} FROM (${sql}) zz WHERE uu.${b} IS NOT NULL RETURNING uu.${b}, zz`,
      `SELECT x1.${a} FROM ${table} x1 FULL JOIN ${table} x2 USING (${a}) LEFT JOIN (${sql}) zz ON true ORDER BY x2`,
      `SELECT max(${a}) OVER w, zz FROM ${table}, (${sql}) zz WINDOW w AS (PARTITION BY ${b})`,
      `INSERT INTO ${table} (${a}) SELECT t.${a} FROM ${table} t, (${sql}) zz RETURNING *`,
      `MERGE INTO ${table} m USING (${sql}) zz ON m.${a} IS NULL WHEN MATCHED THEN UPDATE SET ${b} = m.${b} WHEN NOT MATCHED THEN DO NOTHING`,
      `SELECT DISTINCT ON (${a}) ${b} FROM ${table} WHERE EXISTS (${sql}) ORDER BY ${a}, ${b}`,
      `SELECT ${a}, count(${b}) FROM ${table} GROUP BY ROLLUP (${a}) HAVING EXISTS (${sql})`,
    ]);
  }
}
