const { fails, main, say, table, digest } = require('./transcript.cjs');

main(async () => {
  const knex = require('knex')({ client: 'pg', connection: process.env.DATABASE_URL, pool: { min: 1, max: 3 } });
  await knex.schema.createTable(table, (made) => {
    made.integer('id').primary();
    made.text('words');
    made.jsonb('more');
  });
  say('columns', await knex(table).columnInfo());
  say(
    'insert',
    await knex(table)
      .insert([
        { id: 1, words: 'a', more: { x: 1 } },
        { id: 2, words: 'b' },
      ])
      .returning('*'),
  );
  say(
    'join',
    await knex('orders as o')
      .join('customers as c', 'c.id', 'o.customer_id')
      .where('o.id', '<', 6)
      .orderBy('o.id')
      .select('o.id', 'c.email', 'o.total'),
  );
  say(
    'raw',
    (await knex.raw('select ?::int as n, :: int', []).catch((error) => ({ rows: error.code ?? error.message }))).rows,
  );
  say('named', (await knex.raw('select :a::int * 2 as n', { a: 21 })).rows);
  const many = await knex('customers').select('id', 'email').where('id', '<', 2000).orderBy('id');
  say('rows', digest(many));
  await fails('transaction', () =>
    knex.transaction(async (tx) => {
      await tx(table).delete();
      await tx.raw('select 1 / 0');
    }),
  );
  await knex.transaction(async (tx) => {
    await tx(table).where({ id: 2 }).update({ words: 'changed' });
    await tx
      .transaction(async (inner) => {
        await inner(table).delete();
        throw new Error('back');
      })
      .catch((error) => say('savepoint', error.message));
  });
  say('kept', await knex(table).orderBy('id'));
  say(
    'batch',
    (
      await knex
        .batchInsert(
          table,
          Array.from({ length: 250 }, (_, n) => ({ id: 100 + n, words: 'batch' })),
          50,
        )
        .returning('id')
    ).length,
  );
  await fails('twice', () => knex(table).insert({ id: 1 }));
  await fails('missing', () => knex('missing').select());
  await knex.schema.dropTable(table);
  await knex.destroy();
});
