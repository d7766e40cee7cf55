// A real Redis for a test file: REDIS_URL, else redis-server on the PATH, else Debian's package where we may install it,
// else one line that says how.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { waitFor, within } from './wait.ts';

export interface TestRedis {
  readonly url: string;
  /** False when it is somebody's own (REDIS_URL): it cannot be stopped, and other keys may lie in it. */
  readonly ours: boolean;
  stop(): Promise<void>;
}

/** The server must not outlive us, however we end: the shell kills it when our end of its standard input closes. */
const supervisor = `
exec 3<&0 < /dev/null
"$@" 3<&- > /dev/null &
server=$!
trap 'kill $server' TERM
(read -r line <&3; kill $server) > /dev/null 2>&1 &
watcher=$!
wait $server
kill $watcher 2> /dev/null
`;

/** `flags` go to redis-server as they are, behind a `config` file; with flags or a port the server is always one of our own. */
export async function startRedis(
  options: { readonly flags?: readonly string[]; readonly port?: number; readonly config?: string } = {},
): Promise<TestRedis> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined && given !== '' && options.flags === undefined && options.port === undefined) {
    return { url: given, ours: false, stop: () => Promise.resolve() };
  }
  const program = redisServer();
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  const config = options.config === undefined ? [] : [options.config];
  const own = [
    ...config,
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    ...(options.flags ?? []),
  ];
  const child = spawn('/bin/sh', ['-c', supervisor, 'redis', program, ...own], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((settle) => child.once('exit', () => settle()));
  await waitFor(`redis-server on port ${port}`, () => answers(port));
  return {
    url: `redis://127.0.0.1:${port}`,
    ours: true,
    stop: async () => {
      child.stdin.end();
      await within('redis-server to stop', ended);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function redisServer(): string {
  const program = 'redis-server';
  if (spawnSync(program, ['--version']).status === 0) return program;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    // Without its service: tests start their own.
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', program], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
      stdio: 'ignore',
    });
    if (spawnSync(program, ['--version']).status === 0) return program;
  }
  throw new Error(
    'the tests need a Redis: set REDIS_URL, or install redis-server (Debian: apt-get install redis-server)',
  );
}

function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (bytes: Buffer) => {
      socket.destroy();
      settle(bytes.toString().startsWith('+PONG'));
    });
    socket.once('error', () => settle(false));
  });
}
