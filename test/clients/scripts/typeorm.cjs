require('reflect-metadata');
const { DataSource, EntitySchema } = require('typeorm');
const { fails, main, say, table } = require('./transcript.cjs');

const Own = new EntitySchema({
  name: 'Own',
  tableName: table,
  columns: {
    id: { type: 'int', primary: true },
    words: { type: 'text', nullable: true },
    more: { type: 'jsonb', nullable: true },
  },
});

main(async () => {
  const source = new DataSource({
    type: 'postgres',
    url: process.env.DATABASE_URL,
    entities: [Own],
    synchronize: true,
    installExtensions: false,
    extra: { max: 3 },
  });
  await source.initialize();
  const own = source.getRepository('Own');
  say(
    'save',
    await own.save([
      { id: 1, words: 'a', more: { x: [1] } },
      { id: 2, words: 'b' },
    ]),
  );
  say('find', await own.find({ where: { words: 'a' }, order: { id: 'ASC' } }));
  say(
    'builder',
    await own.createQueryBuilder('o').where('o.id > :least', { least: 0 }).orderBy('o.id').take(1).getManyAndCount(),
  );
  say('raw', await source.query('select id, email from customers where id = $1', [3]));
  await fails('transaction', () =>
    source.transaction(async (manager) => {
      await manager.createQueryBuilder().delete().from('Own').execute();
      await manager.query('select 1 / 0');
    }),
  );
  await source.transaction('SERIALIZABLE', (manager) => manager.update('Own', { id: 2 }, { words: 'changed' }));
  say('kept', await own.find({ order: { id: 'ASC' } }));
  await fails('twice', () => own.insert({ id: 1 }));
  const runner = source.createQueryRunner();
  const seen = await runner.getTable('public.' + table);
  say(
    'schema',
    seen.columns.map((column) => [column.name, column.type, column.isPrimary, column.isNullable]),
  );
  await runner.release();
  const inSync = await source.driver.createSchemaBuilder().log();
  say('in sync', inSync.upQueries.length);
  await source.query(`drop table ${table}`);
  await source.destroy();
});
