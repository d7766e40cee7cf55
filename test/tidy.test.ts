// Goal: the house keeps its shape without anybody watching.
// Method: read every source file as text and hold it to the rules of docs/decisions and CONTRIBUTING.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const linesMax = 400;

/** Folders by floor; a file imports from its own folder or a lower floor. `gate.ts` is a floor of its own. */
const floors: Readonly<Record<string, number>> = {
  'src/core': 0,
  'src/wire': 1,
  'src/sql': 1,
  'src/catalog': 1,
  'src/store': 1,
  'src/policy': 2,
  'src/approval': 3,
  'src/audit': 3,
  'src/gate-data.ts': 3.5,
  'src/gate-again.ts': 3.6,
  'src/gate-dump.ts': 3.7,
  'src/gate.ts': 4,
  'src/proxy': 5,
  'src/channels': 5,
  'src/cli': 6,
  'src/main.ts': 7,
};

/** Sideways imports of types that belong to the neighbour who fills them. */
const shared: readonly string[] = ['src/sql/analysis.ts'];

/** Sideways, but types only: what `audit/` gives, and nobody beside it makes. */
const sharedTypes: readonly string[] = ['src/audit/receipt.ts', 'src/audit/record.ts', 'src/audit/recorder.ts'];

/** One door per outside package; a pattern may name several files of one room. */
const doors: Readonly<Record<string, RegExp>> = {
  'libpg-query-15': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-15/wasm/libpg-query.js': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-16': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-16/wasm/libpg-query.js': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-17': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-17/wasm/libpg-query.js': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-18': /^src\/sql\/parser.*\.ts$/,
  'libpg-query-18/wasm/libpg-query.js': /^src\/sql\/parser.*\.ts$/,
  'pgsql-ast-parser': /^src\/sql\/offer\.ts$/,
  'pg-protocol': /^src\/proxy\/driver\.ts$/,
  ioredis: /^src\/store\/redis.*\.ts$/,
  '@slack/bolt': /^src\/channels\/slack.*\.ts$/,
  yaml: /^src\/core\/yaml(-edit)?\.ts$/,
  pino: /^src\/core\/log\.ts$/,
  '@simplewebauthn/server': /^src\/channels\/console\/passkey-ceremony\.ts$/,
  '@simplewebauthn/server/helpers': /^src\/channels\/console\/passkey-ceremony\.ts$/,
  'prom-client': /^src\/channels\/metrics\.ts$/,
  commander: /^src\/(main|cli\/.*)\.ts$/,
  'node:net': /^src\/(proxy|channels)\/|^src\/cli\/demo\//,
  'node:tls': /^src\/(proxy|channels)\//,
};

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => join('src', name))
  .sort();

const text = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

const roomOf = (file: string): string => (file.split('/').length === 2 ? file : file.split('/').slice(0, 2).join('/'));

function importsOf(file: string): readonly { readonly target: string; readonly typeOnly: boolean }[] {
  const source = text.get(file) ?? '';
  return [
    ...source.matchAll(
      /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)|^import\s+'([^']+)'/gm,
    ),
  ].map((match) => ({ target: match[2] ?? match[3] ?? match[4] ?? '', typeOnly: match[1] !== undefined }));
}

const resolved = (file: string, target: string): string => relative(root, join(root, file, '..', target));

describe('the house', () => {
  test('has a floor for every file', () => {
    expect(files.filter((file) => floors[roomOf(file)] === undefined)).toEqual([]);
  });

  test('imports only downwards or from the same room, with the file ending', () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const { target, typeOnly } of importsOf(file)) {
        if (!target.startsWith('.')) continue;
        const other = resolved(file, target);
        if (!other.endsWith('.ts') && !other.endsWith('.json')) wrong.push(`${file}: ${target} does not end in .ts`);
        const [from, to] = [roomOf(file), roomOf(other)];
        if (from === to || shared.includes(other) || (typeOnly && sharedTypes.includes(other))) continue;
        if ((floors[to] ?? 99) >= (floors[from] ?? 0)) wrong.push(`${file} imports ${other}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('has no import rings', () => {
    const seen = new Set<string>();
    const rings: string[] = [];
    const walk = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) {
        rings.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
        return;
      }
      if (seen.has(file)) return;
      seen.add(file);
      for (const { target, typeOnly } of importsOf(file)) {
        if (!typeOnly && target.startsWith('.')) walk(resolved(file, target), [...trail, file]);
      }
    };
    for (const file of files) walk(file, []);
    expect(rings).toEqual([]);
  });

  test('has one door for each outside package', () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const { target } of importsOf(file)) {
        const door = doors[target];
        if (door !== undefined && !door.test(file)) wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('makes receipts only in audit/ and permits only in gate.ts', () => {
    const wrong = files.filter(
      (file) =>
        (/\bissueReceipt\b/.test(text.get(file) ?? '') && !file.startsWith('src/audit/')) ||
        (/\bPermitOf\b/.test(text.get(file) ?? '') && file !== 'src/gate.ts'),
    );
    expect(wrong).toEqual([]);
  });

  test(`keeps files at ${linesMax} lines or fewer, and the hallway at 150`, () => {
    const long = files.filter(
      (file) => (text.get(file) ?? '').split('\n').length - 1 > (file === 'src/gate.ts' ? 150 : linesMax),
    );
    expect(long).toEqual([]);
  });

  test('says at the top of each file what it is', () => {
    expect(files.filter((file) => !/^(#!.*\n)?(\/\/ |\/\*\*)/.test(text.get(file) ?? ''))).toEqual([]);
  });

  test('has no default exports, barrels, enums, marks for later or holes in the types', () => {
    const forbidden =
      /^export default\b|^export \* from|^\s*(?:export )?(?:const )?enum \w|\b(?:TODO|FIXME|XXX)\b|@ts-(?:ignore|nocheck)|eslint-disable|\bas any\b/m;
    expect(files.filter((file) => forbidden.test(text.get(file) ?? ''))).toEqual([]);
  });
});
