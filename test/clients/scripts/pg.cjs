const pg = require('pg');
const { digest, fails, main, say, table, types } = require('./transcript.cjs');

main(async () => {
  const client = new pg.Client();
  const notices = [];
  client.on('notice', (notice) => notices.push([notice.severity, notice.message]));
  await client.connect();
  const simple = await client.query("select 1 as one, 'two' as two");
  say('simple', [
    simple.rows,
    simple.command,
    simple.fields.map((field) => [field.name, field.dataTypeID, field.format]),
  ]);
  say(
    'several',
    (await client.query('select 1 as a; select 2 as b')).map((result) => result.rows),
  );
  say(
    'parameters',
    (await client.query('select $1::int + 1 as n, $2::text as t, $3::text as x', [41, "O'Reilly", null])).rows,
  );
  say('types', (await client.query(types)).rows);
  say('binary', (await client.query({ text: "select $1::int4 as n, 'x'::text as t", values: [7], binary: true })).rows);
  for (let n = 0; n < 5; n++) {
    say('prepared', (await client.query({ name: 'twice', text: 'select $1::int * 2 as n', values: [n] })).rows);
  }
  const queued = await Promise.all([1, 2, 3].map((n) => client.query('select $1::int as n', [n])));
  say(
    'queued',
    queued.map((result) => result.rows),
  );
  say('many rows', digest((await client.query('select g, md5(g::text) from generate_series(1, 50000) g')).rows));
  say('array mode', (await client.query({ text: 'values (1, 2), (3, 4)', rowMode: 'array' })).rows);
  await client.query(`create table ${table} (id int primary key, words text)`);
  say(
    'inserted',
    (await client.query(`insert into ${table} select g, 'row' from generate_series(1, 100) g returning id`)).rowCount,
  );
  await client.query('begin');
  await client.query(`delete from ${table}`);
  await fails('error in transaction', () => client.query('select 1 / 0'));
  await fails('in failed transaction', () => client.query('select 1'));
  say('commit of a failed one', (await client.query('commit')).command);
  say('kept', (await client.query(`select count(*) from ${table}`)).rows);
  await fails('missing', () => client.query('select * from missing where id = $1', [1]));
  await fails('twice', () => client.query(`insert into ${table} values (1, 'x')`));
  await fails('bad parameter', () => client.query('select $1::int', ['abc']));
  const slow = new pg.Query('select pg_sleep(30)');
  const cancelled = new Promise((settle) => slow.on('error', (error) => settle(error.code)));
  client.query(slow);
  const asker = new pg.Client();
  setTimeout(() => asker.cancel(client, slow), 400);
  say('cancel', await cancelled);
  await client.query("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$");
  say('notices', notices);
  const heard = new Promise((settle) => client.once('notification', (event) => settle([event.channel, event.payload])));
  await client.query(`listen ${table}`);
  const other = new pg.Client();
  await other.connect();
  await other.query('select pg_notify($1, $2)', [table, 'wörd']);
  say('notify', await heard);
  await other.end();
  await client.query(`drop table ${table}`);
  await client.end();
  const pool = new pg.Pool({ max: 5 });
  const pooled = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query('select $1::int as n', [n])));
  say(
    'pool',
    pooled.map((result) => result.rows[0].n),
  );
  await pool.end();
});
