const pg = require('pg');
const { and, eq, gt, sql } = require('drizzle-orm');
const { drizzle } = require('drizzle-orm/node-postgres');
const { integer, numeric, pgTable, text } = require('drizzle-orm/pg-core');
const { fails, main, say, table } = require('./transcript.cjs');

const customers = pgTable('customers', {
  id: integer('id').primaryKey(),
  email: text('email'),
  country: text('country'),
});
const orders = pgTable('orders', {
  id: integer('id').primaryKey(),
  customerId: integer('customer_id'),
  total: numeric('total'),
});
const own = pgTable(table, { id: integer('id').primaryKey(), words: text('words') });

main(async () => {
  const pool = new pg.Pool({ max: 3 });
  const db = drizzle(pool);
  await db.execute(sql.raw(`create table ${table} (id int primary key, words text)`));
  say(
    'insert',
    await db
      .insert(own)
      .values([
        { id: 1, words: 'a' },
        { id: 2, words: 'b' },
      ])
      .returning(),
  );
  say(
    'upsert',
    await db
      .insert(own)
      .values({ id: 1, words: 'c' })
      .onConflictDoUpdate({ target: own.id, set: { words: 'c' } })
      .returning(),
  );
  say(
    'join',
    await db
      .select({ id: orders.id, email: customers.email, total: orders.total })
      .from(orders)
      .innerJoin(customers, eq(customers.id, orders.customerId))
      .where(and(gt(orders.id, 10), eq(customers.country, 'DE')))
      .orderBy(orders.id)
      .limit(5),
  );
  const prepared = db
    .select()
    .from(own)
    .where(eq(own.id, sql.placeholder('id')))
    .prepare('by_id');
  for (const id of [1, 2, 3]) say('prepared', await prepared.execute({ id }));
  await fails('transaction', () =>
    db.transaction(async (tx) => {
      await tx.delete(own);
      await tx.execute(sql`select 1 / 0`);
    }),
  );
  await db.transaction(async (tx) => {
    await tx.update(own).set({ words: 'changed' }).where(eq(own.id, 2));
    await tx
      .transaction(async (inner) => {
        await inner.delete(own);
        inner.rollback();
      })
      .catch(() => say('savepoint', 'rolled back'));
  });
  say('kept', await db.select().from(own).orderBy(own.id));
  await fails('twice', () => db.insert(own).values({ id: 1 }));
  await db.execute(sql.raw(`drop table ${table}`));
  await pool.end();
});
