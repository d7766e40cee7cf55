// Goal: an auditor finds a record by anything that is said about it, and what is shown cannot play tricks on the one who looks.
// Method: a small log with two holds through all their steps; the questions as data; the commands as they are typed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { csvLine } from '../../src/audit/export.ts';
import { openAudit } from '../../src/audit/keeper.ts';
import { SearchIndex } from '../../src/audit/search-index.ts';
import type { SearchFilter } from '../../src/audit/search-facts.ts';
import { jsonWords } from '../../src/audit/words.ts';
import { registerAudit } from '../../src/cli/audit.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged, linesIn } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

let dir: string;
const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
const email = [{ column: 'public.customers.email', level: 'restricted' }];

beforeAll(async () => {
  dir = aFolder();
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
  const { log } = audit;
  log.record(aJudged());
  log.record({ kind: 'finished', session: 's_1', of: 2, rows: 3, bytes: 100, ms: 1.5 });
  log.record(aJudged({ agent: 'ci-bot', owner: 'ben', verdict: 'deny', text: 'select \u202e\u001b[2J evil' }));
  const hold = {
    ...asker,
    kind: 'held',
    hold: 'h_1',
    statement: 'a',
    parameters: 'b',
    columns: email,
    rules: ['level restricted'],
    deadline: 1,
  } as const;
  log.record(aJudged({ verdict: 'hold', columns: email }));
  await log.recordDurably(hold);
  await log.recordDurably({
    kind: 'voted',
    hold: 'h_1',
    person: 'ben',
    vote: 'approve',
    channel: 'slack',
    reason: 'for the audit',
  });
  await log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
  log.rotate();
  await log.recordDurably({ ...asker, kind: 'released', hold: 'h_1', statement: 'a' });
  await log.recordDurably({ ...hold, hold: 'h_2', agent: 'ci-bot', owner: 'ben' });
  await log.recordDurably({ kind: 'decided', hold: 'h_2', state: 'expired', by: [] });
  await audit.stop();
});

const asked: readonly [string, SearchFilter, readonly string[]][] = [
  ['an agent', { agent: 'ci-bot' }, ['decided', 'held', 'judged']],
  ['a person who voted', { person: 'ben', kind: 'voted' }, ['voted']],
  [
    'a person: whole holds in which they had a part',
    { person: 'ben', hold: 'h_1' },
    ['released', 'decided', 'voted', 'held'],
  ],
  [
    'a column, by its end',
    { column: 'customers.email', agent: 'report-bot' },
    ['released', 'decided', 'voted', 'held', 'judged'],
  ],
  ['no column that only ends alike', { column: 'mail' }, []],
  ['a level', { level: 'public', verdict: 'allow' }, ['judged']],
  ['a verdict', { verdict: 'deny' }, ['judged']],
  ['how a hold ended', { verdict: 'expired' }, ['decided']],
  ['a kind', { kind: 'finished' }, ['finished']],
  ['a time to come', { from: '2999' }, []],
  ['a time that was', { to: '2000' }, []],
  [
    'a span',
    { from: new Date().toISOString().slice(0, 10), to: new Date().toISOString().slice(0, 10), verdict: 'deny' },
    ['judged'],
  ],
];

describe('searching', () => {
  test.each(asked)('finds %s', async (_, filter, kinds) => {
    const result = await new SearchIndex(dir).search({ filter, limit: 100 });
    expect(result.records.map((each) => each.kind)).toEqual(kinds);
    expect(result.more).toBe(false);
  });

  test('gives the newest, and says when there is more', async () => {
    const result = await new SearchIndex(dir).search({ filter: { agent: 'report-bot' }, limit: 1 });
    expect(result.more).toBe(true);
    expect(result.records.map((each) => each.kind)).toEqual(['released']);
  });
});

async function run(
  ...args: readonly string[]
): Promise<{ out: readonly string[]; err: readonly string[]; code: number }> {
  const [out, err]: [string[], string[]] = [[], []];
  let code = 0;
  const program = new Command().exitOverride();
  registerAudit(program, {
    say: (line) => out.push(line),
    complain: (line) => err.push(line),
    exit: (given) => (code = given),
  });
  await program.parseAsync(['audit', ...args], { from: 'user' });
  return { out, err, code };
}

describe('the auditor’s terminal', () => {
  test('verifies in one line', async () => {
    const { out, code } = await run('verify', '--dir', dir);
    expect(code).toBe(0);
    expect(out).toHaveLength(1);
    expect(out[0]).toMatch(/^\d+ records from \S+ to \S+ are whole, under head [0-9a-f]{16} /);
  });

  test('complains with exit code 1 about a folder with no log', async () => {
    const { err, code } = await run('verify', '--dir', aFolder());
    expect(code).toBe(1);
    expect(err.join()).toContain('no Ed25519 public key');
  });

  test.each([['--json'], []])(
    'shows what an agent wrote, but nothing that moves the cursor or turns the text %s',
    async (...flag) => {
      const { out } = await run('search', '--dir', dir, '--verdict', 'deny', ...flag);
      expect(out.join('\n')).toContain('evil');
      expect(out.join('\n')).not.toMatch(/[\u001b\u202e]/);
    },
  );

  test('exports all records, each once, in order', async () => {
    const file = join(aFolder(), 'out.jsonl');
    await run('export', '--dir', dir, '--out', file);
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    expect(lines.map((line) => JSON.parse(line))).toEqual(linesIn(dir).map((line) => JSON.parse(line)));
  });
});

describe('words for other programs', () => {
  test('a cell is never a formula, and keeps its quotes', () => {
    expect(csvLine(['=1+1', '@x', 'a"b', 'plain'])).toBe('\'=1+1,\'@x,"a""b",plain\r\n');
    expect(csvLine(['\uff1d1', '\t=1', '\r\n=1', '\u202e\u001b[2J'])).toBe(
      "'\uff1d1,\\u{9}=1,\\u{d}\\u{a}=1,\\u{202e}\\u{1b}[2J\r\n",
    );
  });

  test('JSON reads back as what it was', () => {
    const text = 'a\u202eb\u{e0001}c\u2028"';
    expect(JSON.parse(jsonWords({ text }))).toEqual({ text });
    expect(jsonWords({ text })).toBe('{"text":"a\\u202eb\\udb40\\udc01c\\u2028\\""}');
  });
});
