// Goal: chunks that go past a stream's queue come whole, in order, and never while the stream is paused.
// Method: real sockets; random pauses and chunks with a printed seed; the sender looks at how much is taken from it.
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { hear } from '../../src/proxy/hearing.ts';
import { waitFor, within } from '../support/wait.ts';

const opened: { destroy(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.destroy();
});

/** Two ends of one connection; the second is paused and nobody listens to it yet. */
async function aPair(): Promise<readonly [speaker: Socket, hearer: Socket]> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const speaker = connect(address.port, '127.0.0.1');
  const [hearer] = (await once(server, 'connection')) as [Socket];
  server.close();
  opened.push(speaker, hearer);
  return [speaker, hearer];
}

const numbered = (from: number, length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, index) => (from + index) % 251));

test('all bytes come once and in order, whatever is paused in between', { timeout: 60_000 }, async () => {
  const step = fc.record({
    length: fc.integer({ min: 1, max: 40_000 }),
    then: fc.constantFrom('pause', 'resume', 'turn'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [speaker, hearer] = await aPair();
      const pieces: Buffer[] = [];
      let whilePaused = 0;
      hear(hearer, (chunk) => {
        if (hearer.isPaused()) whilePaused += 1;
        pieces.push(chunk);
        if (pieces.length % 5 === 0) {
          hearer.pause();
          setImmediate(() => hearer.resume());
        }
      });
      hearer.resume();
      let sent = 0;
      for (const { length, then } of steps) {
        speaker.write(numbered(sent, length));
        sent += length;
        if (then === 'pause') hearer.pause();
        else if (then === 'resume') hearer.resume();
        else await new Promise((resolve) => setImmediate(resolve));
      }
      const ended = once(hearer, 'end');
      speaker.end();
      hearer.resume();
      await within('the end', ended);
      expect(Buffer.concat(pieces).equals(numbered(0, sent))).toBe(true);
      expect(whilePaused).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test('while it is paused little is taken from who speaks, and all of it is there afterwards', async () => {
  const [speaker, hearer] = await aPair();
  let heard = 0;
  hear(hearer, (chunk) => {
    heard += chunk.length;
  });
  hearer.resume();
  speaker.write('first');
  await waitFor('the first word', () => heard === 5);
  hearer.pause();
  const size = 64 * 1024 * 1024;
  speaker.write(Buffer.alloc(size));
  await waitFor('the queue', () => hearer.readableLength > 0);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toBe(5);
  expect(hearer.readableLength).toBeLessThan(256 * 1024);
  expect(speaker.writableLength).toBeGreaterThan(0);
  hearer.resume();
  await waitFor('all of it', () => heard === size + 5);
});

test('whoever takes the connection over hears all that comes later', async () => {
  const [speaker, hearer] = await aPair();
  const [before, after]: [Buffer[], Buffer[]] = [[], []];
  const hush = hear(hearer, (chunk) => before.push(chunk));
  hearer.resume();
  speaker.write('one');
  await waitFor('one', () => before.length === 1);
  hush();
  hearer.on('data', (chunk: Buffer) => after.push(chunk));
  speaker.write('two');
  await waitFor('two', () => after.length === 1);
  expect([before.join(), after.join()]).toEqual(['one', 'two']);
});
