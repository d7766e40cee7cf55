// Where the program begins: one function from arguments to exit code.
import { processIo } from './cli/io.ts';
import { run } from './cli/program.ts';

export async function main(args: readonly string[]): Promise<number> {
  return await run(args, processIo);
}
