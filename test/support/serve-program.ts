// `countersign serve` as a process of its own: what it says, where it serves, and when it ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { waitFor } from './wait.ts';

export const bin = new URL('../../bin/countersign.js', import.meta.url).pathname;

export interface Served {
  /** Host and port for agents. */
  readonly address: string;
  /** The API's origin. */
  readonly http: string;
}

export class ServeProgram {
  /** All that came on stderr and stdout. */
  err = '';
  out = '';
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;

  /** It sees nothing of our own environment, and `home` for its home. */
  constructor(config: string, home: string, args: readonly string[] = []) {
    const env = { PATH: process.env['PATH'], HOME: home };
    this.child = spawn(process.execPath, [bin, 'serve', '--config', config, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.exited = new Promise((settle) => this.child.once('close', settle));
  }

  /** The log's lines, as data. */
  lines(): readonly Record<string, unknown>[] {
    const whole = this.err.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Fails with what it said, at once when it ends instead. */
  async serving(): Promise<Served> {
    const line = await waitFor(
      'the end, or that it serves',
      () => this.lines().find(({ words }) => words === 'serving') ?? (this.child.exitCode !== null && 'ended'),
      { withinMs: 60_000 },
    ).catch((thrown: unknown) => String(thrown));
    if (typeof line === 'string') throw new Error(`it does not serve: ${line}\n${this.err}`);
    return { address: String(line['address']), http: `http://${String(line['http'])}` };
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
