// Goal: after an error that nobody caught the process ends, says so, ends its sessions first, and never goes on half alive.
// Method: the built file in a process of its own, with a proxy of ours that notes how it is stopped, and a defect on purpose.
import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { within } from '../support/wait.ts';

const dist = new URL('../../dist/', import.meta.url).href;

/** `stop` says how the proxy stops; `defect` is what goes wrong. */
async function ended(stop: string, defect: string) {
  const script = `
    import { obeySignals } from '${dist}cli/process-signals.js';
    import { createLog } from '${dist}core/log.js';
    const address = { address: '127.0.0.1', port: 1 };
    const proxy = { address, httpAddress: address, ended: new Promise(() => {}), reload: async () => {},
      stop: (how) => { console.log('stopped ' + how); ${stop} } };
    obeySignals(proxy, createLog({ level: 'info' }));
    setInterval(() => {}, 1000);
    setTimeout(() => { ${defect} }, 10);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await within(
    'the end of the process',
    new Promise<number | null>((settle) => child.once('close', settle)),
    20_000,
  );
  return { code, out: out.trim(), err: err.trim() };
}

describe('after a defect the process', () => {
  const defects: readonly (readonly [name: string, defect: string])[] = [
    ['an exception', "throw new Error('a defect with password=hunter2')"],
    ['a rejection', "Promise.reject(new Error('a defect with password=hunter2'))"],
    ['several at once', "Promise.reject(new Error('one')); throw new Error('a defect')"],
  ];
  test.each(defects)('(%s) ends its sessions, logs once, and exits 1', async (_name, defect) => {
    const { code, out, err } = await ended('return Promise.resolve();', defect);
    expect([code, out]).toEqual([1, 'stopped now']);
    expect(err.split('\n')).toHaveLength(1);
    expect(JSON.parse(err)).toMatchObject({ level: 'error', words: 'an error that nobody caught; the process ends' });
    expect(err).not.toContain('hunter2');
  });

  test.each([
    ['never ends', 'return new Promise(() => {});'],
    ['fails', "return Promise.reject(new Error('x'));"],
  ])('exits 1 in bounded time even when stopping %s', async (_name, stop) => {
    const start = performance.now();
    expect((await ended(stop, "throw new Error('a defect')")).code).toBe(1);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});
