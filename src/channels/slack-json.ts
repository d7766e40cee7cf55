// What comes from Slack is JSON of somebody else: looked into step by step, never cast.

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `at(body, 'channel', 'id')`: the text there, or undefined. */
export function at(value: unknown, ...path: readonly string[]): string | undefined {
  let here: unknown = value;
  for (const key of path) here = isRecord(here) && Object.hasOwn(here, key) ? here[key] : undefined;
  return typeof here === 'string' && here !== '' ? here : undefined;
}

export function recordAt(value: unknown, ...path: readonly string[]): Json {
  let here: unknown = value;
  for (const key of path) here = isRecord(here) && Object.hasOwn(here, key) ? here[key] : undefined;
  return isRecord(here) ? here : {};
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const last = path.at(-1);
  const holder = last === undefined ? undefined : recordAt(value, ...path.slice(0, -1))[last];
  return Array.isArray(holder) ? holder : [];
}
