const { DataTypes, Op, QueryTypes, Sequelize } = require('sequelize');
const { fails, main, say, table } = require('./transcript.cjs');

main(async () => {
  const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false, pool: { max: 3 } });
  await sequelize.authenticate();
  const Own = sequelize.define(
    'Own',
    {
      id: { type: DataTypes.INTEGER, primaryKey: true },
      words: DataTypes.TEXT,
      kind: DataTypes.ENUM('x', 'y'),
      tags: DataTypes.ARRAY(DataTypes.TEXT),
    },
    { tableName: table, timestamps: false },
  );
  await Own.sync();
  say(
    'create',
    (
      await Own.bulkCreate([
        { id: 1, words: 'a', kind: 'x', tags: ['p', 'q'] },
        { id: 2, words: 'b', kind: 'y' },
      ])
    ).map((row) => row.toJSON()),
  );
  say('find', await Own.findAll({ where: { id: { [Op.gt]: 0 } }, order: ['id'], raw: true }));
  say('upsert', (await Own.upsert({ id: 1, words: 'c' }))[0].toJSON());
  say(
    'raw',
    await sequelize.query('select id, email from customers where id = $1', { bind: [3], type: QueryTypes.SELECT }),
  );
  say('replaced', await sequelize.query('select :n::int as n', { replacements: { n: 7 }, type: QueryTypes.SELECT }));
  await fails('transaction', () =>
    sequelize.transaction(async (transaction) => {
      await Own.destroy({ where: {}, transaction });
      await sequelize.query('select 1 / 0', { transaction });
    }),
  );
  say('kept', await Own.findAll({ order: ['id'], raw: true }));
  await sequelize.transaction(async (transaction) =>
    Own.update({ words: 'changed' }, { where: { id: 2 }, transaction }),
  );
  say('changed', await Own.count({ where: { words: 'changed' } }));
  await fails('twice', () => Own.create({ id: 1 }));
  say('described', await sequelize.getQueryInterface().describeTable(table));
  say(
    'indexes',
    (await sequelize.getQueryInterface().showIndex('orders')).map((index) => [
      index.name,
      index.fields.map((field) => field.attribute),
    ]),
  );
  await sequelize.query(`drop table ${table}`);
  await sequelize.query(`drop type if exists "enum_${table}_kind"`);
  await sequelize.close();
});
