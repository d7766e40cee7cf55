// Pairs of sessions, as data for late-look.test.ts: one waits or goes on, while another changes definitions.
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { watchedFiles } from '../support/watched-files.ts';

export const files = watchedFiles({
  tables: '{ public.people: { columns: { ssn: watched } } }',
  allows: ['schema', 'destructive'],
});

const functionOf = (body: string): string =>
  `create or replace function says() returns text language plpgsql volatile as $$ begin return ${body}; end $$`;
const triggerOf = (body: string): string =>
  `create or replace function fires() returns trigger language plpgsql as $$ begin ${body} return new; end $$`;
const checkOf = (body: string): string =>
  `create or replace function fits(text) returns boolean language plpgsql as $$ begin ${body} return true; end $$`;
const harmless = functionOf("'x'");
const reading = functionOf('(select ssn from public.people where id = 1)');

export const schema = `
  drop schema public cascade; create schema public
  create table people (id int primary key, ssn text);
  create table t (id int, note text);
  create table other (id int);
  create table target (id int);
  insert into people values (1, 'canary');
  insert into t select i, 'n' || i from generate_series(1, 5) i;
  ${harmless};
  ${triggerOf('')};
  create trigger fires before insert on target for each row execute function fires();
  create view shown as select id, note from t;
  create domain code as text check (value ~ '^[a-z]+$');
  create table kept (id int primary key check (id > 0), code code, note text default upper('x'), more int generated always as (id * 2) stored);
  create view kept_shown as select id, upper(note) as note from kept where id > 1;
  create function kept_ids() returns setof int begin atomic select id from kept; end;
  create policy kept_rows on kept using (id > 0);
  create index on kept (lower(note)) where id > 5;
  insert into kept values (1, 'a');
  ${checkOf('')};
  create domain fitting as text check (fits(value));
  create table fitted (id int, word fitting);`;

export const text = (sql: string): ClientMessage => ({ kind: 'query', sql: Buffer.from(sql) });
const parse = (sql: string): ClientMessage => ({ kind: 'parse', statement: 's', sql: Buffer.from(sql), types: [] });
const bind = (portal: string): ClientMessage => ({
  ...{ kind: 'bind', portal, statement: 's', formats: [], parameters: [], resultFormats: [] },
});
const execute = (portal: string, maxRows: number): ClientMessage => ({ kind: 'execute', portal, maxRows });
const sync: ClientMessage = { kind: 'sync' };
const rowsOf = (rows: string): readonly ClientMessage[] => [
  { kind: 'copyData', data: Buffer.from(rows) },
  { kind: 'copyDone' },
];
const fill = (table: string, rows: string): readonly ClientMessage[] => [
  text(`copy ${table} from stdin`),
  ...rowsOf(rows),
];

/** `byTheOther`: by the one who changes definitions. */
export type Part = string | readonly ClientMessage[] | { readonly byTheOther: string };
export interface Play {
  /** The other is no agent: nobody tells the proxy of what he changes. */
  readonly isOutside?: true;
  /** What the one who asks has done before. */
  readonly before: readonly Part[];
  /** A COPY that is open while the other is at it; what comes after goes on with it. */
  readonly opens?: string;
  /** What the other changes; the first takes a lock, unless nobody is to wait. */
  readonly changes: readonly string[];
  /** Sent when the lock is taken and the change made, before it is committed. */
  readonly waits?: Part;
  /** What the other takes back while the one who asks is still at it. */
  readonly takesBack?: string;
  /** Sent behind the commit. */
  readonly after: readonly Part[];
}

const lock = 'lock table t in access exclusive mode';
const calls = 'select says() from t';

export const attacks: Readonly<Record<string, Play>> = {
  'a known text that waits': { before: [calls, calls], changes: [lock, reading], waits: calls, after: [] },
  'a new text that waits': { before: [], changes: [lock, reading], waits: calls, after: [] },
  'a known text in a transaction': {
    before: [calls, 'begin'],
    changes: [lock, reading],
    waits: calls,
    after: ['commit'],
  },
  'a prepared text that waits': {
    before: [[parse(calls), bind(''), execute('', 0), sync]],
    changes: [lock, reading],
    waits: [bind(''), execute('', 0), sync],
    after: ['select 1'],
  },
  'a cursor that goes on': {
    before: ['begin', `declare c cursor for ${calls}`, 'fetch 1 from c'],
    changes: [reading],
    after: ['select id from other', 'fetch 2 from c'],
  },
  'a portal that goes on': {
    before: ['begin', [parse(calls), bind('p'), execute('p', 1), sync]],
    changes: [reading],
    after: ['select id from other', [execute('p', 2), sync]],
  },
  'a rule': {
    before: ['insert into other values (1)'],
    changes: ['lock table other', 'create rule r as on insert to other do also select ssn from people'],
    waits: 'insert into other values (1)',
    after: [],
  },
  'a notice of a trigger': {
    before: ['insert into target values (1)'],
    changes: ['lock table target', triggerOf("raise notice '%', (select ssn from people limit 1);")],
    waits: 'insert into target values (1)',
    after: [],
  },
  'an error of a trigger': {
    before: ['insert into target values (1)'],
    changes: ['lock table target', triggerOf("raise exception '%', (select ssn from people limit 1);")],
    waits: 'insert into target values (1)',
    after: [],
  },
  'a check of a domain': {
    before: [fill('fitted (id, word)', '1\tx\n')],
    changes: ['lock table fitted', checkOf("raise exception '%', (select ssn from people limit 1);")],
    waits: fill('fitted (id, word)', '2\ty\n'),
    after: [],
  },
  'a new text that waits for somebody at the server': {
    isOutside: true,
    before: [],
    changes: [lock, reading],
    waits: calls,
    after: [],
  },
  'a new text in a transaction that waits for somebody at the server': {
    isOutside: true,
    before: ['begin', 'create table own (id int)'],
    changes: [lock, reading],
    waits: calls,
    after: [],
  },
  'a prepared text that waits for somebody at the server': {
    isOutside: true,
    before: [],
    changes: [lock, reading],
    waits: `prepare p as ${calls}`,
    after: ['execute p'],
  },
  'a cursor that waits for somebody at the server': {
    isOutside: true,
    before: ['begin'],
    changes: [lock, reading],
    waits: `declare c cursor for ${calls}`,
    after: ['fetch all from c'],
  },
  'a copy that waits for somebody at the server': {
    isOutside: true,
    before: [],
    changes: [lock, reading],
    waits: `copy (${calls}) to stdout`,
    after: [],
  },
  'a name of the session': {
    before: ['insert into target values (1)'],
    changes: [
      'lock table target',
      triggerOf("perform set_config('application_name', (select ssn from people limit 1), false);"),
    ],
    waits: 'insert into target values (1)',
    after: [],
  },
};

/** What was made of it stays, and can be read when all is as it was again. */
const putBack: Part = { byTheOther: harmless };
export const lasting: Readonly<Record<string, Play>> = {
  'rows that were inserted': {
    before: ['create table copy (word text)', 'insert into copy select says() from t where false'],
    changes: [lock, reading],
    waits: 'insert into copy select says() from t',
    after: [putBack, 'select * from copy'],
  },
  'a table made of it': {
    before: [calls],
    changes: [lock, reading],
    waits: 'create table copy as select says() as word from t',
    after: [putBack, 'select * from copy'],
  },
  'a table made of it, in a transaction': {
    before: ['begin'],
    changes: [lock, reading],
    waits: 'create table copy as select says() as word from t',
    after: ['commit', putBack, 'select * from copy'],
  },
  'a temporary table made of it': {
    before: [calls],
    changes: [lock, reading],
    waits: 'create temp table copy as select says() as word from t',
    after: [putBack, 'select * from copy'],
  },
  'SELECT INTO': {
    before: [calls],
    changes: [lock, reading],
    waits: 'select says() as word into copy from t',
    after: [putBack, 'select * from copy'],
  },
  'a materialized view': {
    before: [calls],
    changes: [lock, reading],
    waits: 'create materialized view copy as select says() as word from t',
    after: [putBack, 'select * from copy'],
  },
  'a materialized view that is renewed': {
    before: ['create materialized view copy as select says() as word from t', 'select count(*) from copy'],
    changes: [lock, reading],
    waits: 'refresh materialized view copy',
    after: [putBack, 'select * from copy'],
  },
  'a cursor that outlasts its transaction': {
    before: ['begin', `declare c cursor with hold for ${calls}`],
    changes: [reading],
    after: ['commit', putBack, 'fetch all from c'],
  },
  'a cursor that waits and goes on': {
    before: ['begin'],
    changes: [lock, reading],
    waits: `declare c cursor for ${calls}`,
    after: [putBack, 'fetch all from c'],
  },
  'a default': {
    before: ['create table copy (id int, word text default says())'],
    changes: ['lock table copy', reading],
    waits: 'insert into copy (id) values (1)',
    after: [putBack, 'select * from copy'],
  },
  'a table made of it behind somebody at the server': {
    isOutside: true,
    before: [],
    changes: [lock, reading],
    waits: 'create table copy as select says() as word from t',
    after: [putBack, 'select * from copy'],
  },
  'rows that were inserted behind somebody at the server': {
    isOutside: true,
    before: ['create table copy (word text)'],
    changes: [lock, reading],
    waits: 'insert into copy select says() from t',
    after: [putBack, 'select * from copy'],
  },
  'a column that is added': {
    before: ['create table copy (id int)', 'insert into copy values (1)'],
    changes: ['lock table copy', reading],
    waits: 'alter table copy add column word text default says()',
    after: [putBack, 'select * from copy'],
  },
  'a column that is made anew': {
    before: ['create table copy (id int, word text)', "insert into copy values (1, 'w')"],
    changes: ['lock table copy', reading],
    waits: 'alter table copy alter column word type text using says()',
    after: [putBack, 'select * from copy'],
  },
  'a known text that makes a table': {
    before: ['create table copy as select says() as word from t', 'drop table copy'],
    changes: [lock, reading],
    waits: 'create table copy as select says() as word from t',
    after: [putBack, 'select * from copy'],
  },
  'a known text that makes a temporary table': {
    before: ['select says() as word into temp copy from t', 'drop table copy'],
    changes: [lock, reading],
    waits: 'select says() as word into temp copy from t',
    after: [putBack, 'select * from copy'],
  },
  'a known text that renews a view': {
    before: [
      'create materialized view copy as select says() as word from t',
      'refresh materialized view copy',
      'select count(*) from copy',
    ],
    changes: [lock, reading],
    waits: 'refresh materialized view copy',
    after: [putBack, 'select * from copy'],
  },
  'a known text that makes a cursor': {
    before: [`begin`, `declare c cursor with hold for ${calls}`, 'rollback', 'begin'],
    changes: [lock, reading],
    waits: `declare c cursor with hold for ${calls}`,
    after: ['commit', putBack, 'fetch all from c'],
  },
};

const slowly = {
  own: 'select x || (select count(*) from generate_series(1, 3000000) many)::text from own, t',
  select: 'select says() || (select count(*) from generate_series(1, 3000000) many) from t',
  insert: 'insert into copy select says() || (select count(*) from generate_series(1, 3000000) many) from t',
};
const viewed = 'select word || (select count(*) from generate_series(1, 3000000) many) from t, free';

/** The same as before and behind it, and another in between. */
export const between: Readonly<Record<string, Play>> = {
  'rows that were inserted by a function': {
    before: ['create table copy (word text)', slowly.insert],
    changes: [lock, reading],
    waits: slowly.insert,
    takesBack: harmless,
    after: ['select * from copy'],
  },
  'rows of a function': {
    before: [slowly.select],
    changes: [lock, reading],
    waits: slowly.select,
    takesBack: harmless,
    after: [],
  },
  'a view that stood before a table': {
    before: [
      'create schema first',
      'create table free (word text)',
      "insert into free values ('x')",
      'set search_path = first, public',
      viewed,
    ],
    changes: [lock, 'create view first.free as select ssn as word from people'],
    waits: viewed,
    takesBack: 'drop view first.free',
    after: [],
  },
};

export const honest: Readonly<Record<string, Play>> = {
  'another column': {
    before: [],
    changes: ['alter table t add more int'],
    waits: 'select note from t',
    after: [calls],
  },
  'a function that still is harmless': {
    before: [calls],
    changes: [lock, functionOf("'y'")],
    waits: calls,
    after: [calls],
  },
  'a cursor without functions of users': {
    before: ['begin', 'declare c cursor for select note from t', 'fetch 1 from c'],
    changes: ['create table more (id int)'],
    after: ['fetch 2 from c', 'commit'],
  },
  'a portal that goes on behind a new table': {
    before: ['begin', [parse('select note from t'), bind('p'), execute('p', 1), sync]],
    changes: ['create table more (id int)'],
    after: [[execute('p', 2), sync], 'commit'],
  },
  'a table that is emptied and filled while others define things': {
    before: ['begin', 'truncate kept'],
    opens: 'copy kept (id, code) from stdin',
    changes: [
      "create table more (id int primary key check (id > 0), note text default upper('y'))",
      'create index on other (lower(id::text))',
      'alter table t add check (id > 0)',
      'create view more_shown as select upper(note) from more',
    ],
    after: [rowsOf('1\ta\n2\tb\n'), 'select * from kept_shown', 'commit', 'select id, note from kept'],
  },
  'a table that is locked while others define things': {
    before: ['begin', 'lock table kept in access exclusive mode'],
    changes: ['create table more (id int)', 'alter table other add unique (id)'],
    after: ['select count(*) from kept', 'select kept_ids()', "insert into kept values (7, 'q')", 'commit'],
  },
  'a function whose table others define things beside': {
    before: [slowly.select],
    changes: [lock, 'create table more (id int)'],
    waits: slowly.select,
    takesBack: 'create table yet_more (id int)',
    after: [],
  },
  'a temporary table that others have one like': {
    before: ['create temp table own as select 1 as x', slowly.own],
    changes: [lock, 'create temp table own (x int)'],
    waits: slowly.own,
    takesBack: 'drop table own',
    after: ['select x from own'],
  },
  'a column that comes and goes': {
    before: ['select note from t'],
    changes: ['alter table t add more int'],
    waits: 'select note from t',
    after: [{ byTheOther: 'alter table t add yet_more int' }, 'select note from t'],
  },
  'a view that is replaced by the like': {
    before: ['select note from shown'],
    changes: ['create or replace view shown as select id, upper(note) as note from t'],
    waits: 'select note from shown',
    after: ['select note from shown'],
  },
};
