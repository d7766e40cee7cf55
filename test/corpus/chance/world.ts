// A random small schema: tables with row security, views over views, functions, triggers, rules, keys and partitions. A list of definitions, of
// which each may fail by itself: what the server does not take is simply not there. So a schema can be made smaller by leaving some out.
import { Dice } from './dice.ts';
import { Words, type Callable, type Field, type Kind, type Named } from './words.ts';

export const roles = ['agent', 'boss', 'keeper', 'teller'] as const;
export type Role = (typeof roles)[number];

/** Once for each cluster, where they are not there yet. */
export const rolesSql = `DO $d$ BEGIN
  IF to_regrole('agent') IS NULL THEN
    CREATE ROLE agent; CREATE ROLE boss BYPASSRLS; CREATE ROLE keeper; CREATE ROLE teller;
    GRANT teller TO agent;
  END IF;
END $d$`;

export interface Stored extends Field {
  /** Its values are secret: what they are must not show where nobody said that it is read. */
  readonly canary: boolean;
  readonly unique: boolean;
  /** Values point to another table's rows. */
  readonly pointsTo: string | undefined;
  readonly needed: boolean;
}

export interface Table extends Named {
  readonly stored: readonly Stored[];
  /** Tables whose rows are seen through this one, or this one's through them. */
  readonly kin?: readonly string[];
}

export interface World {
  readonly seed: number;
  readonly ddl: readonly string[];
  readonly tables: readonly Table[];
  readonly views: readonly Named[];
  readonly functions: readonly Callable[];
}

const schemaSql = `DROP SCHEMA IF EXISTS w CASCADE; CREATE SCHEMA w; SET search_path = w; GRANT ALL ON SCHEMA w TO PUBLIC`;
const grantsSql = `GRANT ALL ON ALL TABLES IN SCHEMA w TO agent, boss, keeper, teller;
  GRANT ALL ON ALL SEQUENCES IN SCHEMA w TO agent, boss, keeper, teller`;

export function makeWorld(seed: number): World {
  return new Maker(seed).world();
}

class Maker {
  readonly #seed: number;
  readonly #dice: Dice;
  readonly #ddl: string[] = [schemaSql];
  readonly #tables: Table[] = [];
  readonly #views: Named[] = [];
  readonly #functions: Callable[] = [];
  readonly #words: Words;

  constructor(seed: number) {
    this.#seed = seed;
    this.#dice = new Dice(seed);
    const [tables, views, functions] = [this.#tables, this.#views, this.#functions];
    this.#words = new Words(this.#dice, {
      get relations() {
        return [...tables, ...views];
      },
      functions,
    });
  }

  world(): World {
    const dice = this.#dice;
    this.#domains();
    const count = 3 + dice.below(2);
    for (let at = 1; at <= count; at += 1) this.#table(`t${at}`);
    if (dice.chance(0.4)) this.#parted('p');
    if (dice.chance(0.3)) this.#child('kid');
    this.#add('CREATE TABLE log (id int, what text)');
    this.#tables.push({ name: 'log', fields: fieldsOf([plain('id', 'int'), plain('what', 'text')]), stored: [] });
    for (let at = dice.below(3); at > 0; at -= 1) this.#function(`f${at}`);
    if (dice.chance(0.4)) this.#rows('r1');
    for (let at = 1 + dice.below(3); at > 0; at -= 1) this.#view(`v${at}`);
    for (let at = dice.below(3); at > 0; at -= 1) this.#function(`g${at}`);
    // Without any, functions with their definer's rights can be read too.
    const isGuarded = dice.chance(0.75);
    for (const table of this.#tables) if (isGuarded && dice.chance(0.6)) this.#rowSecurity(table.name, table);
    this.#stored();
    if (dice.chance(0.3)) this.#view('v8');
    if (dice.chance(0.2)) this.#copied('m1');
    for (let at = dice.below(3); at > 0; at -= 1) this.#trigger(at);
    if (dice.chance(0.25)) this.#rule();
    this.#add(grantsSql);
    return {
      seed: this.#seed,
      ddl: this.#ddl,
      tables: this.#tables,
      views: this.#views,
      functions: this.#functions,
    };
  }

  #add(sql: string): void {
    this.#ddl.push(sql);
  }

  #domains(): void {
    this.#add('CREATE DOMAIN small AS int CHECK (VALUE < 1000)');
    // Nobody's, so that there always is one of that name.
    this.#add(`CREATE FUNCTION alike(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT $1 % 3 = $2 % 3'`);
    this.#add('CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = alike)');
    this.#add(`CREATE DOMAIN word AS text CHECK (VALUE NOT LIKE '%;%')`);
  }

  #typeOf(kind: Kind): string {
    return kind === 'int'
      ? this.#dice.pick(['int', 'int', 'bigint', 'small'])
      : this.#dice.pick(['text', 'text', 'varchar(40)', 'word']);
  }

  #table(name: string): void {
    const dice = this.#dice;
    const stored: Stored[] = [plain('id', 'int')];
    const parts = ['id int PRIMARY KEY'];
    for (const [at, column] of ['a', 'b', 'c', 'd'].entries()) {
      const kind: Kind = at % 2 === 0 ? 'int' : 'text';
      const [unique, needed] = [dice.chance(0.12), dice.chance(0.15)];
      stored.push({ ...plain(column, kind), canary: true, unique, needed });
      const fallback = dice.chance(0.3) ? ` DEFAULT ${this.#words.literal(kind)}` : '';
      parts.push(`${column} ${this.#typeOf(kind)}${unique ? ' UNIQUE' : ''}${needed ? ' NOT NULL' : ''}${fallback}`);
    }
    const item = { alias: name, fields: fieldsOf(stored) };
    const made = dice.chance(0.25) ? dice.pick(['int', 'text'] as const) : undefined;
    if (made !== undefined)
      parts.push(
        `g ${made} GENERATED ALWAYS AS (${made === 'int' ? 'coalesce(a, 0) + length(b)' : "coalesce(b, '') || d"}) STORED`,
      );
    if (dice.chance(0.25))
      parts.push(`CHECK (${dice.pick(['a <> 99', "b <> 'zz'", 'a < 50 OR c < 50', 'length(d) < 30'])})`);
    const other = this.#tables.length > 0 && dice.chance(0.5) ? dice.pick(this.#tables) : undefined;
    if (other !== undefined) {
      const unique = other.stored.find((each) => each.unique && each.kind === 'int');
      const target = unique !== undefined && dice.chance(0.6) ? unique.name : 'id';
      const actions = dice.pick([
        '',
        'ON DELETE CASCADE',
        'ON DELETE SET NULL',
        'ON UPDATE CASCADE ON DELETE CASCADE',
        'ON UPDATE CASCADE',
      ]);
      parts.push(
        `r ${unique !== undefined && target === unique.name ? 'bigint' : 'int'} REFERENCES ${other.name} (${target}) ${actions}`,
      );
      stored.push({ ...plain('r', 'int'), canary: true, pointsTo: other.name });
    }
    this.#add(`CREATE TABLE ${name} (${parts.join(', ')})`);
    if (dice.chance(0.2)) this.#add(`CREATE UNIQUE INDEX ON ${name} ((a % 90)) WHERE a > 90`);
    if (dice.chance(0.3)) this.#add(`ALTER TABLE ${name} OWNER TO keeper`);
    const more: readonly Field[] = made === undefined ? [] : [{ name: 'g', kind: made }];
    this.#tables.push({
      name,
      fields: [...item.fields.filter(Boolean), ...(other ? [{ name: 'r', kind: 'int' as const }] : []), ...more].filter(
        once,
      ),
      stored,
    });
  }

  /** Values choose the partition by `id`, which is nobody's secret. */
  #parted(name: string): void {
    this.#add(`CREATE TABLE ${name} (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id)`);
    this.#add(`CREATE TABLE ${name}_low PARTITION OF ${name} FOR VALUES FROM (MINVALUE) TO (4)`);
    this.#add(`CREATE TABLE ${name}_high PARTITION OF ${name} FOR VALUES FROM (4) TO (MAXVALUE)`);
    const stored = [
      plain('id', 'int'),
      { ...plain('a', 'int'), canary: true },
      { ...plain('b', 'text'), canary: true },
    ];
    this.#tables.push({ name, fields: fieldsOf(stored), stored, kin: [`${name}_low`, `${name}_high`] });
    if (this.#dice.chance(0.5)) this.#tables.push({ name: `${name}_low`, fields: fieldsOf(stored), stored: [] });
  }

  #child(name: string): void {
    const parent = this.#dice.pick(this.#tables);
    this.#add(`CREATE TABLE ${name} (extra text) INHERITS (${parent.name})`);
    const stored = [
      ...parent.stored.map((each) => ({ ...each, unique: false })),
      { ...plain('extra', 'text'), canary: true },
    ];
    this.#tables.push({
      name,
      fields: [...parent.fields, { name: 'extra', kind: 'text' }],
      stored,
      kin: [parent.name],
    });
  }

  #function(name: string): void {
    const dice = this.#dice;
    const words = this.#words;
    const gives = dice.pick(['int', 'text', 'bool'] as const);
    const definer = dice.chance(0.25) ? ' SECURITY DEFINER' : '';
    const type = gives === 'bool' ? 'boolean' : gives;
    const relation = dice.pick([...this.#tables, ...this.#views]);
    if (dice.chance(0.3)) {
      const field = relation.fields.find((each) => each.kind === gives)?.name;
      const body = field === undefined ? 'SELECT NULL' : `SELECT $1.${field}`;
      this.#add(`CREATE FUNCTION ${name}(${relation.name}) RETURNS ${type} LANGUAGE sql STABLE AS '${body}'`);
      this.#functions.push({ name, takes: [{ rowOf: relation.name }], gives });
      return;
    }
    const item = words.item(relation);
    const sight = [item, { alias: name, fields: [{ name: 'n', kind: 'int' as const }] }];
    const value = gives === 'bool' ? words.bool(sight, 1) : words.of(gives, sight, 1);
    const query = `SELECT (${value}) FROM ${relation.name} ${item.alias} WHERE ${item.alias}.id = ${name}.n ORDER BY 1 LIMIT 1`;
    const way = dice.below(4);
    if (way === 0)
      this.#add(
        `CREATE FUNCTION ${name}(n int) RETURNS ${type} LANGUAGE sql STABLE${definer} BEGIN ATOMIC ${query}; END`,
      );
    else if (way === 1)
      this.#add(`CREATE FUNCTION ${name}(n int) RETURNS ${type} LANGUAGE plpgsql STABLE${definer} AS $f$
        DECLARE found_one ${type}; BEGIN ${query.replace('SELECT (', 'SELECT ((').replace(') FROM', ')) INTO found_one FROM')};
        IF found_one IS NULL THEN RAISE EXCEPTION 'nothing for %', n; END IF; RETURN found_one; END $f$`);
    else this.#add(`CREATE FUNCTION ${name}(n int) RETURNS ${type} LANGUAGE sql STABLE${definer} AS $f$ ${query} $f$`);
    this.#functions.push({ name, takes: ['int'], gives });
  }

  /** Rows, by a query or one at a time. */
  #rows(name: string): void {
    const dice = this.#dice;
    const query = `SELECT (${this.#words.int(this.#lines(), 1)}), (${this.#words.text(this.#lines(), 1)}) FROM t1 q WHERE q.id >= $1`;
    const body = dice.make(
      () => `BEGIN RETURN QUERY ${query}; END`,
      () =>
        `DECLARE x record; BEGIN FOR x IN SELECT * FROM t1 q WHERE q.id >= $1 LOOP n := x.a; s := x.b; RETURN NEXT; END LOOP; END`,
      () =>
        `BEGIN n := 1; s := 'none'; IF EXISTS (${query}) THEN RETURN NEXT; END IF; EXCEPTION WHEN others THEN s := 'bad'; RETURN NEXT; END`,
    );
    const plain = dice.chance(0.4);
    const table = 'TABLE (n int, s text)';
    this.#add(
      plain
        ? `CREATE FUNCTION ${name}(int) RETURNS ${table} LANGUAGE sql STABLE AS $f$ ${query} $f$`
        : `CREATE FUNCTION ${name}(int) RETURNS ${table} LANGUAGE plpgsql STABLE AS $f$ ${body} $f$`,
    );
    this.#functions.push({ name, takes: ['int'], gives: 'rows' });
  }

  #lines(): readonly { readonly alias: string; readonly fields: readonly Field[] }[] {
    return [{ alias: 'q', fields: this.#tables[0]?.fields ?? [] }];
  }

  #view(name: string): void {
    const dice = this.#dice;
    const options = dice.some(['security_invoker', 'security_barrier'], 0.35);
    const withOptions = options.length === 0 ? '' : ` WITH (${options.join(', ')})`;
    const base = dice.pick([...this.#tables, ...this.#views]);
    if (dice.chance(0.55)) {
      // One relation, so that it can be written to.
      const item = this.#words.item(base);
      const fields = base.fields.filter((each) => each.name === 'id' || dice.chance(0.7));
      const where = dice.chance(0.6) ? ` WHERE ${this.#words.bool([item], 1)}` : '';
      const check = dice.chance(0.4) && where !== '' ? ` WITH ${dice.pick(['LOCAL', 'CASCADED'])} CHECK OPTION` : '';
      const list = fields.map((each) => `${item.alias}.${each.name}`).join(', ');
      this.#add(`CREATE VIEW ${name}${withOptions} AS SELECT ${list} FROM ${base.name} ${item.alias}${where}${check}`);
      this.#views.push({ name, fields });
    } else {
      const query = this.#words.query([], 2);
      const fields = [{ name: 'id', kind: 'int' as const }, ...query.fields];
      this.#add(`CREATE VIEW ${name}${withOptions} AS SELECT 1 AS id, sub.* FROM (${query.sql}) sub`);
      this.#views.push({ name, fields });
    }
    if (dice.chance(0.5)) this.#add(`ALTER VIEW ${name} OWNER TO ${dice.pick(['keeper', 'boss', 'teller'])}`);
  }

  #copied(name: string): void {
    const base = this.#dice.pick(this.#tables);
    this.#add(`CREATE MATERIALIZED VIEW ${name} AS SELECT * FROM ${base.name}`);
    this.#views.push({ name, fields: base.fields });
  }

  #rowSecurity(name: string, relation: Named): void {
    const dice = this.#dice;
    const words = this.#words;
    const sight = [{ alias: name, fields: relation.fields, rowOf: name }];
    this.#add(`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`);
    if (dice.chance(0.3)) this.#add(`ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`);
    const condition = (): string => (dice.chance(0.35) ? 'true' : words.bool(sight, 2));
    dice.times(1, 4, (at) => {
      const command = dice.pick(['ALL', 'ALL', 'SELECT', 'INSERT', 'UPDATE', 'DELETE']);
      const kind = dice.pick(['PERMISSIVE', 'PERMISSIVE', 'RESTRICTIVE']);
      const to = dice.pick(['PUBLIC', 'PUBLIC', 'agent', 'agent, keeper', 'teller', 'boss, keeper']);
      const using = command === 'INSERT' ? '' : ` USING (${condition()})`;
      const check =
        /INSERT|UPDATE|ALL/.test(command) && (command === 'INSERT' || dice.chance(0.5))
          ? ` WITH CHECK (${condition()})`
          : '';
      this.#add(`CREATE POLICY y${at} ON ${name} AS ${kind} FOR ${command} TO ${to}${using}${check}`);
    });
    if (dice.chance(0.5)) this.#add(`CREATE POLICY open ON ${name} USING (true)`);
  }

  #trigger(at: number): void {
    const dice = this.#dice;
    const words = this.#words;
    const table = dice.pick([...this.#tables, ...this.#views.slice(0, 1)]);
    const isView = this.#views.includes(table);
    const before = !isView && dice.chance(0.7);
    const events = dice.pick(['INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE', 'UPDATE OR DELETE']);
    const row = /INSERT/.test(events) ? 'new' : 'old';
    const sight = [{ alias: row, fields: table.fields }];
    const given = /DELETE/.test(events) ? 'old' : 'new';
    const action = dice.make(
      () => `RAISE EXCEPTION 'no: %', ${words.of('text', sight, 1)};`,
      () => `${given}.a := ${words.int(sight, 1)};`,
      () => `INSERT INTO w.log VALUES (${row}.id, ${row}.b);`,
      () => 'RETURN NULL;',
      () => `RAISE NOTICE 'seen %', ${words.int(sight, 1)};`,
    );
    const body = `BEGIN IF ${words.bool(sight, 2)} THEN ${action} END IF; RETURN ${given}; END`;
    this.#add(`CREATE FUNCTION trap${at}() RETURNS trigger LANGUAGE plpgsql AS $f$ ${body} $f$`);
    const when = !isView && dice.chance(0.4) ? ` WHEN (${row}.${dice.pick(table.fields).name} IS NOT NULL)` : '';
    this.#add(
      `CREATE TRIGGER trapped${at} ${isView ? 'INSTEAD OF' : before ? 'BEFORE' : 'AFTER'} ${events} ON ${table.name} FOR EACH ROW${when} EXECUTE FUNCTION trap${at}()`,
    );
  }

  #rule(): void {
    const dice = this.#dice;
    const table = dice.pick([...this.#tables, ...this.#views]);
    const event = dice.pick(['INSERT', 'UPDATE', 'DELETE']);
    const row = event === 'INSERT' ? 'new' : 'old';
    const where = dice.chance(0.5) ? ` WHERE ${row}.${dice.pick(table.fields).name} IS NOT NULL` : '';
    const action = dice.make(
      () => `INSERT INTO log VALUES (${row}.id, 'seen')`,
      () => `INSERT INTO log SELECT ${row}.id, q.b FROM t1 q WHERE q.id = ${row}.id`,
      () => `UPDATE t1 SET b = 'r' WHERE t1.id = ${row}.id`,
      () => 'NOTHING',
    );
    this.#add(
      `CREATE RULE also AS ON ${event} TO ${table.name}${where} DO ${dice.pick(['ALSO', 'INSTEAD'])} ${action}`,
    );
  }

  /** What calls a function without a text that says so: operators, checks, defaults, conditions of indexes. */
  #stored(): void {
    const dice = this.#dice;
    const table = dice.pick(this.#tables.filter((each) => each.stored.length > 0));
    const callee = this.#functions.find((each) => each.gives === 'int' && each.takes[0] === 'int');
    const reader = `SELECT EXISTS (SELECT FROM w.${table.name} x WHERE x.a = $1 + $2)`;
    const ways: readonly (() => void)[] = [
      () => this.#add(`CREATE OR REPLACE FUNCTION alike(int, int) RETURNS boolean LANGUAGE sql AS '${reader}'`),
      () => this.#add(`ALTER DOMAIN small ADD CHECK (w.alike(VALUE, 0) IS NOT NULL)`),
      () =>
        this.#add(
          `ALTER TABLE ${table.name} ADD CHECK (${callee?.name ?? 'abs'}(a) IS NOT NULL OR a IS NULL) NOT VALID`,
        ),
      () => this.#add(`ALTER TABLE ${table.name} ALTER COLUMN a SET DEFAULT ${callee?.name ?? 'abs'}(2)`),
      () => this.#add(`CREATE UNIQUE INDEX ON ${table.name} (upper(b)) WHERE a > 5`),
      () => this.#add(`ALTER TABLE ${table.name} ADD EXCLUDE USING btree (c WITH =) WHERE (a > 5)`),
      () => this.#add(`ALTER TABLE ${table.name} ADD CHECK (a IS DISTINCT FROM c OR b <> d) NOT VALID`),
      () => this.#cast(table),
      () => this.#added(),
    ];
    for (const way of ways) if (dice.chance(0.2)) way();
  }

  #cast(table: Table): void {
    this.#add(`CREATE FUNCTION shown(${table.name}) RETURNS text LANGUAGE sql AS 'SELECT $1.b'`);
    this.#add(
      `CREATE CAST (${table.name} AS text) WITH FUNCTION shown(${table.name}) AS ${this.#dice.pick(['IMPLICIT', 'ASSIGNMENT'])}`,
    );
  }

  #added(): void {
    const relation = this.#dice.pick([...this.#tables, ...this.#views]);
    this.#add(
      `CREATE FUNCTION plus(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + coalesce($2, 0) + (SELECT count(*)::int FROM w.${relation.name} WHERE id = $2)'`,
    );
    this.#add('CREATE AGGREGATE added(int) (SFUNC = plus, STYPE = int, INITCOND = 0)');
  }
}

const plain = (name: string, kind: Kind): Stored => ({
  name,
  kind,
  canary: false,
  unique: false,
  pointsTo: undefined,
  needed: false,
});

const fieldsOf = (stored: readonly Stored[]): readonly Field[] => stored.map(({ name, kind }) => ({ name, kind }));

function once(field: Field, at: number, list: readonly Field[]): boolean {
  return list.findIndex((each) => each.name === field.name) === at;
}
