// The sample database `shop`: which files make it, and the ordinary role that the proxy logs in as.
// Its SQL lies in the package's `demo/sql`, so that people can read it and run it elsewhere.
import { readFileSync } from 'node:fs';
import type { Filling } from './postgres-fill.ts';

export const sample = {
  database: 'shop',
  /** No superuser, owns nothing: may read and write rows, and make tables in schema public. */
  role: 'gate',
  files: ['1-tables.sql', '2-rows.sql', '3-rest.sql'],
  /** Of approvers.yaml; not the owner of the sample's agents, who never decides about them. */
  approver: 'ben',
  /** What `start` proposes to paste. */
  tries: [
    { words: 'passes: sums that say nothing of a person', sql: 'select * from customer_stats;' },
    {
      words: 'is held: names of colleagues; approve it in the browser, and psql goes on',
      sql: 'select * from hr.directory limit 2;',
    },
    {
      words: 'is refused: card numbers never leave; the answer says what would pass',
      sql: 'select id, brand, pan from billing.cards limit 3;',
    },
  ],
} as const;

/** What fills a new cluster. The password is a token of ours: letters and digits, so it needs no quoting. */
export function sampleFill(rolePassword: string): readonly Filling[] {
  if (!/^[A-Za-z0-9]+$/.test(rolePassword)) throw new Error('the role’s password may hold letters and digits only');
  return [
    { database: 'postgres', sql: `create role ${sample.role} login password '${rolePassword}'` },
    { database: 'postgres', sql: `create database ${sample.database}` },
    ...sample.files.map((file) => ({ database: sample.database, sql: sampleSql(file) })),
  ];
}

export function sampleSql(file: (typeof sample.files)[number]): string {
  return readFileSync(new URL(`../../../demo/sql/${file}`, import.meta.url), 'utf8');
}
