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
  /** `rows`: of `n int, s text`. */
  readonly gives: Kind | 'bool' | 'rows';
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
      () => `${this.int(sight, down)} ${this.dice.pick(['#', '&', '|'])} ${this.int(sight, 0)}`,
      () => `array_position(ARRAY[${this.text(sight, down)}, 'b'], ${this.text(sight, 0)})`,
      () => `jsonb_array_length(jsonb_build_array(${this.int(sight, down)}, ${this.text(sight, 0)}))`,
      () => `(ROW(${this.int(sight, down)}, ${this.text(sight, 0)}) < ROW(2, 'a'))::int`,
      () => `(${this.int(sight, down)})::small::int`,
      () => `(${this.int(sight, down)})::numeric(1)::int`,
      () => `(SELECT u FROM unnest(ARRAY[${this.int(sight, down)}, ${this.int(sight, 0)}]) u ORDER BY u LIMIT 1)`,
      () => `(SELECT count(*)::int FROM generate_series(1, ${this.int(sight, down)} % 5))`,
      () => `(SELECT x.f0 FROM (VALUES (${this.int(sight, down)}), (3)) x (f0) ORDER BY 1 LIMIT 1)`,
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
      () => this.row(sight, (alias) => `(to_jsonb(${alias}) ->> ${this.literal('text')})`),
      () => this.row(sight, (alias) => `format('%s', ${alias})`),
      () => `(jsonb_build_object('k', ${this.text(sight, down)}) ->> 'k')`,
      () => `(${this.text(sight, down)})::word::text`,
      () => `substr(${this.text(sight, down)}, ${this.int(sight, 0)})`,
      () => `translate(${this.text(sight, down)}, ${this.text(sight, 0)}, 'xyz')`,
      () => `repeat('z', (${this.int(sight, down)}) % 4)`,
      () => `(ARRAY[${this.text(sight, down)}, ${this.text(sight, 0)}])[${this.int(sight, 0)}]`,
      () => `(SELECT string_agg(z, '+') FROM regexp_split_to_table(${this.text(sight, down)}, 'a') z)`,
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
      () => this.row(sight, (alias) => `${alias} = ${alias}`),
      () => `${this.text(sight, down)} ~ ${this.text(sight, 0)}`,
      () => `${this.int(sight, down)} BETWEEN ${this.int(sight, 0)} AND ${this.int(sight, 0)}`,
      () => `(${this.int(sight, down)}, ${this.text(sight, 0)}) IS DISTINCT FROM (${this.int(sight, 0)}, 'a')`,
      () => `${this.int(sight, down)} OPERATOR(w.===) ${this.int(sight, 0)}`,
      () => `${this.text(sight, down)} IS JSON`,
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
    if (depth > 1 && this.dice.chance(0.06)) {
      const rows = this.#ground.functions.filter((each) => each.gives === 'rows');
      const callee = rows.length === 0 ? undefined : this.dice.pick(rows);
      const item = this.item({
        name: '',
        fields: [
          { name: 'n', kind: 'int' },
          { name: 's', kind: 'text' },
        ],
      });
      if (callee !== undefined)
        return {
          sql: `${callee.name}(${this.literal('int')}) AS ${item.alias}`,
          item: { alias: item.alias, fields: item.fields },
        };
    }
    if (depth > 1 && this.dice.chance(0.15)) {
      const inner = this.query([], depth - 1);
      const item = this.item({ name: '', fields: inner.fields });
      return { sql: `(${inner.sql}) AS ${item.alias}`, item: { alias: item.alias, fields: item.fields } };
    }
    const odd = this.dice.chance(0.15) ? this.#odd() : undefined;
    if (odd !== undefined) return odd;
    const item = this.item(this.dice.pick(this.#ground.relations));
    return { sql: `${this.dice.chance(0.05) ? 'ONLY ' : ''}${item.rowOf ?? ''} ${item.alias}`, item };
  }

  /** Columns under other names, samples, rows made of rows. */
  #odd(): { readonly sql: string; readonly item: Item } {
    const { dice } = this;
    const relation = dice.pick(this.#ground.relations);
    const item = this.item(relation);
    const { alias } = item;
    const renamed = relation.fields.map((each, at): Field => ({ kind: each.kind, name: `n${at}` }));
    const line: readonly Field[] = [
      { name: 'n', kind: 'int' },
      { name: 's', kind: 'text' },
    ];
    const bare = (fields: readonly Field[]): Item => ({ alias, fields });
    const [n, s] = [this.column('int', [item]), this.column('text', [item])];
    return dice.make(
      () => ({
        sql: `${relation.name} AS ${alias} (${renamed.map((each) => each.name).join(', ')})`,
        item: bare(renamed),
      }),
      () => ({
        sql: `(TABLE ${relation.name}) AS ${alias} (${renamed.map((each) => each.name).join(', ')})`,
        item: bare(renamed),
      }),
      () => ({ sql: `(SELECT ${n}, ${s} FROM ${relation.name} ${alias}) AS ${alias} (n, s)`, item: bare(line) }),
      () => ({
        sql: `(SELECT x.n, y.s FROM ${relation.name} ${alias}, LATERAL (SELECT ${n} AS n) x, LATERAL (VALUES (${s})) y (s)) AS ${alias}`,
        item: bare(line),
      }),
      () => ({
        sql: `(SELECT x.n, x.s FROM ${relation.name} ${alias}, jsonb_to_record(to_jsonb(${alias})) AS x (id int, b text, n int, s text)) AS ${alias}`,
        item: bare(line),
      }),
      () => ({
        sql: `(SELECT (x).* FROM (SELECT ${alias} AS x FROM ${relation.name} ${alias}) ${alias}) AS ${alias}`,
        item: bare(relation.fields),
      }),
      () => ({
        sql: `(SELECT x.n, ${s} AS s FROM ${relation.name} ${alias}, ROWS FROM (generate_series(1, ${n} % 4)) WITH ORDINALITY x (n, o)) AS ${alias}`,
        item: bare(line),
      }),
      () => ({
        sql: `jsonb_populate_recordset(NULL::${relation.name}, (SELECT jsonb_agg(to_jsonb(${alias})) FROM ${relation.name} ${alias})) AS ${alias}`,
        item: bare(relation.fields),
      }),
    );
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
