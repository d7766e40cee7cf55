const pg = require('pg');
const { Kysely, PostgresDialect, sql } = require('kysely');
const { fails, main, say, table } = require('./transcript.cjs');

main(async () => {
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ max: 3 }) }) });
  await db.schema
    .createTable(table)
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('words', 'text')
    .execute();
  say(
    'insert',
    await db
      .insertInto(table)
      .values([
        { id: 1, words: 'a' },
        { id: 2, words: 'b' },
      ])
      .returningAll()
      .execute(),
  );
  say(
    'join',
    await db
      .selectFrom('orders as o')
      .innerJoin('customers as c', 'c.id', 'o.customer_id')
      .select(['o.id', 'c.email', 'o.total'])
      .where('c.country', '=', 'FR')
      .where('o.id', '>', 5)
      .orderBy('o.id')
      .limit(5)
      .execute(),
  );
  say(
    'with',
    await db
      .with('big', (q) => q.selectFrom('orders').select(['customer_id', 'total']).where('total', '>', 900))
      .selectFrom('big')
      .select((e) => [e.fn.countAll().as('n'), e.fn.max('total').as('most')])
      .execute(),
  );
  say('raw', (await sql`select ${3}::int as n, current_database() as d`.execute(db)).rows);
  const tables = await db.introspection.getTables();
  say(
    'introspection',
    tables
      .filter((one) => one.schema === 'hr')
      .map((one) => [one.name, one.columns.map((column) => [column.name, column.dataType])]),
  );
  await fails('transaction', () =>
    db.transaction().execute(async (tx) => {
      await tx.deleteFrom(table).execute();
      await sql`select 1 / 0`.execute(tx);
    }),
  );
  say('kept', await db.selectFrom(table).selectAll().orderBy('id').execute());
  await db
    .transaction()
    .setIsolationLevel('serializable')
    .execute((tx) => tx.updateTable(table).set({ words: 'changed' }).where('id', '=', 2).execute());
  say('changed', await db.selectFrom(table).selectAll().orderBy('id').execute());
  await fails('twice', () => db.insertInto(table).values({ id: 1 }).execute());
  await db.schema.dropTable(table).execute();
  await db.destroy();
});
