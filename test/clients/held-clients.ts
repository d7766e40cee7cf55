// Clients whose statements are held: what each asks, and what it has to be told when people say yes, say no, say nothing, and when it
// cancels. The same words for all of them, in each way that the client has of asking.
import { query } from '../support/client.ts';
import { startPostgres } from '../support/postgres.ts';
import { startRowsProxy } from '../support/rows-proxy.ts';
import { playScript, type Said } from './script.ts';

export interface HeldClient {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly probe: readonly [program: string, ...args: string[]];
  readonly debian: readonly string[];
  readonly ways: readonly string[];
}

/** Debian's own Python: packages of apt are not seen by another. */
const python = '/usr/bin/python3';

export const heldClients: readonly HeldClient[] = [
  {
    name: 'psql',
    command: ['/bin/sh', 'psql_held.sh'],
    probe: ['psql', '--version'],
    debian: ['postgresql-client'],
    ways: ['simple', 'script'],
  },
  {
    name: 'pg',
    command: [process.execPath, 'pg_held.cjs'],
    probe: [process.execPath, '-e', ''],
    debian: [],
    ways: ['simple', 'extended', 'prepared'],
  },
  {
    name: 'psycopg 3',
    command: [python, 'psycopg3_held.py'],
    probe: [python, '-c', 'import psycopg'],
    debian: ['python3-psycopg'],
    ways: ['simple', 'extended', 'prepared', 'binary', 'cursor'],
  },
  {
    name: 'psycopg2',
    command: [python, 'psycopg2_held.py'],
    probe: [python, '-c', 'import psycopg2'],
    debian: ['python3-psycopg2'],
    ways: ['simple', 'cursor'],
  },
  {
    name: 'JDBC',
    command: ['java', '-cp', '/usr/share/java/postgresql.jar', 'HeldClient.java'],
    probe: ['/bin/sh', '-c', 'java --version && javac --version && test -e /usr/share/java/postgresql.jar'],
    debian: ['libpostgresql-jdbc-java', 'default-jdk-headless'],
    ways: ['simple', 'extended', 'extendedForPrepared', 'portal'],
  },
];

export function expectedOf({ ways }: HeldClient): readonly string[] {
  return ways.flatMap((way) => [
    `${way} approved: one`,
    `${way} deny: 42501 denied by ben: that is too much`,
    `${way} silence: 42501 nobody decided in time about hold h_…`,
    `${way} cancel: 57014 canceling statement due to user request`,
    `${way} goes on: 1`,
  ]);
}

const files = {
  'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: watched, read: hold, approvers: [people] }]
defaults: { unclassified: public }
`,
  'approvers.yaml':
    'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] }, ana: { email: ana@example.com, groups: [people] } }\n',
  'db.yaml': 'version: 1\ndatabase: db\nowner: people\ntables: { public.held_words: watched }\n',
};

export interface HeldStage {
  /** What the client said, line by line. */
  play(client: HeldClient): Promise<Said>;
  stop(): Promise<void>;
}

/** People here go by a word in the statement's comment. */
export async function openHeldStage(): Promise<HeldStage> {
  const postgres = await startPostgres();
  await query(postgres.url(), "create table held_words as select 1 as id, 'one' as word");
  const proxy = await startRowsProxy({ url: postgres.url(), files, waitMs: 2_500 });
  proxy.say(({ sql }) => {
    // A cursor that was declared with a yes is read with another.
    if (/^\s*FETCH/i.test(sql.raw) || sql.raw.includes('/* approve ')) return { vote: 'approve' };
    return sql.raw.includes('/* deny ') ? { vote: 'deny' } : 'silence';
  });
  return {
    play: async ({ command }) => {
      const { lines, complaints } = await playScript({ command, folder: 'scripts/held' }, new URL(proxy.url('db')));
      return { lines: lines.map((line) => line.replace(/hold h_\w+/g, 'hold h_…')), complaints };
    },
    stop: async () => {
      await proxy.stop();
      await postgres.stop();
    },
  };
}
