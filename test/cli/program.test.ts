// Goal: every command explains itself, and bad use is told from failure by exit code and one line.
// Method: the program is walked as commander holds it; commands run in this process with their lines caught.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Command } from 'commander';
import { buildProgram, run } from '../../src/cli/program.ts';

const root = new URL('../..', import.meta.url).pathname;

async function command(...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const world = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line), env: {} };
  return { code: await run(args, world), out: out.join('\n'), err: err.join('\n') };
}

const silent = { out: () => undefined, err: () => undefined, env: {}, exit: () => undefined };
const pathsOf = (of: Command, path: readonly string[] = []): readonly (readonly string[])[] =>
  of.commands.flatMap((inner) => [[...path, inner.name()], ...pathsOf(inner, [...path, inner.name()])]);

describe('the command line', () => {
  const paths = pathsOf(buildProgram(silent)).filter((path) => path.at(-1) !== 'help');

  test('has the commands that are promised', () => {
    const names = paths.map((path) => path.join(' '));
    for (const name of [
      'start',
      'serve',
      'agents add',
      'agents list',
      'agents rotate',
      'agents remove',
      'audit verify',
    ]) {
      expect(names).toContain(name);
    }
  });

  test.each(paths.map((path) => [path.join(' '), path] as const))(
    '%s --help explains itself and exits 0',
    async (_, path) => {
      const { code, out } = await command(...path, '--help');
      expect(code).toBe(0);
      expect(out).toContain(`Usage: countersign ${path.join(' ')}`);
      // A sentence of its own between the usage and the lists.
      expect(out.split('\n')[2]?.trim().length).toBeGreaterThan(10);
    },
  );

  test.each([
    [['sevre'], "countersign: unknown command 'sevre' (Did you mean serve?)"],
    [['serve', '--cnfig', 'x'], "countersign: unknown option '--cnfig' (Did you mean --config?)"],
    [['serve', 'x'], "countersign: too many arguments for 'serve'. Expected 0 arguments but got 1."],
    [['start', '--port', '99999'], /^countersign: option '--port <number>' argument '99999' is invalid/],
    [['start', '--port'], "countersign: option '--port <number>' argument missing"],
  ] as const)('%j is bad use: exit 2 and one line', async (args, said) => {
    const { code, out, err } = await command(...args);
    expect([code, out, err.split('\n').length]).toEqual([2, '', 1]);
    if (typeof said === 'string') expect(err).toBe(said);
    else expect(err).toMatch(said);
  });

  test('says what there is when nothing is asked, and its version', async () => {
    expect(await command()).toMatchObject({ code: 0, err: '' });
    expect((await command()).out).toContain('Commands:');
    expect((await command('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('names every mistake of a config on a line of its own', async () => {
    const { code, err } = await command('serve', '--config', '/nowhere/countersign.yaml');
    expect(code).toBe(1);
    expect(err).toBe(
      'countersign: /nowhere/countersign.yaml:1:1: cannot be read: there is no such file (name it with --config FILE)',
    );
  });

  test('ends in peace when its reader has gone', () => {
    const line = 'node bin/countersign.js --help | true';
    const { stderr, status } = spawnSync('/bin/sh', ['-c', line], { cwd: root, encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  });
});
