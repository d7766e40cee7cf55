// The `state` key of countersign.yaml: a folder for one proxy, or a Redis for several.
import { resolve } from 'node:path';
import * as z from 'zod';
import type { FileReader } from './config-files.ts';
import type { StateConfig } from './config-types.ts';
import { parseRedisUrl, type RedisUrl } from './redis-url.ts';
import { Secret } from './secrets.ts';
import { customIssue } from './yaml-check.ts';

type StateShape =
  | { readonly kind: 'journal'; readonly folder: string }
  | { readonly kind: 'redis'; readonly text: string; readonly url: RedisUrl };

export function stateField() {
  return z.string().transform((value, context): StateShape => {
    const folder = /^journal:(.+)$/.exec(value)?.[1];
    if (folder !== undefined) return { kind: 'journal', folder };
    const isRedis = /^rediss?(?:[+-]|:\/\/)/i.test(value);
    const read = isRedis ? parseRedisUrl(value) : undefined;
    if (read?.kind === 'good') return { kind: 'redis', text: value, url: read.value };
    const words = read?.words ?? 'must be journal:FOLDER, redis://… or rediss://…';
    context.issues.push({ ...customIssue(words, read?.mend ?? 'journal:./state is the usual one'), input: value });
    return z.NEVER;
  });
}

export function stateOf(shape: StateShape | undefined, directory: string, reader: FileReader): StateConfig {
  if (shape?.kind !== 'redis') {
    return Object.freeze({ kind: 'journal', dir: resolve(directory, shape?.folder ?? './state') });
  }
  const { ca, cert, key } = shape.url;
  const files = {
    ca: ca === undefined ? undefined : reader.certificate(['state'], ca).pem,
    cert: cert === undefined ? undefined : reader.certificate(['state'], cert).pem,
    key: key === undefined ? undefined : reader.privateKey(['state'], key).pem,
  };
  const target = Object.freeze({ ...shape.url, ...files });
  return Object.freeze({ kind: 'redis', url: new Secret(shape.text), target });
}
