// Asks a program for a password: a short-lived token of a cloud, a vault. No shell, a bound on time and output; the output is a
// secret from its first byte and goes nowhere but to the login.
import { spawn } from 'node:child_process';
import { ProxyError } from '../core/errors.ts';
import { Secret } from '../core/secrets.ts';

const outputBytesMax = 64 * 1024;

/** The first line that the program prints. */
export function passwordFrom(command: readonly string[], signal: AbortSignal): Promise<Secret> {
  const [program, ...args] = command;
  if (program === undefined) return Promise.reject(failed('password_command is empty'));
  return new Promise((resolve, reject) => {
    // Its error stream is not read: a program may print there what it was asked to keep.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], shell: false });
    const output: Buffer[] = [];
    let bytes = 0;
    const end = (act: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const stop = (error: Error): void => {
      child.kill('SIGKILL');
      end(() => reject(error));
    };
    const onAbort = (): void => stop(failed(`password_command (${program}) took too long`));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > outputBytesMax)
        stop(failed(`password_command (${program}) printed more than ${outputBytesMax} bytes`));
      else output.push(chunk);
    });
    child.on('error', (cause) => end(() => reject(failed(`password_command (${program}) cannot be started`, cause))));
    child.on('close', (code, killed) => {
      const [line = ''] = Buffer.concat(output).toString('utf8').split(/\r?\n/, 1);
      if (code !== 0)
        end(() => reject(failed(`password_command (${program}) ended with ${code ?? killed ?? 'nothing'}`)));
      else if (line === '') end(() => reject(failed(`password_command (${program}) printed no password`)));
      else end(() => resolve(new Secret(line)));
    });
  });
}

function failed(words: string, cause?: unknown): ProxyError {
  return new ProxyError('UPSTREAM_REFUSED', words, { hint: 'Run it by hand as the user of the proxy.', cause });
}
