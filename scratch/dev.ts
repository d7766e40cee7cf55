import { startPostgres } from '../test/support/postgres.ts';
import { startProxy } from '../test/support/proxy.ts';
import { writeFileSync } from 'node:fs';
const pg = await startPostgres({ flags: ['log_min_messages=fatal'] });
const proxy = await startProxy({ databases: { postgres: pg.url('postgres') } });
writeFileSync('/tmp/dev.json', JSON.stringify({ pg: pg.port, pgurl: pg.url('postgres'), url: proxy.url('postgres') + '?sslmode=disable' }));
console.log('ready');
process.on('SIGINT', () => { void proxy.stop().then(() => pg.stop()).then(() => process.exit(0)); });
