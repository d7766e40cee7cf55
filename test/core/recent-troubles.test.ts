// Goal: who looks at the health of the proxy sees what its log complained about of late, and no secret in it.
// Method: a log in memory behind it.
import { expect, test } from 'vitest';
import { createLog } from '../../src/core/log.ts';
import { RecentTroubles } from '../../src/core/recent-troubles.ts';
import { systemClock } from '../../src/core/clock.ts';

function heard() {
  const troubles = new RecentTroubles(systemClock);
  const lines: string[] = [];
  const log = troubles.hear(createLog({ level: 'info', stream: { write: (line) => lines.push(line) } }));
  return { troubles, log, lines };
}

test('keeps warnings and errors, of children too, and passes every line on', () => {
  const { troubles, log, lines } = heard();
  log.info('all is well');
  log.warn('a card could not be sent');
  log.child({ part: 'slack' }).error('the link broke', { error: new Error('reset by peer') });
  expect(troubles.last.map(({ level, words }) => [level, words])).toEqual([
    ['error', 'the link broke: reset by peer'],
    ['warn', 'a card could not be sent'],
  ]);
  expect(lines).toHaveLength(3);
});

test('counts what is said again, and keeps twenty', () => {
  const { troubles, log } = heard();
  for (let n = 0; n < 30; n += 1) log.warn(`trouble ${n}`);
  log.warn('trouble 20');
  log.warn('trouble 20');
  expect(troubles.last).toHaveLength(20);
  expect(troubles.last[0]).toMatchObject({ words: 'trouble 20', times: 3 });
});

test('shows no password and no character that draws over others', () => {
  const { troubles, log } = heard();
  log.error('cannot connect', { error: new Error('to postgres://gate:hunter2@db/shop \u202egnirts') });
  const [trouble] = troubles.last;
  expect(trouble?.words).not.toContain('hunter2');
  expect(trouble?.words).not.toContain('\u202e');
});
