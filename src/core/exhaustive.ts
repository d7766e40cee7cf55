// Every switch over a tag ends here, so that a new member does not compile until each switch knows it.

export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
