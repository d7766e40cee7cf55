// Where the program begins: one function from arguments to exit code.

export async function main(args: readonly string[]): Promise<number> {
  process.stderr.write(`countersign: unknown command ${args[0] ?? ''}\n`);
  return await Promise.resolve(2);
}
