// The kinds of values that a config file holds, each with its form, its bounds and words for the docs table.
import * as z from 'zod';
import { durationForm, durationText, parseDuration, parseSize, sizeForm, sizeText } from './durations.ts';
import type { LimitRow } from './limits.ts';
import { Secret } from './secrets.ts';
import { isPort, parseUpstreamUrl } from './upstream-url.ts';
import { customIssue } from './yaml-check.ts';

/** What the docs table says about a key: the form of its value and its default, beside `describe`'s words. */
export interface FieldNote {
  readonly form: string;
  readonly usual?: string;
}

export const fieldNotes = z.registry<FieldNote>();

interface FieldOptions<T> {
  readonly words: string;
  readonly usual?: T;
}

interface BoundedOptions extends FieldOptions<string> {
  readonly min: string;
  readonly max: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A text, never empty: an empty value is nearly always a forgotten one. */
export function text(words: string, form = 'text') {
  return z.string().min(1, 'must not be empty').register(fieldNotes, { form }).describe(words);
}

export function secret(words: string) {
  return z
    .string()
    .min(1, 'must not be empty')
    .transform((value) => new Secret(value))
    .register(fieldNotes, { form: 'secret' })
    .describe(words);
}

export function word<const Words extends readonly [string, ...string[]]>(
  words: string,
  known: Words,
  usual?: Words[number],
) {
  const note = { form: known.join(' or '), ...(usual === undefined ? {} : { usual }) };
  return z.enum(known).optional().register(fieldNotes, note).describe(words);
}

/** `true`, `false`, and the same as texts, since a variable is always a text. */
export function yesNo(words: string, usual: boolean) {
  const asBoolean = (value: unknown): unknown => (value === 'true' ? true : value === 'false' ? false : value);
  return z
    .preprocess(asBoolean, z.boolean())
    .optional()
    .register(fieldNotes, { form: 'true or false', usual: String(usual) })
    .describe(words);
}

export function count(options: FieldOptions<number> & { readonly min: number; readonly max: number }) {
  const asNumber = (value: unknown): unknown =>
    typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  const note = { form: 'number', ...(options.usual === undefined ? {} : { usual: String(options.usual) }) };
  return z
    .preprocess(asNumber, z.int().min(options.min).max(options.max))
    .optional()
    .register(fieldNotes, note)
    .describe(options.words);
}

/**
 * Milliseconds. Every duration has a maximum, and none is above 24 days: Node's timers hold 31 bits and fire *at once* above.
 */
export function duration(options: BoundedOptions) {
  return measured(options, parseDuration, durationForm, 'duration');
}

export function size(options: BoundedOptions) {
  return measured(options, parseSize, sizeForm, 'size');
}

export function limitField(row: LimitRow) {
  if (row.unit === 'count') return count({ words: row.reason, usual: row.default, min: row.min, max: row.max });
  const print = row.unit === 'ms' ? durationText : sizeText;
  const field = row.unit === 'ms' ? duration : size;
  return field({ words: row.reason, usual: print(row.default), min: print(row.min), max: print(row.max) });
}

function measured(
  options: BoundedOptions,
  parse: (text: string) => number | undefined,
  form: string,
  short: 'duration' | 'size',
) {
  const [min, max] = [parse(options.min), parse(options.max)];
  if (min === undefined || max === undefined) throw new Error(`a field without bounds: ${options.words}`);
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const amount = parse(String(value));
      if (amount !== undefined && amount >= min && amount <= max) return amount;
      const words = amount === undefined ? `must be ${form}` : `must be from ${options.min} to ${options.max}`;
      const mend = `write for example ${options.usual ?? options.min}`;
      context.issues.push({ ...customIssue(words, mend), input: value });
      return z.NEVER;
    })
    .optional()
    .register(fieldNotes, { form: short, ...(options.usual === undefined ? {} : { usual: options.usual }) })
    .describe(options.words);
}

/** `127.0.0.1:6432`, `[::1]:6432`, `:6432` for every address, or a bare port on loopback. */
export function address(words: string, usual: string) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context): Address => {
      const read = parseAddress(String(value));
      if (read !== undefined) return read;
      const mend = 'write HOST:PORT, for example 127.0.0.1:6432, or [::1]:6432';
      context.issues.push({ ...customIssue('not an address to listen on', mend), input: value });
      return z.NEVER;
    })
    .optional()
    .register(fieldNotes, { form: 'HOST:PORT', usual })
    .describe(words);
}

/** Port 0 lets the system choose one, for tests. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:\s]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || !(port === 0 || isPort(port))) return undefined;
  if (match[1] === undefined) return { host: '127.0.0.1', port };
  const host = match[1].replace(/^\[(.*)\]$/, '$1');
  return { host: host === '' || host === '*' ? '::' : host, port };
}

/** `site`: links are made of it, and pages name their parts from its root. */
export function webUrl(words: string, kind: 'any' | 'site' = 'any') {
  return z
    .string()
    .transform((value, context) => {
      const isWeb = URL.canParse(value) && /^https?:\/\//.test(value);
      const bare = value.replace(/\/+$/, '');
      if (isWeb && (kind === 'any' || bare.toLowerCase() === new URL(value).origin)) return bare;
      const mend = 'write for example https://countersign.example.com';
      const what = isWeb ? 'not the address of a whole site: scheme, name and port, no path' : 'not an http(s) URL';
      context.issues.push({ ...customIssue(what, mend), input: value });
      return z.NEVER;
    })
    .register(fieldNotes, { form: 'URL' })
    .describe(words);
}

export function upstreamUrl(words: string) {
  return z
    .string()
    .transform((value, context) => {
      const read = parseUpstreamUrl(value);
      if (read.kind === 'good') return read.value;
      context.issues.push({ ...customIssue(read.words, read.mend), input: value });
      return z.NEVER;
    })
    .register(fieldNotes, { form: 'postgres URL' })
    .describe(words);
}

/** As Postgres writes it in pg_authid. More iterations than this would make each login a denial of service on the client. */
export function verifier(words: string) {
  const form = /^SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/;
  return z
    .string()
    .refine(
      (value) => {
        const iterations = Number(form.exec(value)?.[1]);
        return iterations >= 4096 && iterations <= 1_000_000;
      },
      customMessage('not a SCRAM-SHA-256 verifier', 'make one with: countersign agents add NAME'),
    )
    .register(fieldNotes, { form: 'SCRAM-SHA-256$…' })
    .describe(words);
}

/** For `refine`, which takes its words before there is a context. */
function customMessage(words: string, mend: string) {
  return { error: words, params: { mend } };
}
