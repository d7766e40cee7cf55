// Suites that neither npm nor Debian has (TPC-H, TPC-DS, the Join Order Benchmark): whoever has them gives a folder with a folder for each,
// in it `schema.sql` and the queries in any number of other `.sql` files. Nothing of them is kept here.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { tagOf } from '../../src/sql/ast.ts';
import { Lab } from './lab.ts';
import type { Place } from './regression.ts';
import { splitScript } from './split.ts';
import { Tally } from './tally.ts';

const schemaFile = 'schema.sql';

export async function playSuites(
  place: Place,
  folder: string,
): Promise<readonly { readonly suite: string; readonly tally: Tally }[]> {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const played: { suite: string; tally: Tally }[] = [];
  for (const { name } of names) played.push({ suite: name, tally: await playSuite(place, join(folder, name), name) });
  return played;
}

async function playSuite(place: Place, folder: string, name: string): Promise<Tally> {
  const tally = new Tally(`PG${place.major} ${name}`);
  const database = `suite_${name.replace(/\W/g, '_').toLowerCase()}`;
  const admin = new pg.Client({ connectionString: place.url('postgres') });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database} TEMPLATE template0`);
  await admin.end();
  const lab = await Lab.open(place.url(database), place.major);
  try {
    for (const sql of splitScript(readFileSync(join(folder, schemaFile), 'utf8'))) await lab.client.query(sql);
    lab.forget();
    const files = readdirSync(folder).filter((file) => file.endsWith('.sql') && file !== schemaFile);
    for (const file of files.sort())
      for (const sql of splitScript(readFileSync(join(folder, file), 'utf8'))) await compareOne(lab, sql, tally);
  } finally {
    await lab.client.end();
  }
  return tally;
}

async function compareOne(lab: Lab, sql: string, tally: Tally): Promise<void> {
  const nodes = lab.parse(sql);
  const [node] = nodes ?? [];
  if (nodes?.length === 1 && node !== undefined && tagOf(node) === 'SelectStmt')
    tally.add(await lab.compare(sql, node));
}
