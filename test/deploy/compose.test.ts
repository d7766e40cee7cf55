// Goal: docker-compose.yml, the Dockerfile and the files beside them fit each other and the program, though no engine runs here.
// Method: read them as data: our own loader reads the config, Postgres runs the role script, every path that is copied or mounted
// must exist, every variable be explained, every port be one that somebody listens on.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { loadConfig } from '../../src/core/config.ts';
import { hasPsql, query } from '../support/client.ts';
import { startPostgres } from '../support/postgres.ts';
import { sampleSql, sample } from '../../src/cli/demo/sample.ts';

const root = new URL('../..', import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const service = z.looseObject({
  image: z.string().optional(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()),
  ports: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.literal('service_healthy') })).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()).min(2), interval: z.string(), retries: z.number() }),
});
const compose = z
  .object({
    name: z.string(),
    services: z.object({ countersign: service, postgres: service, redis: service }),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(parse(read('docker-compose.yml')));
const services = Object.entries(compose.services);
const dockerfile = read('deploy/Dockerfile');

const config = await loadConfig(join(root, 'deploy/compose/countersign.yaml'), {
  env: { GATE_PASSWORD: 'g', REPORT_BOT_PASSWORD: 'r', REDIS_PASSWORD: 'p' },
  makeVerifier: () => Promise.resolve('SCRAM-SHA-256$4096:AAAA$AAAA:AAAA'),
});

test('the config is one that the program takes', () => {
  expect(config.kind === 'bad' ? config.mistakes : []).toEqual([]);
});

test('every variable is explained in env.example, and every explained one is used', () => {
  const used = [...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map((match) => match[1] ?? '');
  const explained = [...read('deploy/compose/env.example').matchAll(/^(\w+)=/gm)].map((match) => match[1] ?? '');
  expect([...new Set(used)].sort()).toEqual(explained.toSorted());
});

test('every variable of the config is handed to the container', () => {
  const named = [...read('deploy/compose/countersign.yaml').matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? '');
  expect(Object.keys(compose.services.countersign.environment).sort()).toEqual([...new Set(named)].sort());
});

test('the ports that are opened are those that the program listens on, on this machine only', () => {
  if (config.kind === 'bad') throw new Error('the config is bad');
  const { listen, http } = config.value;
  expect(compose.services.countersign.ports).toEqual(
    [listen.port, http.listen.port].map((port) => `127.0.0.1:${port}:${port}`),
  );
  expect(/^EXPOSE (.*)$/m.exec(dockerfile)?.[1]).toBe(`${listen.port} ${http.listen.port}`);
  expect(compose.services.countersign.healthcheck.test.join(' ')).toContain(`127.0.0.1:${http.listen.port}/`);
  expect(compose.services.postgres.ports ?? compose.services.redis.ports).toBeUndefined();
});

test('the addresses in the config are services, and each is waited for until it is healthy', () => {
  if (config.kind === 'bad') throw new Error('the config is bad');
  const hosts = [...config.value.databases.values()].map((database) => database.host);
  if (config.value.state.kind === 'redis') hosts.push(new URL(config.value.state.url.reveal()).hostname);
  expect(hosts.sort()).toEqual(Object.keys(compose.services.countersign.depends_on ?? {}).sort());
});

test('every path that is mounted, copied or built from exists, and every named volume is declared', () => {
  const mounts = services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
  const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' '),
  );
  const paths = [...mounts.filter((mount) => mount.startsWith('.')), ...copies];
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(mounts.filter((mount) => !mount.startsWith('.')).sort()).toEqual(Object.keys(compose.volumes).sort());
  expect(existsSync(join(root, compose.services.countersign.build?.dockerfile ?? ''))).toBe(true);
});

test('what the image copies is not kept from it by .dockerignore', () => {
  const letThrough = [...read('.dockerignore').matchAll(/^!(.*)$/gm)].map((match) => match[1] ?? '');
  const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' '),
  );
  expect(copies.map((path) => path.replace(/^\.\//, '')).filter((path) => !letThrough.includes(path))).toEqual([]);
});

test('the image runs as an ordinary user and every base image names its version', () => {
  expect(dockerfile).toMatch(/^USER node$/m);
  const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1] ?? '');
  images.push(...services.flatMap(([, { image }]) => image ?? []));
  expect(images.filter((image) => !/^[a-z]+:\d+/.test(image))).toEqual([]);
});

test('the role script and the sample make what the proxy logs in to', async (context) => {
  if (!hasPsql()) return context.skip('psql is not installed');
  const script = join(root, 'deploy/compose/0-role.sh');
  expect(statSync(script).mode & 0o100).toBe(0o100);
  const postgres = await startPostgres();
  try {
    const password = `it's "odd" $HOME \\ :'x'`;
    await query(postgres.url(), 'create database shop');
    execFileSync('/bin/sh', [script], {
      env: {
        PATH: process.env['PATH'],
        PGHOST: postgres.host,
        PGPORT: String(postgres.port),
        PGPASSWORD: postgres.password,
        POSTGRES_DB: 'shop',
        GATE_PASSWORD: password,
      },
    });
    for (const file of sample.files) await query(postgres.url('shop'), sampleSql(file));
    expect(await query(postgres.url('shop', 'gate', password), 'select count(*)::int as n from customers')).toEqual([
      { n: 8000 },
    ]);
  } finally {
    await postgres.stop();
  }
});
