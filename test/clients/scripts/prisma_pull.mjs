// What `prisma db pull` asks: its schema engine reads the definitions. The package `prisma` would fetch a program for that from elsewhere;
// the same engine is on npm for WebAssembly, and speaks through a driver adapter.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.env.CLIENT_FOLDER, 'package.json'));
const { PrismaPg } = require('@prisma/adapter-pg');
const { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } = require('@prisma/driver-adapter-utils');

async function engine() {
  const glue = join(process.env.CLIENT_FOLDER, 'node_modules/@prisma/schema-engine-wasm/schema_engine_bg');
  const imports = await import(pathToFileURL(`${glue}.js`).href);
  const { instance } = await WebAssembly.instantiate(readFileSync(`${glue}.wasm`), {
    './schema_engine_bg.js': imports,
  });
  imports.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return imports.SchemaEngine;
}

const oids = { char: 18, text: 25 };

/** The adapter refuses columns of type "char", of which the catalogs are full; the engine wants them as single characters. */
function withChars(adapter) {
  const [performIO, queryRaw] = [adapter.performIO.bind(adapter), adapter.queryRaw.bind(adapter)];
  let isChar = [];
  adapter.performIO = async (query) => {
    const result = await performIO(query);
    isChar = result.fields.map((field) => field.dataTypeID === oids.char);
    const fields = result.fields.map((field, at) => (isChar[at] ? { ...field, dataTypeID: oids.text } : field));
    return { ...result, fields };
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    const columnTypes = result.columnTypes.map((type, at) => (isChar[at] ? ColumnTypeEnum.Character : type));
    return { ...result, columnTypes };
  };
  return adapter;
}

const { PGHOST: host, PGPORT: port, PGUSER: user, PGPASSWORD: password, PGDATABASE: database } = process.env;
const factory = new PrismaPg({ host, port: Number(port), user, password, database, max: 1 });
const connect = factory.connect.bind(factory);
factory.connect = async () => withChars(await connect());
const adapter = bindMigrationAwareSqlAdapterFactory(factory);
const SchemaEngine = await engine();

/** Its views and extensions are asked for too. */
const datamodel = (schemas) =>
  `generator client {\n  provider = "prisma-client-js"\n  previewFeatures = ["views", "postgresqlExtensions"]\n}\n` +
  `datasource db {\n  provider = "postgresql"\n  schemas = [${schemas.map((each) => `"${each}"`).join(', ')}]\n}\n`;

for (const schemas of [['public'], ['public', 'billing', 'health', 'hr', 'legacy', 'support']]) {
  const content = datamodel(schemas);
  const pulling = await SchemaEngine.new({ datamodels: [['schema.prisma', content]] }, () => undefined, adapter);
  console.log(await pulling.version());
  await pulling.ensureConnectionValidity({ datasource: { tag: 'ConnectionString', url: '' } });
  const { schema, warnings } = await pulling.introspect({
    schema: { files: [{ path: 'schema.prisma', content }] },
    baseDirectoryPath: '.',
    force: true,
    compositeTypeDepth: -1,
    namespaces: schemas,
  });
  for (const file of schema.files) console.log(file.content);
  console.log(warnings);
}
