// Which clients have to work unchanged, what each needs, and how it is run. A row here and a script beside it is all it takes.

export interface Client {
  readonly name: string;
  /** Against which Postgres: Debian's pg_dump refuses servers newer than itself, so the C tools meet 15. */
  readonly major: 15 | 18;
  readonly command: readonly [program: string, ...args: string[]];
  /** Says by its exit code whether the client is there. */
  readonly probe: readonly [program: string, ...args: string[]];
  /** Debian packages that bring it. */
  readonly debian: readonly string[];
  /** Lines that a whole transcript has at least: a script that stops early must not look equal. */
  readonly linesMin: number;
  /** Where errors go to stderr, and the order of the two streams means nothing. */
  readonly stderr?: 'compared';
}

/** Packages of Node clients; fetched into a cache of their own, so that the product does not depend on nine ORMs. */
export const nodePackages = [
  'pg@8.23.1',
  'postgres@3.4.9',
  'drizzle-orm@0.45.4',
  'kysely@0.28.18',
  'knex@3.3.0',
  'typeorm@1.1.1',
  'reflect-metadata@0.2.2',
  'sequelize@6.37.8',
  'prisma@7.10.0',
  '@prisma/client@7.10.0',
  '@prisma/adapter-pg@7.10.0',
  '@prisma/schema-engine-wasm@7.10.0-4.0edf323efd1d98336f3f0a68684b56f689b900d3',
] as const;

const psqlTools = ['postgresql-client'];
const bench = ['postgresql-client', 'postgresql-contrib'];
/** Debian's own Python: packages of apt are not seen by another. */
const python = '/usr/bin/python3';

const py = (name: string, module: string, linesMin: number): Client => ({
  name,
  major: 18,
  command: [python, `${module}_client.py`],
  probe: [python, '-c', `import ${module === 'psycopg3' ? 'psycopg' : module === 'odbc' ? 'pyodbc' : module}`],
  debian: [module === 'odbc' ? 'python3-pyodbc' : `python3-${module === 'psycopg3' ? 'psycopg' : module}`],
  linesMin,
});

const node = (name: string, script: string, linesMin: number): Client => ({
  name,
  major: 18,
  command: [process.execPath, `${script}.cjs`],
  probe: [process.execPath, '-e', ''],
  debian: [],
  linesMin,
});

export const clients: readonly Client[] = [
  {
    name: 'psql',
    major: 15,
    command: ['psql', '-X', '-a', '-f', 'psql.sql'],
    probe: ['psql', '--version'],
    debian: psqlTools,
    linesMin: 400,
    stderr: 'compared',
  },
  {
    name: 'pgbench',
    major: 15,
    command: ['/bin/sh', 'pgbench.sh'],
    probe: ['/bin/sh', '-c', 'pgbench --version && psql --version'],
    debian: bench,
    linesMin: 25,
  },
  {
    name: 'pg_dump and pg_restore',
    major: 15,
    command: ['/bin/sh', 'pg_dump.sh'],
    probe: ['/bin/sh', '-c', 'pg_dump --version && pg_restore --version'],
    debian: psqlTools,
    linesMin: 9,
  },
  py('psycopg2', 'psycopg2', 25),
  py('psycopg 3', 'psycopg3', 25),
  py('asyncpg', 'asyncpg', 25),
  {
    name: 'JDBC',
    major: 18,
    command: ['java', '-cp', '/usr/share/java/postgresql.jar', 'Client.java'],
    probe: ['/bin/sh', '-c', 'java --version && javac --version && test -e /usr/share/java/postgresql.jar'],
    debian: ['libpostgresql-jdbc-java', 'default-jdk-headless'],
    linesMin: 100,
  },
  {
    name: 'ruby-pg',
    major: 18,
    command: ['ruby', 'ruby_client.rb'],
    probe: ['ruby', '-e', 'require "pg"'],
    debian: ['ruby-pg'],
    linesMin: 20,
  },
  {
    name: 'PHP PDO and pg_*',
    major: 18,
    command: ['php', 'php_client.php'],
    probe: ['php', '-r', 'exit(extension_loaded("pdo_pgsql") && extension_loaded("pgsql") ? 0 : 1);'],
    debian: ['php-cli', 'php-pgsql'],
    linesMin: 40,
  },
  {
    name: 'DBD::Pg',
    major: 18,
    command: ['perl', 'dbd_client.pl'],
    probe: ['perl', '-MDBD::Pg', '-e', '1'],
    debian: ['libdbd-pg-perl'],
    linesMin: 40,
  },
  { ...py('ODBC', 'odbc', 40), debian: ['python3-pyodbc', 'odbc-postgresql', 'unixodbc'] },
  node('pg', 'pg', 25),
  node('postgres.js', 'postgresjs', 25),
  node('drizzle', 'drizzle', 9),
  node('kysely', 'kysely', 9),
  node('knex', 'knex', 12),
  node('typeorm', 'typeorm', 9),
  node('sequelize', 'sequelize', 12),
  node('Prisma with adapter', 'prisma', 11),
];

/** What looks at a database, with the demo's own catalog in force: nothing of it may be held. `held` says which statements rightly are. */
export interface Looker {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly probe: readonly [program: string, ...args: string[]];
  readonly debian: readonly string[];
  readonly linesMin: number;
  /** Needs the packages of npm. */
  readonly npm?: true;
  /** Statements that show values, not definitions. */
  readonly held?: RegExp;
}

export const lookers: readonly Looker[] = [
  {
    name: 'psql’s \\d family',
    command: ['psql', '-X', '-f', 'look.sql'],
    probe: ['psql', '--version'],
    debian: psqlTools,
    linesMin: 400,
  },
  {
    name: 'pg_dump --schema-only',
    command: ['pg_dump', '--schema-only'],
    probe: ['pg_dump', '--version'],
    debian: psqlTools,
    linesMin: 400,
  },
  {
    name: 'JDBC DatabaseMetaData',
    command: ['java', '-cp', '/usr/share/java/postgresql.jar', 'Metadata.java'],
    probe: ['/bin/sh', '-c', 'java --version && javac --version && test -e /usr/share/java/postgresql.jar'],
    debian: ['libpostgresql-jdbc-java', 'default-jdk-headless'],
    linesMin: 180,
  },
  {
    name: 'SQLAlchemy reflection',
    command: [python, 'reflect_sqlalchemy.py'],
    probe: [python, '-c', 'import sqlalchemy, psycopg2'],
    debian: ['python3-sqlalchemy', 'python3-psycopg2'],
    linesMin: 60,
  },
  {
    name: 'Django inspectdb',
    command: [python, 'inspect_django.py'],
    probe: [python, '-c', 'import django, psycopg2'],
    debian: ['python3-django', 'python3-psycopg2'],
    linesMin: 100,
    // It learns a table's columns by reading one row of it.
    held: /^SELECT \* FROM "\w+" LIMIT 1$/i,
  },
  {
    name: 'Prisma db pull',
    command: [process.execPath, 'prisma_pull.mjs'],
    probe: [process.execPath, '-e', ''],
    debian: [],
    npm: true,
    linesMin: 500,
  },
];
