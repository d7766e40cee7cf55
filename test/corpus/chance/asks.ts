// Random statements over a random schema, as an agent would send them: queries, writes with all their clauses, and what wraps them.
import type { Dice } from './dice.ts';
import { Words, type Field, type Item, type Named } from './words.ts';
import type { World } from './world.ts';

export class Asks {
  readonly #dice: Dice;
  readonly #words: Words;
  readonly #relations: readonly Named[];

  constructor(dice: Dice, world: Pick<World, 'tables' | 'views' | 'functions'>) {
    this.#dice = dice;
    this.#relations = [...world.tables, ...world.views];
    this.#words = new Words(dice, { relations: this.#relations, functions: world.functions });
  }

  next(major: number): string {
    const roll = this.#dice.next();
    if (roll < 0.4) return this.#query();
    if (roll < 0.54) return this.#insert(major);
    if (roll < 0.7) return this.#update(major);
    if (roll < 0.79) return this.#delete(major);
    if (roll < 0.87) return this.#merge(major);
    if (roll < 0.94) return this.#wrapped(major);
    return this.#with(major);
  }

  #query(): string {
    const dice = this.#dice;
    if (dice.chance(0.08)) return `TABLE ${dice.pick(this.#relations).name}`;
    if (dice.chance(0.25)) return this.#locked();
    const { sql, fields } = this.#words.query([], 3);
    const order = dice.chance(0.3) && !sql.endsWith(')') ? ` ORDER BY ${1 + dice.below(fields.length)}` : '';
    return `${sql}${order}${order !== '' && dice.chance(0.5) ? ` LIMIT ${1 + dice.below(3)}` : ''}`;
  }

  #locked(): string {
    const dice = this.#dice;
    const item = this.#words.item(dice.pick(this.#relations));
    const list = dice.chance(0.4) ? `${item.alias}.*` : item.alias;
    const window = dice.chance(0.3)
      ? `, rank() OVER (PARTITION BY ${this.#words.int([item], 1)} ORDER BY ${item.alias}.id)`
      : '';
    const lock = window === '' && dice.chance(0.4) ? ` FOR ${dice.pick(['UPDATE', 'SHARE'])}` : '';
    return `SELECT ${list}${window} FROM ${item.rowOf ?? ''} ${item.alias} WHERE ${this.#words.bool([item], 2)}${lock}`;
  }

  #target(): { readonly relation: Named; readonly item: Item } {
    const relation = this.#dice.pick(this.#relations);
    return { relation, item: { alias: 'tt', fields: relation.fields, rowOf: relation.name } };
  }

  #given(relation: Named): readonly Field[] {
    const open = relation.fields.filter((each) => each.name !== 'g');
    const some = this.#dice.some(open, 0.5);
    return some.length > 0 ? some : open.slice(0, 1);
  }

  #values(fields: readonly Field[], sight: readonly Item[]): string {
    return fields
      .map((each) => {
        if (each.name === 'id' && this.#dice.chance(0.8))
          return String(this.#dice.chance(0.4) ? this.#dice.below(7) : 20 + this.#dice.below(70));
        return this.#dice.chance(0.1) ? 'DEFAULT' : this.#words.of(each.kind, sight, this.#dice.below(3));
      })
      .join(', ');
  }

  #insert(major: number): string {
    const dice = this.#dice;
    const { relation, item } = this.#target();
    const fields = relation.fields.filter((each) => each.name !== 'g' && (each.name === 'id' || dice.chance(0.6)));
    const names = fields.map((each) => each.name).join(', ');
    const source = dice.chance(0.5) ? `VALUES (${this.#values(fields, [])})` : this.#chosen(fields);
    const conflict = dice.chance(0.4) ? this.#conflict(relation, item) : '';
    return `INSERT INTO ${relation.name} AS tt (${names}) ${source}${conflict}${this.#returning(item, major)}`;
  }

  #chosen(fields: readonly Field[]): string {
    const { sql, sight } = this.#words.from(1);
    const list = fields.map((each) =>
      each.name === 'id'
        ? `${20 + this.#dice.below(50)} + ${this.#words.column('int', sight)}`
        : this.#words.of(each.kind, sight, 1),
    );
    return `SELECT ${list.join(', ')} FROM ${sql} WHERE ${this.#words.bool(sight, 1)}`;
  }

  #conflict(relation: Named, item: Item): string {
    const dice = this.#dice;
    if (dice.chance(0.4))
      return ` ON CONFLICT${dice.pick(['', '', ' (a)', ` ON CONSTRAINT ${relation.name}_pkey`])} DO NOTHING`;
    const excluded: Item = { alias: 'excluded', fields: relation.fields };
    const sight = [item, excluded];
    const field = dice.pick(relation.fields.filter((each) => each.name !== 'g'));
    const where = dice.chance(0.5) ? ` WHERE ${this.#words.bool(sight, 1)}` : '';
    return ` ON CONFLICT (id) DO UPDATE SET ${field.name} = ${this.#words.of(field.kind, sight, 1)}${where}`;
  }

  #returning(item: Item, major: number): string {
    const dice = this.#dice;
    if (dice.chance(0.5)) return '';
    if (dice.chance(0.3)) return ` RETURNING ${dice.pick(['tt.*', 'tt', '*'])}`;
    if (major >= 18 && dice.chance(0.3)) return ` RETURNING ${dice.pick(['old', 'new', 'old.*', 'new.id, old.a'])}`;
    return ` RETURNING ${this.#words.of(dice.pick(['int', 'text'] as const), [item], 2)}`;
  }

  #sets(relation: Named, sight: readonly Item[]): string {
    const [one, two] = relation.fields.filter((each) => each.name !== 'g' && each.name !== 'id');
    if (one !== undefined && two !== undefined && this.#dice.chance(0.15)) {
      const from = this.#words.from(1);
      const inner = [...from.sight, ...sight];
      const [first, second] = [one, two].map((each) => this.#words.of(each.kind, inner, 1));
      return `(${one.name}, ${two.name}) = (SELECT ${first}, ${second} FROM ${from.sql} ORDER BY 1, 2 LIMIT 1)`;
    }
    return this.#given(relation)
      .slice(0, 2)
      .map(
        (each) =>
          `${each.name} = ${this.#dice.chance(0.35) ? this.#words.literal(each.kind) : this.#words.of(each.kind, sight, 2)}`,
      )
      .join(', ');
  }

  #update(major: number): string {
    const dice = this.#dice;
    const { relation, item } = this.#target();
    const other = dice.chance(0.35) ? this.#words.from(1) : undefined;
    const sight = [item, ...(other?.sight ?? [])];
    const from = other === undefined ? '' : ` FROM ${other.sql}`;
    return `UPDATE ${relation.name} AS tt SET ${this.#sets(relation, sight)}${from}${this.#where(sight)}${this.#returning(item, major)}`;
  }

  #where(sight: readonly Item[]): string {
    const dice = this.#dice;
    return dice.make(
      () => '',
      () => ` WHERE ${sight[0]?.alias}.id = ${1 + dice.below(6)}`,
      () => ` WHERE ${this.#words.bool(sight, 2)}`,
    );
  }

  #delete(major: number): string {
    const { relation, item } = this.#target();
    const other = this.#dice.chance(0.35) ? this.#words.from(1) : undefined;
    const using = other === undefined ? '' : ` USING ${other.sql}`;
    return `DELETE FROM ${relation.name} AS tt${using}${this.#where([item, ...(other?.sight ?? [])])}${this.#returning(item, major)}`;
  }

  #merge(major: number): string {
    const dice = this.#dice;
    const words = this.#words;
    const { relation, item } = this.#target();
    const source = words.item(dice.pick(this.#relations));
    const both = [item, source];
    const fields = relation.fields.filter((each) => each.name !== 'g' && (each.name === 'id' || dice.chance(0.5)));
    const and = (sight: readonly Item[]): string => (dice.chance(0.4) ? ` AND ${words.bool(sight, 1)}` : '');
    const clauses = [
      () => `WHEN MATCHED${and(both)} THEN UPDATE SET ${this.#sets(relation, both)}`,
      () => `WHEN MATCHED${and(both)} THEN DELETE`,
      () =>
        `WHEN NOT MATCHED${and([source])} THEN INSERT (${fields.map((each) => each.name).join(', ')}) VALUES (${this.#values(fields, [source])})`,
      () => `WHEN MATCHED THEN DO NOTHING`,
      ...(major >= 17
        ? [() => `WHEN NOT MATCHED BY SOURCE${and([item])} THEN UPDATE SET ${this.#sets(relation, [item])}`]
        : []),
    ];
    const taken = [dice.pick(clauses.slice(0, 3))(), ...dice.times(0, 1, () => dice.pick(clauses)())];
    const on = dice.chance(0.6) ? `tt.id = ${source.alias}.id` : words.bool(both, 1);
    const returning = major >= 17 ? this.#returning(item, major) : '';
    return `MERGE INTO ${relation.name} AS tt USING ${source.rowOf ?? ''} ${source.alias} ON ${on} ${taken.join(' ')}${returning}`;
  }

  #wrapped(major: number): string {
    const dice = this.#dice;
    return dice.make(
      () =>
        `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF${major >= 18 ? ', BUFFERS OFF' : ''}) ${this.#query()}`,
      () => `COPY (${this.#query()}) TO STDOUT`,
      () => `COPY ${dice.pick(this.#relations).name} TO STDOUT`,
      () => `CREATE TEMP TABLE made AS ${this.#query()}`,
      () => `TRUNCATE ${dice.pick(this.#relations).name}${dice.pick(['', ' CASCADE'])}`,
      () => `REFRESH MATERIALIZED VIEW m1`,
      () => `EXPLAIN (VERBOSE, COSTS OFF) ${this.#update(major)}`,
      () => `DECLARE c1 CURSOR FOR ${this.#query()}`,
      () => `INSERT INTO log SELECT ${this.#words.literal('int')}, z::text FROM (${this.#query()}) z`,
      () =>
        `SELECT ${dice.pick(['added(a)', 'added(DISTINCT c)', 'added(a) OVER (ORDER BY id)'])} FROM ${dice.pick(this.#relations).name}`,
      () => `LOCK TABLE ${dice.pick(this.#relations).name}`,
      () => `ANALYZE ${dice.pick(this.#relations).name}`,
      () => `PREPARE pp AS ${this.#query()}`,
      () => `INSERT INTO ${dice.pick(this.#relations).name} DEFAULT VALUES`,
      () => `UPDATE ${dice.pick(this.#relations).name} SET a = DEFAULT`,
      () => `VALUES ((SELECT max(a) FROM ${dice.pick(this.#relations).name})), (2)`,
      () => this.#recursive(),
      () => this.#windowed(),
    );
  }

  #recursive(): string {
    const relation = this.#dice.pick(this.#relations);
    const item: Item = { alias: 'tt', fields: relation.fields };
    return `WITH RECURSIVE z (n, s) AS (SELECT id, ${this.#words.text([item], 1)} FROM ${relation.name} tt WHERE id = 1 UNION ALL
      SELECT tt.id, z.s FROM z JOIN ${relation.name} tt ON tt.id = z.n + 1 AND ${this.#words.bool([item], 1)}) SELECT ${this.#dice.pick(['n', 's', 'z', 'count(*)'])} FROM z`;
  }

  #windowed(): string {
    const dice = this.#dice;
    const { sql, sight } = this.#words.from(1);
    const order = `${this.#words.of(dice.pick(['int', 'text'] as const), sight, 1)}, ${sight[0]?.alias}.id`;
    const rows = dice.pick(['', ' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW', ` RANGE UNBOUNDED PRECEDING`]);
    const group = `SELECT ${this.#words.int(sight, 0)} AS f0, count(*) FROM ${sql} GROUP BY ${dice.pick(['ROLLUP', 'CUBE'])} (1)`;
    const list = dice.pick([
      'row_number()',
      `lag(${this.#words.int(sight, 1)})`,
      `first_value(${this.#words.text(sight, 1)})`,
    ]);
    return dice.chance(0.2)
      ? group
      : `SELECT ${list} OVER (PARTITION BY ${this.#words.int(sight, 0)} ORDER BY ${order}${rows}) FROM ${sql}`;
  }

  #with(major: number): string {
    const dice = this.#dice;
    const inner = dice.make(
      () => this.#words.query([], 2).sql,
      () => `${this.#update(major).replace(/ RETURNING .*$/s, '')} RETURNING tt.id AS f0`,
      () => `${this.#delete(major).replace(/ RETURNING .*$/s, '')} RETURNING tt.id AS f0`,
    );
    const item: Item = { alias: 'z', fields: [{ name: 'f0', kind: 'int' }] };
    return `WITH z AS (${inner}) SELECT ${this.#words.int([item], 2)}, z FROM z WHERE ${this.#words.bool([item], 1)}`;
  }
}
