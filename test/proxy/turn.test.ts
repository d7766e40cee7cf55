// Goal: no frame leaves before its record is with the kernel, whether a turn ends by itself or a crowd ends it sooner.
// Method: senders and a recorder that write down what is asked of them, in order; turns of the real event loop.
import { setImmediate as turnEnd } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Recorder } from '../../src/audit/recorder.ts';
import { Turn, type Sender } from '../../src/proxy/turn.ts';

function aTurn(): { readonly turn: Turn; readonly seen: string[]; breakLog(): void } {
  const seen: string[] = [];
  let isBroken = false;
  const recorder: Recorder = {
    record: () => {
      throw new Error('nothing is recorded here');
    },
    recordDurably: () => Promise.reject(new Error('nothing is recorded here')),
    flush: () => {
      if (isBroken) throw new Error('the disk is full');
      seen.push('flush');
    },
  };
  return { turn: new Turn(recorder), seen, breakLog: () => (isBroken = true) };
}

const sender = (name: string, seen: string[]): Sender => ({
  sendTurn: () => void seen.push(`${name} sends`),
  dropTurn: (cause) => void seen.push(`${name} drops: ${cause instanceof Error ? cause.message : ''}`),
});

describe('a turn', () => {
  test('hands the records over once, and then sends for all', async () => {
    const { turn, seen } = aTurn();
    for (const name of ['a', 'b', 'c']) {
      turn.mark(sender(name, seen));
      turn.chunkDone();
    }
    expect(seen).toEqual([]);
    await turnEnd();
    expect(seen).toEqual(['flush', 'a sends', 'b sends', 'c sends']);
  });

  test('does not let a crowd wait for those who come behind it', async () => {
    const { turn, seen } = aTurn();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      turn.mark(sender(name, seen));
      turn.chunkDone();
    }
    const first = ['flush', 'a sends', 'b sends', 'c sends', 'd sends'];
    expect(seen).toEqual(first);
    await turnEnd();
    expect(seen).toEqual([...first, 'flush', 'e sends']);
  });

  test('that a crowd has ended has nothing left to hand over', async () => {
    const { turn, seen } = aTurn();
    for (const name of ['a', 'b', 'c', 'd']) turn.mark(sender(name, seen));
    turn.chunkDone();
    const sent = [...seen];
    await turnEnd();
    expect(seen).toEqual(sent);
    turn.schedule();
    await turnEnd();
    expect(seen).toEqual([...sent, 'flush']);
  });

  test('ends between chunks only: a batch is not cut in two', async () => {
    const { turn, seen } = aTurn();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) turn.mark(sender(name, seen));
    expect(seen).toEqual([]);
    await turnEnd();
    expect(seen).toHaveLength(7);
  });

  for (const count of [1, 4]) {
    test(`sends nothing of ${count} when the records cannot be written`, async () => {
      const { turn, seen, breakLog } = aTurn();
      breakLog();
      for (let index = 0; index < count; index += 1) turn.mark(sender(String(index), seen));
      turn.chunkDone();
      await turnEnd();
      expect(seen).toEqual(Array.from({ length: count }, (_, index) => `${index} drops: the disk is full`));
    });
  }
});
