// Random SQL that nearly always means something: expressions by the type that is wanted over what is in sight, queries by the relations there
// are. Policies, views, bodies of functions and the statements themselves are all made of these.
import type { Dice } from './dice.ts';

export type Kind = 'int' | 'text';

export interface Field {
  readonly name: string;
  readonly kind: Kind;
}

export interface Item {
  readonly alias: string;
  readonly fields: readonly Field[];
  /** A relation's own row type, for functions of rows. */
  readonly rowOf?: string;
}

export type Sight = readonly Item[];

export interface Named {
  readonly name: string;
  readonly fields: readonly Field[];
}

export interface Callable {
  readonly name: string;
  readonly takes: readonly (Kind | { readonly rowOf: string })[];
  readonly gives: Kind | 'bool';
}

export interface Ground {
  readonly relations: readonly Named[];
  readonly functions: readonly Callable[];
}

export interface Query {
  readonly sql: string;
  readonly fields: readonly Field[];
}

export const literals: readonly string[] = ['', 'a', 'b', '1', '2', 'x7'];

export class Words {
  readonly dice: Dice;
  readonly #ground: Ground;
  #aliases = 0;

  constructor(dice: Dice, ground: Ground) {
    this.dice = dice;
    this.#ground = ground;
  }

  literal(kind: Kind): string {
    return kind === 'int' ? String(this.dice.below(7)) : `'${this.dice.pick(literals)}'`;
  }

  of(kind: Kind, sight: Sight, depth: number): string {
    return kind === 'int' ? this.int(sight, depth) : this.text(sight, depth);
  }

  /** A column in sight, named plainly, by its item, or out of the whole row. */
  column(kind: Kind, sight: Sight): string {
    const { dice } = this;
    const found = sight.flatMap((item) =>
      item.fields.filter((field) => field.kind === kind).map((field) => ({ item, field })),
    );
    if (found.length === 0) return this.literal(kind);
    const { item, field } = dice.pick(found);
    const way = dice.next();
    if (way < 0.1) return `(${item.alias}).${field.name}`;
    if (way < 0.13 && item.rowOf !== undefined) return `${field.name}(${item.alias})`;
    return `${item.alias}.${field.name}`;
  }

  int(sight: Sight, depth: number): string {
    const { dice } = this;
    const down = depth - 1;
    if (depth <= 0) return dice.chance(0.8) ? this.column('int', sight) : this.literal('int');
    return dice.make(
      () => this.column('int', sight),
      () => this.column('int', sight),
      () => this.column('int', sight),
      () => this.literal('int'),
      () => `(${this.int(sight, down)} ${dice.pick(['+', '-', '*', '%', '/'])} ${this.int(sight, down)})`,
      () => `length(${this.text(sight, down)})`,
      () => `coalesce(${this.int(sight, down)}, ${this.int(sight, down)})`,
      () => `CASE WHEN ${this.bool(sight, down)} THEN ${this.int(sight, down)} ELSE ${this.int(sight, down)} END`,
      () => `nullif(${this.int(sight, down)}, ${this.int(sight, down)})`,
      () => `greatest(${this.int(sight, down)}, ${this.int(sight, down)})`,
      () => `(${this.text(sight, down)})::int`,
      () => this.#aggregate('int', sight, down),
      () => this.call('int', sight, down) ?? this.column('int', sight),
      () => `num_nonnulls(${this.int(sight, down)}, ${this.text(sight, down)})`,
      () => `(current_setting('app.n', true))::int`,
    );
  }

  text(sight: Sight, depth: number): string {
    const { dice } = this;
    const down = depth - 1;
    if (depth <= 0) return dice.chance(0.8) ? this.column('text', sight) : this.literal('text');
    return dice.make(
      () => this.column('text', sight),
      () => this.column('text', sight),
      () => this.column('text', sight),
      () => this.literal('text'),
      () => `(${this.text(sight, down)} || ${this.text(sight, down)})`,
      () => `upper(${this.text(sight, down)})`,
      () => `(${this.int(sight, down)})::text`,
      () => this.row(sight, (alias) => `${alias}::text`),
      () => this.row(sight, (alias) => `to_jsonb(${alias})::text`),
      () => `concat_ws(',', ${this.int(sight, down)}, ${this.text(sight, down)})`,
      () => `CASE WHEN ${this.bool(sight, down)} THEN ${this.text(sight, down)} ELSE ${this.text(sight, down)} END`,
      () => this.#aggregate('text', sight, down),
      () => this.call('text', sight, down) ?? this.column('text', sight),
    );
  }

  bool(sight: Sight, depth: number): string {
    const { dice } = this;
    const down = depth - 1;
    const compare = (): string => {
      const kind = dice.pick(['int', 'text'] as const);
      const how = dice.pick(['=', '<>', '<', '>=', 'IS DISTINCT FROM']);
      return `${this.of(kind, sight, down)} ${how} ${this.of(kind, sight, down)}`;
    };
    if (depth <= 0) return compare();
    return dice.make(
      compare,
      compare,
      () => `(${this.bool(sight, down)} ${dice.pick(['AND', 'OR'])} ${this.bool(sight, down)})`,
      () => `NOT (${this.bool(sight, down)})`,
      () => `${this.of(dice.pick(['int', 'text'] as const), sight, down)} IS ${dice.pick(['', 'NOT '])}NULL`,
      () => `${this.text(sight, down)} LIKE ${this.text(sight, down)}`,
      () => `EXISTS (${this.query(sight, down).sql})`,
      () => this.#within(sight, down),
      () => this.row(sight, (alias) => `${alias} IS NOT NULL`),
      () => this.call('bool', sight, down) ?? compare(),
    );
  }

  call(gives: Callable['gives'], sight: Sight, depth: number): string | undefined {
    const fitting = this.#ground.functions.filter(
      (each) =>
        each.gives === gives &&
        each.takes.every((one) => typeof one === 'string' || sight.some(({ rowOf }) => rowOf === one.rowOf)),
    );
    if (fitting.length === 0) return undefined;
    const callee = this.dice.pick(fitting);
    const given = callee.takes.map((one) =>
      typeof one === 'string'
        ? this.of(one, sight, depth)
        : (sight.find(({ rowOf }) => rowOf === one.rowOf)?.alias ?? 'NULL'),
    );
    return `${callee.name}(${given.join(', ')})`;
  }

  row(sight: Sight, made: (alias: string) => string): string {
    return sight.length === 0 ? `'none'` : made(this.dice.pick(sight).alias);
  }

  #within(sight: Sight, depth: number): string {
    const kind = this.dice.pick(['int', 'text'] as const);
    const { from, inner } = this.#one(sight);
    const list = `SELECT ${this.of(kind, inner, depth)} FROM ${from} WHERE ${this.bool(inner, depth)}`;
    const value = this.of(kind, sight, depth);
    return this.dice.make(
      () => `${value} IN (${list})`,
      () => `${value} NOT IN (${list})`,
      () => `${value} = ANY (ARRAY(${list}))`,
    );
  }

  #aggregate(kind: Kind, sight: Sight, depth: number): string {
    const { from, inner } = this.#one(sight);
    const where = this.dice.chance(0.7) ? ` WHERE ${this.bool(inner, depth)}` : '';
    const how = kind === 'int' ? this.dice.pick(['max', 'sum', 'count']) : this.dice.pick(['max', 'min']);
    const value = how === 'count' && this.dice.chance(0.4) ? '*' : this.of(kind, inner, depth);
    return `(SELECT ${how}(${value})${kind === 'int' ? '::int' : ''} FROM ${from}${where})`;
  }

  /** One relation under a new name, and what is in sight inside. */
  #one(sight: Sight): { readonly from: string; readonly inner: Sight } {
    const item = this.item(this.dice.pick(this.#ground.relations));
    return { from: `${item.rowOf ?? ''} ${item.alias}`, inner: [item, ...(this.dice.chance(0.5) ? sight : [])] };
  }

  item(relation: Named): Item {
    this.#aliases += 1;
    return { alias: `q${this.#aliases}`, fields: relation.fields, rowOf: relation.name };
  }

  query(outer: Sight, depth: number): Query {
    const { dice } = this;
    const plain = this.#select(outer, depth);
    if (depth <= 1 || dice.chance(0.85)) return plain;
    const arm = this.#select(outer, depth - 1, plain.fields);
    const how = dice.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT']);
    return { sql: `${plain.sql} ${how} ${arm.sql}`, fields: plain.fields };
  }

  /** FROM and what it brings in sight. */
  from(depth: number): { readonly sql: string; readonly sight: Sight } {
    const { dice } = this;
    const first = this.#source(depth);
    if (dice.chance(0.6)) return { sql: first.sql, sight: [first.item] };
    const second = this.#source(depth);
    const sight = [first.item, second.item];
    const shared = first.item.fields.filter((each) => second.item.fields.some((one) => one.name === each.name));
    const join = dice.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN']);
    if (shared.length > 0 && dice.chance(0.3))
      return { sql: `${first.sql} ${join} ${second.sql} USING (${dice.pick(shared).name})`, sight };
    if (shared.length > 0 && dice.chance(0.15)) return { sql: `${first.sql} NATURAL ${join} ${second.sql}`, sight };
    if (join === 'FULL JOIN')
      return {
        sql: `${first.sql} FULL JOIN ${second.sql} ON ${this.column('int', [first.item])} = ${this.column('int', [second.item])}`,
        sight,
      };
    return { sql: `${first.sql} ${join} ${second.sql} ON ${this.bool(sight, depth - 1)}`, sight };
  }

  #source(depth: number): { readonly sql: string; readonly item: Item } {
    if (depth > 1 && this.dice.chance(0.15)) {
      const inner = this.query([], depth - 1);
      const item = this.item({ name: '', fields: inner.fields });
      return { sql: `(${inner.sql}) AS ${item.alias}`, item: { alias: item.alias, fields: item.fields } };
    }
    const item = this.item(this.dice.pick(this.#ground.relations));
    return { sql: `${this.dice.chance(0.05) ? 'ONLY ' : ''}${item.rowOf ?? ''} ${item.alias}`, item };
  }

  #select(outer: Sight, depth: number, wanted?: readonly Field[]): Query {
    const { dice } = this;
    const { sql: from, sight } = this.from(depth);
    const inner = [...sight, ...outer];
    const where = dice.chance(0.6) ? ` WHERE ${this.bool(inner, depth - 1)}` : '';
    const kinds = wanted?.map((each) => each.kind) ?? dice.times(1, 3, () => dice.pick(['int', 'text'] as const));
    const fields = kinds.map((kind, at): Field => ({ kind, name: wanted?.[at]?.name ?? `f${at}` }));
    if (dice.chance(0.15)) return { sql: this.#grouped({ from, where, fields, sight, depth }), fields };
    const list = fields.map(({ kind, name }) => `${this.of(kind, inner, depth - 1)} AS ${name}`);
    const distinct = dice.chance(0.1) ? 'DISTINCT ' : '';
    const on = distinct === '' && wanted === undefined && dice.chance(0.05) ? this.column('int', sight) : undefined;
    if (on !== undefined)
      return { sql: `(SELECT DISTINCT ON (${on}) ${list.join(', ')} FROM ${from}${where} ORDER BY ${on})`, fields };
    return { sql: `SELECT ${distinct}${list.join(', ')} FROM ${from}${where}`, fields };
  }

  #grouped(parts: {
    readonly from: string;
    readonly where: string;
    readonly fields: readonly Field[];
    readonly sight: Sight;
    readonly depth: number;
  }): string {
    const { dice } = this;
    const { from, where, fields, sight, depth } = parts;
    const list = fields.map(({ kind, name }) => {
      const value = this.of(kind, sight, depth - 1);
      const filter = dice.chance(0.3) ? ` FILTER (WHERE ${this.bool(sight, 0)})` : '';
      return kind === 'int'
        ? `${dice.pick(['sum', 'count', 'max'])}(${value})${filter}::int AS ${name}`
        : `string_agg(${value}, ',' ORDER BY ${value})${filter} AS ${name}`;
    });
    const having = dice.chance(0.3) ? ` HAVING count(${this.column('int', sight)}) > 1` : '';
    return `SELECT ${list.join(', ')} FROM ${from}${where} GROUP BY ${this.of('int', sight, 1)}${having}`;
  }
}
