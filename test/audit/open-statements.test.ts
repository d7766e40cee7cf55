// Goal: of every statement that was let through it is known how it ended, or said that it is not.
// Method: short stories of one chain as lists of records, told to the collector; and a log whose process died, to the auditor's commands.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { openAudit } from '../../src/audit/keeper.ts';
import { OpenStatements } from '../../src/audit/open-statements.ts';
import type { AuditBody, LoggedRecord } from '../../src/audit/record.ts';
import { registerAudit } from '../../src/cli/audit.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const asker = { session: 's_1', agent: 'bot', owner: 'ana', database: 'shop' };
const judged = (statement: string, more = {}): AuditBody => aJudged({ ...asker, statement, ...more });
const released = (statement: string): AuditBody => ({ ...asker, kind: 'released', hold: 'h_1', statement });
const refused = (statement: string): AuditBody => ({ ...asker, kind: 'refused', statement, code: 'HOLD_CHANGED' });
const finished = (of: number): AuditBody => ({ kind: 'finished', session: 's_1', of, rows: 1, bytes: 1, ms: 1 });
const start: AuditBody = { kind: 'start', words: 'countersign starts' };

/** `left`: the numbers of those whose process is gone. `open`: how many may still run. */
const stories: readonly (readonly [string, readonly AuditBody[], { left: readonly number[]; open: number }])[] = [
  ['one that ended is closed', [judged('a'), finished(0)], { left: [], open: 0 }],
  ['one without an outcome may still run', [judged('a')], { left: [], open: 1 }],
  ['after the next start it is not known how it ended', [judged('a'), start], { left: [0], open: 0 }],
  ['an outcome of another closes nothing', [judged('a'), judged('b'), finished(1), start], { left: [0], open: 0 }],
  ['an outcome that comes after the next start is too late', [judged('a'), start, finished(0)], { left: [0], open: 0 }],
  ['what was held or denied was not let through', [judged('a', { verdict: 'deny' }), start], { left: [], open: 0 }],
  [
    'what the server refuses had no effect',
    [judged('a', { rules: ['the server refuses it'] }), start],
    { left: [], open: 0 },
  ],
  ['a release without an outcome', [judged('a', { verdict: 'hold' }), released('a'), start], { left: [1], open: 0 }],
  ['a release that was refused after all ran nothing', [released('a'), refused('a'), start], { left: [], open: 0 }],
  [
    'a release that was judged again goes on under that record',
    [released('a'), judged('a'), start],
    { left: [1], open: 0 },
  ],
  [
    'of a whole its statements count, not itself',
    [released('w'), released('a'), finished(1), start],
    { left: [], open: 0 },
  ],
  ['two starts count nothing twice', [judged('a'), start, start], { left: [0], open: 0 }],
];

test.each(stories)('%s', (_, bodies, expected) => {
  const statements = new OpenStatements();
  for (const [seq, body] of bodies.entries()) {
    const record: LoggedRecord = { ...body, seq, prev: '', at: '2026-11-21T10:00:00.000Z' };
    statements.take(record);
  }
  expect({ left: statements.left.map(({ seq }) => seq), open: statements.open }).toEqual(expected);
});

describe('a log whose process died', () => {
  async function run(...args: readonly string[]): Promise<string> {
    const said: string[] = [];
    const program = new Command().exitOverride();
    const say = (line: string): unknown => said.push(line);
    registerAudit(program, { say, complain: say, exit: () => undefined });
    await program.parseAsync(['audit', ...args], { from: 'user' });
    return said.join('\n');
  }

  test('says so in verify and in the report', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
    await audit.log.recordDurably(start);
    const { seq } = audit.log.record(judged('a', { text: 'update <b>orders</b> set x = $1' }));
    audit.log.flush();
    await audit.checkpoint();
    expect(await run('verify', '--dir', dir)).toContain('; 1 that were let through still run, or the proxy is gone');
    await audit.log.recordDurably(start);
    await audit.stop();
    expect(await run('verify', '--dir', dir)).toMatch(
      new RegExp(`; no outcome is known of 1 statements that were let through \\(the first: record ${seq} of 20`),
    );
    const out = join(aFolder(), 'evidence');
    await run('report', '--dir', dir, '--out', out);
    const html = readFileSync(`${out}.html`, 'utf8');
    expect(html).toContain('1 statements were let through, and the proxy ended');
    expect(html).toContain(`record ${seq}: bot update &lt;b&gt;orders&lt;/b&gt; set x = $1`);
  });
});
