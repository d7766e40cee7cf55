// In the place of the suite's own harness, which stops at the first test that fails: the same calls, the same time-outs, each test on its
// own, and one line of JSON for each.
import { spawnSync } from 'node:child_process';
import { inspect } from 'node:util';

const leftBehind = 'drop table if exists test; drop publication if exists alltables';
const tests = [];
let only = false;

export const t = (name, ...rest) => add(name, rest);
export const nt = () => undefined;
export const ot = (name, ...rest) => ((only = true), add(name, rest));
t.timeout = 5;

function add(name, [options, body]) {
  const isBody = typeof options === 'function';
  tests.push({ name, seconds: isBody ? undefined : options.timeout, body: isBody ? options : body });
  if (tests.length === 1) setImmediate(run);
}

async function outcome({ body, seconds }) {
  let timer;
  const late = new Promise(
    (_, fail) => (timer = setTimeout(() => fail(new Error('Timed out')), (seconds ?? t.timeout) * 1000)),
  );
  try {
    const [expected, got] = await Promise.all(await Promise.race([body(), late]));
    return expected === got ? 'ok' : `expected ${inspect(expected)}, got ${inspect(got)}`;
  } catch (error) {
    return `${error?.code ?? ''} ${error?.message ?? inspect(error)}`.trim();
  } finally {
    clearTimeout(timer);
  }
}

async function run() {
  for (const test of tests) {
    const words = await outcome(test);
    console.log(`@@${JSON.stringify({ test: test.name, outcome: words })}`);
    // It has not come to its own tidying up, and the next one makes the same table.
    if (words !== 'ok') spawnSync('psql', ['-d', 'postgres_js_test', '-c', leftBehind]);
  }
  process.exit(only ? 1 : 0);
}

// A query that a test left behind must not end all the others.
process.on('unhandledRejection', () => undefined);
process.on('uncaughtException', () => undefined);
