// Where the program begins: one function from arguments to exit code.
import { processIo } from './cli/io.ts';
import { run } from './cli/program.ts';
import { codeOf } from './core/file-words.ts';

export async function main(args: readonly string[]): Promise<number> {
  process.stdout.on('error', readerWent);
  return await run(args, processIo);
}

/** Whoever reads our output may stop (`| head`): no defect of anybody's, and what is left need not be written. */
function readerWent(thrown: unknown): void {
  if (codeOf(thrown) !== 'EPIPE') throw thrown;
}
