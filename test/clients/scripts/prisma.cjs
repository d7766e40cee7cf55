// Generates its client aside from the schema below (no engine is needed with a driver adapter), then works with it.
const { execFileSync } = require('node:child_process');
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { fails, main, say, table } = require('./transcript.cjs');

const folder = join(process.env.CLIENT_FOLDER, 'prisma-client');
const schema = `
generator client {
  provider = "prisma-client-js"
  output   = "./made"
}
datasource db {
  provider = "postgresql"
}
model Customer {
  id      Int     @id
  email   String
  country String
  orders  Order[]
  @@map("customers")
}
model Order {
  id         Int      @id
  customerId Int      @map("customer_id")
  total      Decimal?
  customer   Customer @relation(fields: [customerId], references: [id])
  @@map("orders")
}
model Own {
  id    Int     @id
  words String?
  more  Json?
  @@map("prisma_own")
}
`;

main(async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'schema.prisma'), schema.replace('prisma_own', table));
  const prisma = join(process.env.CLIENT_FOLDER, 'node_modules/prisma/build/index.js');
  execFileSync(process.execPath, [prisma, 'generate', '--schema', join(folder, 'schema.prisma')], {
    cwd: process.env.CLIENT_FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
  const { PrismaClient } = require(join(folder, 'made'));
  const { PrismaPg } = require('@prisma/adapter-pg');
  const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 3 }) });
  await db.$executeRawUnsafe(`create table ${table} (id int primary key, words text, more jsonb)`);
  say(
    'create',
    await db.own.createMany({
      data: [
        { id: 1, words: 'a', more: { x: [1] } },
        { id: 2, words: 'b' },
      ],
    }),
  );
  say('find', await db.own.findMany({ orderBy: { id: 'asc' } }));
  say(
    'include',
    await db.customer.findMany({
      where: { id: { lte: 4 } },
      include: { orders: { orderBy: { id: 'asc' }, take: 2 } },
      orderBy: { id: 'asc' },
    }),
  );
  say(
    'group',
    await db.order.groupBy({
      by: ['customerId'],
      where: { customerId: { lt: 6 } },
      _count: true,
      orderBy: { customerId: 'asc' },
    }),
  );
  say('aggregate', await db.order.aggregate({ _max: { total: true }, _count: true }));
  say('raw', await db.$queryRaw`select ${41}::int + 1 as n, ${'x'}::text as t`);
  await fails('transaction', () => db.$transaction([db.own.deleteMany(), db.$queryRaw`select 1 / 0`]));
  await db.$transaction(
    async (tx) => {
      await tx.own.update({ where: { id: 2 }, data: { words: 'changed' } });
    },
    { isolationLevel: 'Serializable' },
  );
  say('kept', await db.own.findMany({ orderBy: { id: 'asc' } }));
  await db.own.create({ data: { id: 1 } }).then(
    () => say('twice', 'did not fail'),
    (error) => say('twice', error.code),
  );
  say('upsert', await db.own.upsert({ where: { id: 3 }, create: { id: 3, words: 'new' }, update: { words: 'old' } }));
  await db.$executeRawUnsafe(`drop table ${table}`);
  await db.$disconnect();
});
