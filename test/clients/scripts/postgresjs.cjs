const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const postgres = require('postgres');
const { digest, fails, main, say, table, types } = require('./transcript.cjs');

main(async () => {
  const notices = [];
  const sql = postgres({ max: 3, onnotice: (notice) => notices.push([notice.severity, notice.message]) });
  say('simple', await sql`select 1 as one, 'two' as two`.simple());
  say('several', await sql.unsafe('select 1 as a; select 2 as b'));
  say('parameters', await sql`select ${41}::int + 1 as n, ${"O'Reilly"}::text as t, ${null}::text as x`);
  say('types', await sql.unsafe(types));
  const described = await sql`select id, email from customers where id = ${1}`.describe();
  say('described', [described.types, described.columns.map((column) => [column.name, column.type, column.table > 0])]);
  for (let n = 0; n < 5; n++) say('prepared', await sql`select ${n}::int * 2 as n`);
  const piped = await Promise.all(Array.from({ length: 60 }, (_, n) => sql`select ${n}::int as n`));
  say(
    'pipelined',
    piped.map((rows) => rows[0].n),
  );
  const mixed = await Promise.allSettled([sql`select 1 as n`, sql`select 1 / ${0}::int as n`, sql`select 3 as n`]);
  say(
    'pipelined with an error',
    mixed.map((one) => one.value ?? one.reason.code),
  );
  say('many rows', digest(await sql`select g, md5(g::text) as m from generate_series(1, 50000) g`));
  const parts = [];
  await sql`select g from generate_series(1, 1000) g`.cursor(300, (rows) => void parts.push(rows.length));
  say('cursor', parts);
  await sql.unsafe(`create table ${table} (id int primary key, words text)`);
  // Connections of their own: in this version one that has copied does not serve another query.
  const [copier, reader] = [postgres({ max: 1 }), postgres({ max: 1 })];
  const lines = Array.from({ length: 3000 }, (_, n) => `${n}\trow ${n}\n`);
  await pipeline(Readable.from(lines), await copier`copy ${copier(table)} from stdin`.writable());
  const out = [];
  const copied = await reader`copy (select * from ${reader(table)} order by id) to stdout`.readable();
  for await (const chunk of copied) out.push(chunk);
  await Promise.all([copier.end({ timeout: 1 }), reader.end({ timeout: 1 })]);
  say('copy', digest(Buffer.concat(out).toString().split('\n')));
  say(
    'inserted',
    await sql`insert into ${sql(table)} ${sql([
      { id: 5001, words: 'a' },
      { id: 5002, words: 'b' },
    ])} returning *`,
  );
  await fails('transaction', () =>
    sql.begin(async (tx) => {
      await tx`delete from ${tx(table)}`;
      await tx`select 1 / 0`;
    }),
  );
  await sql.begin(async (tx) => {
    await tx`update ${tx(table)} set words = 'changed' where id = 1`;
    await tx
      .savepoint(async (point) => {
        await point`delete from missing`;
      })
      .catch((error) => say('savepoint', error.code));
  });
  say('kept', await sql`select count(*), min(words) from ${sql(table)} where id < 2`);
  await fails('missing', () => sql`select * from missing`);
  await fails('twice', () => sql`insert into ${sql(table)} values (1, 'x')`);
  const slow = sql`select pg_sleep(30)`;
  setTimeout(() => slow.cancel(), 400);
  await fails('cancel', () => slow);
  await sql.unsafe("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$");
  say('notices', notices);
  let hear;
  const heard = new Promise((settle) => (hear = settle));
  const { unlisten } = await sql.listen(table, hear);
  await sql.notify(table, 'wörd');
  say('notify', await heard);
  await unlisten();
  await sql.unsafe(`drop table ${table}`);
  await sql.end();
});
