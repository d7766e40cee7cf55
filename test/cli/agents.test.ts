// Goal: a credential is made once and shown once; the file keeps a verifier that fits it, and everything else it held.
// Method: the commands run in this process on files in a folder of their own; verifiers are checked by the house's own SCRAM.
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { configFromText } from '../../src/core/config.ts';
import { isPasswordOf, makeVerifier, parseVerifier } from '../../src/wire/scram.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-agents-'));
  file = join(folder, 'countersign.yaml');
  writeFileSync(file, base, { mode: 0o640 });
  chmodSync(file, 0o640);
});
afterEach(() => rmSync(folder, { recursive: true }));

const base = `# ours
listen: 127.0.0.1:7432   # here
databases:
  shop: { url: "postgres://gate:\${NOT_SET_HERE}@127.0.0.1/shop" }
  crm:  { url: "postgres://gate@127.0.0.1/crm" }
agents:
  old: { password: "\${OLD}", owner: ana, databases: [shop] }   # the first
`;

async function command(...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const world = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line), env: {} };
  const code = await run(['agents', ...args, '--config', file], world);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

async function verifierIn(agent: string): Promise<string> {
  const env = { NOT_SET_HERE: 'x', OLD: 'x' };
  const loaded = await configFromText(file, readFileSync(file, 'utf8'), { env, makeVerifier });
  return loaded.kind === 'good' ? (loaded.value.agents.get(agent)?.verifier ?? '') : '';
}

async function fits(agent: string, password: string): Promise<boolean> {
  const verifier = parseVerifier(await verifierIn(agent));
  return verifier !== undefined && (await isPasswordOf(verifier, password));
}

describe('countersign agents add', () => {
  test('prints a connection string whose password fits the verifier in the file', async () => {
    const { code, out, err } = await command('add', 'new-bot', '--owner', 'ben', '--database', 'shop', 'crm');
    const match = /^postgres:\/\/new-bot:(gate_[A-Za-z0-9]{43})@127\.0\.0\.1:7432\/shop$/.exec(out);
    expect(code).toBe(0);
    expect(err).toMatch(/shown once.*SIGHUP/);
    expect(await fits('new-bot', match?.[1] ?? '')).toBe(true);
    expect(await fits('new-bot', 'gate_other')).toBe(false);
  });

  test('keeps every other byte of the file, its mode, and nothing beside it', async () => {
    await command('add', 'new-bot', '--owner', 'ben', '--database', 'shop');
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith(base)).toBe(true);
    expect(text.slice(base.length)).toMatch(
      /^ {2}new-bot: \{ scram: "SCRAM-SHA-256\$4096:[^"]+", owner: ben, databases: \[shop\] \}\n$/,
    );
    expect(text).not.toContain('gate_');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['countersign.yaml']);
  });

  test('writes through a link to the file that is meant', async () => {
    const link = join(folder, 'link.yaml');
    symlinkSync(file, link);
    const target = file;
    file = link;
    await command('add', 'b', '--owner', 'ben', '--database', 'shop');
    expect(readFileSync(target, 'utf8')).toContain('  b: {');
  });

  test('gives JSON when asked', async () => {
    const { out } = await command('add', 'b', '--owner', 'ben', '--database', 'crm', '--json');
    expect(JSON.parse(out)).toMatchObject({
      agent: 'b',
      password: /^gate_/,
      url: expect.stringContaining('/crm') as string,
    } as never);
  });

  const wrong: readonly (readonly [args: readonly string[], code: number, said: RegExp])[] = [
    [['add', 'old', '--owner', 'b', '--database', 'shop'], 1, /countersign\.yaml:7:3: 'old' is there already/],
    [['add', 'x', '--owner', 'b', '--database', 'shpo'], 1, /no database 'shpo' \(did you mean 'shop'\?\)/],
    [['add', 'x', '--owner', 'b'], 2, /has 2 databases; say which with --database/],
    [['add', 'x'], 2, /required option '--owner <person>' not specified/],
    [['add', 'a b', '--owner', 'b', '--database', 'shop'], 2, /'a b' is no name for an agent/],
    [['add', '__proto__', '--owner', 'b', '--database', 'shop'], 1, /cannot be edited|is there already/],
    [['rotate', 'odl'], 1, /no agent 'odl' \(did you mean 'old'\?\)/],
    [['remove', 'nobody-here'], 1, /no agent 'nobody-here'/],
    [['ad', 'x'], 2, /unknown command 'ad'/],
  ];
  test.each(wrong)('%j exits %d with one line', async (args, code, said) => {
    const result = await command(...args);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(said);
    expect(result.err.split('\n')).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).toBe(base);
  });

  test('says in one line that there is no such file', async () => {
    file = join(folder, 'none.yaml');
    const { code, err } = await command('list');
    expect([code, err]).toEqual([
      1,
      `countersign: ${file}: cannot be read: there is no such file (name it with --config FILE)`,
    ]);
  });
});

describe('countersign agents rotate', () => {
  test('puts a verifier in the place of a password, and the old one ends', async () => {
    const first = JSON.parse((await command('rotate', 'old', '--json')).out) as { password: string };
    expect(await fits('old', first.password)).toBe(true);
    expect(readFileSync(file, 'utf8')).toMatch(
      / {2}old: \{ scram: "[^"]+", owner: ana, databases: \[shop\] \} {3}# the first\n$/,
    );
    const second = JSON.parse((await command('rotate', 'old', '--json')).out) as { password: string };
    expect(await fits('old', second.password)).toBe(true);
    expect(await fits('old', first.password)).toBe(false);
  });
});

describe('countersign agents list and remove', () => {
  test('name and take out', async () => {
    await command('add', 'b', '--owner', 'ben', '--database', 'shop', 'crm');
    expect((await command('list')).out).toBe('NAME  OWNER  DATABASES\nold   ana    shop\nb     ben    shop,crm');
    expect(JSON.parse((await command('list', '--json')).out)).toEqual([
      { name: 'old', owner: 'ana', databases: ['shop'] },
      { name: 'b', owner: 'ben', databases: ['shop', 'crm'] },
    ]);
    expect((await command('remove', 'b')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(base);
  });
});
