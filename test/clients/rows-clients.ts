// Clients whose results are counted and masked while they flow. Each reads 2,500 rows of a level that lets 100 pass, people say yes or no
// by a word in the statement, and then a table whose columns are shown as likenesses. What they print is compared with what they print
// without us: there from a database in which the likenesses are what is stored.
import pg from 'pg';
import { startPostgres, type PostgresMajor } from '../support/postgres.ts';
import { startRowsProxy } from '../support/rows-proxy.ts';
import { playScript, type Script } from './script.ts';

export interface RowsClient extends Script {
  readonly name: string;
  readonly probe: readonly [program: string, ...args: string[]];
  readonly debian: readonly string[];
  /** Each way of reading, with how many rows the client has handed on when the no comes: the others came with the error. */
  readonly ways: Readonly<Record<string, number>>;
  /** Ways that send more behind the statement before its answer is there. What was sent cannot be taken back, so a no ends the session. */
  readonly pipelined?: readonly string[];
  /** Ways in which a likeness cannot be shown, so that the statement is held. */
  readonly unmasked?: readonly string[];
}

/** Debian's own Python: packages of apt are not seen by another. */
const python = '/usr/bin/python3';
const folder = 'scripts/rows';
/** Read forty at a time, so the third piece holds the end. */
const inPieces = 80;

export const rowsClients: readonly RowsClient[] = [
  {
    name: 'psycopg 3',
    folder,
    command: [python, 'psycopg3_rows.py'],
    probe: [python, '-c', 'import psycopg'],
    debian: ['python3-psycopg'],
    ways: {
      ...{ simple: 0, extended: 0, prepared: 0, binary: 0, stream: 100, cursor: inPieces },
      ...{ 'binary-cursor': inPieces, pipeline: 0, copy: 100, 'binary-copy': 100 },
    },
    pipelined: ['pipeline'],
    unmasked: ['cursor', 'binary-cursor'],
  },
  {
    name: 'psycopg2',
    folder,
    command: [python, 'psycopg2_rows.py'],
    probe: [python, '-c', 'import psycopg2'],
    debian: ['python3-psycopg2'],
    ways: { simple: 0, cursor: inPieces, copy: 100, csv: 100 },
    unmasked: ['cursor'],
  },
  {
    name: 'JDBC',
    folder,
    command: ['java', '-cp', '/usr/share/java/postgresql.jar', 'RowsClient.java'],
    probe: ['/bin/sh', '-c', 'java --version && javac --version && test -e /usr/share/java/postgresql.jar'],
    debian: ['libpostgresql-jdbc-java', 'default-jdk-headless'],
    ways: {
      simple: 0,
      extended: 0,
      portal: inPieces,
      binary: 0,
      'binary-portal': inPieces,
      copy: 100,
      'binary-copy': 100,
    },
  },
];

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: counted, read: allow, rows: 100, approvers: [people] }
  - { name: shielded, read: mask, mask: fixed, approvers: [people] }
defaults: { unclassified: public }
categories:
  address: { level: shielded, mask: email }
  moment: { level: shielded, mask: year }
  number: { level: shielded, mask: last4 }
  gone: { level: shielded, mask: 'null' }
`,
  'approvers.yaml':
    'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] }, ana: { email: ana@example.com, groups: [people] } }\n',
  'db.yaml': `version: 1
database: db
owner: people
tables:
  public.people: counted
  public.patients:
    default: public
    columns:
      { name: shielded, amount: shielded, tags: shielded, data: shielded, code: shielded, raw: shielded, ok: shielded, height: shielded, clock: shielded,
        email: address, born: moment, seen: moment, iban: number, phone: number, note: gone }
`,
};

const table = (name: string, rows: number): string => `
create table ${name} as select g as id, 'person ' || g || ' öß€' as name, ('p' || g || '@mail' || g || '.example.org')::varchar(60) as email,
  date '1950-02-03' + g * 11 as born, timestamptz '1999-12-31 23:30:00.123456+00' + g * interval '7 hours 1 second' as seen,
  (g * 1000.25)::numeric as amount, array['a' || g, 'b,"c', null] as tags, jsonb_build_object('id', g, 'words', 'x y') as data,
  md5(g::text)::uuid as code, decode(md5(g::text), 'hex') as raw, g % 3 = 0 as ok, g / 7.0::float8 as height, time '10:11:12' as clock,
  'DE89' || lpad(g::text, 12, '3') as iban, 49170000000 + g * 7 as phone, case when g % 2 = 0 then 'note ' || g end as note
  from generate_series(1, ${rows}) g;
`;

/** The likenesses by the words of docs/policy.md, in SQL; where a value is absent, so is its likeness. */
const likenesses = `
update patients set name = '***', email = left(email, 1) || '***@m***.org', born = date_trunc('year', born), seen = date_trunc('year', seen),
  amount = 0, tags = null, data = 'null', code = '00000000-0000-0000-0000-000000000000', raw = '', ok = false, height = 0, clock = '00:00',
  iban = '****' || right(iban, 4), phone = phone % 10000, note = null;
create table hidden as select * from patients;
update hidden set name = null, email = null, born = null, seen = null, amount = null, tags = null, data = null, code = null, raw = null, ok = null,
  height = null, clock = null, iban = null, phone = null, note = null;
`;

export interface RowsStage {
  /** What is wrong; nothing, when nothing is. */
  play(client: RowsClient): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function openRowsStage(major: PostgresMajor): Promise<RowsStage> {
  const postgres = await startPostgres({ major });
  const made = table('people', 2_500) + table('patients', 12);
  await run(postgres.url('postgres'), ['create database db', 'create database likeness']);
  await run(postgres.url('db'), [made]);
  await run(postgres.url('likeness'), [made, likenesses]);
  const proxy = await startRowsProxy({ url: postgres.url('db'), files });
  const asked: string[] = [];
  proxy.say(({ sql, reasons: [reason] }) => {
    asked.push(`${/(?:approve|deny|mask) [\w-]+/.exec(sql.raw)?.[0] ?? sql.raw}: ${reason.words}`);
    return { vote: sql.raw.includes('approve ') ? 'approve' : 'deny' };
  });
  return {
    play: async (client) => {
      asked.length = 0;
      const through = await playScript(client, new URL(proxy.url('db')), { BINARY_COPY_OF: 'patients' });
      const direct = await playScript(client, new URL(postgres.url('likeness')), { BINARY_COPY_OF: 'hidden' });
      return [
        ...differences(expectedOf(client, direct.lines), through.lines, `${direct.complaints}${through.complaints}`),
        ...differences(questionsOf(client), asked, ''),
      ];
    },
    stop: async () => {
      await proxy.stop();
      await postgres.stop();
    },
  };
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** Without us nobody says no; all the other lines have to be the same. */
function expectedOf({ ways, pipelined, unmasked }: RowsClient, direct: readonly string[]): readonly string[] {
  const missing = Object.keys(ways).filter((way) => !direct.includes(`${way} denied: nothing`));
  if (missing.length > 0) return missing.map((way) => `${way} denied: nothing (without us)`);
  const told = new Set<string>();
  return direct.flatMap((line) => {
    const [, way = '', what] = /^(\S+) (denied|masked|is closed): /.exec(line) ?? [];
    const isPipelined = pipelined?.includes(way) === true;
    if (what === 'denied')
      return [`${way} denied: after ${ways[way] ?? '?'}: 42501 ${stopped}${isPipelined ? ends : ''}`];
    if (what === 'is closed') return [`${way} is closed: ${isPipelined ? 'True' : 'False'}`];
    if (what !== 'masked' || unmasked?.includes(way) !== true) return [line];
    if (told.has(way)) return [];
    told.add(way);
    return [`${way} masked: 42501 denied by ben: that is too much`];
  });
}

const stopped = '100 rows (… bytes) were sent, the rest was not: denied by ben: that is too much';
const ends = '; what was sent behind it cannot be taken back, so the session ends';

/** A yes lets ten times as many pass before people are asked again. */
function questionsOf({ ways, unmasked }: RowsClient): readonly string[] {
  const more = (sent: string, goal: string): string =>
    `${sent} rows were sent and more are there; a yes lets it go on to ${goal}`;
  const counted = Object.keys(ways).flatMap((way) => [
    `approve ${way}: ${more('100', '1,000')}`,
    `approve ${way}: ${more('1,000', '10,000')}`,
    `deny ${way}: ${more('100', '1,000')}`,
  ]);
  return [...counted, ...(unmasked ?? []).map((way) => `mask ${way}: ${shielded}`)];
}

const columns = ['name', 'email', 'born', 'seen', 'amount', 'tags', 'data', 'code'].map((name) => `patients.${name}`);
const shielded = `reads ${columns.join(', ')} and 7 more (shielded)`;

function differences(expected: readonly string[], got: readonly string[], complaints: string): readonly string[] {
  const blurred = got.map((line) => line.replace(/\(\d+ bytes\)/, '(… bytes)'));
  const at = expected.findIndex((line, index) => line !== blurred[index]);
  if (at < 0 && expected.length === blurred.length) return [];
  const index = at < 0 ? expected.length : at;
  return [
    `line ${index + 1}: ${blurred[index] ?? '(end)'}\n    expected: ${expected[index] ?? '(end)'}\n${complaints.slice(-1500)}`,
  ];
}
