// Goal: the systemd unit is one that systemd takes, starts what there is, and ends as the program ends.
// Method: systemd's own verifier where it is installed; the rest read as text and held against the program.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limitTable } from '../../src/core/limits.ts';

const root = new URL('../..', import.meta.url).pathname;
const file = join(root, 'deploy/countersign.service');
const unit = readFileSync(file, 'utf8');
const value = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test('starts the program by its bin, with a config that the head of the file names', () => {
  const [, bin, config] = /node (\S+) serve --config (\S+)$/.exec(value('ExecStart') ?? '') ?? [];
  expect(existsSync(join(root, (bin ?? '').replace('/opt/countersign/', '')))).toBe(true);
  expect(unit.slice(0, unit.indexOf('[Unit]'))).toContain(config);
});

test('reloads by the signal that reloads, and waits longer than sessions may take to come to rest', () => {
  expect(value('ExecReload')).toContain('-HUP $MAINPID');
  expect(Number(value('TimeoutStopSec')) * 1000).toBeGreaterThan(limitTable.shutdownMsMax.default);
  // With control-group every worker would hear SIGTERM beside the first process; mixed leaves it to the first.
  expect(value('KillMode')).toBe('mixed');
});

test('runs as nobody in particular, and can write only where its state is', () => {
  expect([value('DynamicUser'), value('ProtectSystem'), value('StateDirectory')]).toEqual([
    'yes',
    'strict',
    'countersign',
  ]);
  expect([value('NoNewPrivileges'), value('CapabilityBoundingSet')]).toEqual(['yes', '']);
});

test.skipIf(!hasSystemd)('systemd has nothing to complain about, and finds little exposed', () => {
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect([verified.status, verified.stderr]).toEqual([0, '']);
  const rated = spawnSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
  expect(Number(/exposure level for \S+: ([\d.]+)/.exec(rated.stdout)?.[1])).toBeLessThan(2.5);
});
