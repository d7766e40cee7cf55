// The judged statement that an id means: the record itself, or the one behind an outcome, a refusal, or any step of a hold.
import { basename } from 'node:path';
import { originOf } from './hold-records.ts';
import type { LoggedRecord } from './record.ts';
import type { JudgedRecord } from './rejudge.ts';
import { recordsContaining } from './search.ts';

export interface FoundJudged {
  readonly record: JudgedRecord;
  /** Where the session came from, from its login. */
  readonly clientAddress: string | undefined;
  /** Why the agent said it asked, where it was held. */
  readonly reason: string | undefined;
}

export type JudgedSearch =
  | { readonly kind: 'found'; readonly dir: string; readonly found: FoundJudged }
  | { readonly kind: 'not found' }
  /** The number means a record in each of these chains. */
  | { readonly kind: 'ambiguous'; readonly chains: readonly string[] };

/** `id`: a hold, the number of a record, or of several chains a number with its chain before it: `countersign/x/4711`, `worker-1/4711`. */
export async function findJudgedIn(dirs: readonly string[], id: string): Promise<JudgedSearch> {
  const [, chain, last = ''] = /^(?:(.+)\/)?([^/]*)$/.exec(id) ?? [];
  if (!/^(\d{1,15}|h_\w{1,40})$/.test(last)) return { kind: 'not found' };
  const all: { readonly kind: 'found'; readonly dir: string; readonly found: FoundJudged }[] = [];
  for (const dir of dirs.filter((one) => chain === undefined || isNamed(one, chain))) {
    const found = await findJudged(dir, last);
    if (found !== undefined) all.push({ kind: 'found', dir, found });
  }
  const [only, ...more] = all;
  if (only === undefined) return { kind: 'not found' };
  return more.length === 0 ? only : { kind: 'ambiguous', chains: all.map(({ dir }) => originOf(dir)) };
}

const isNamed = (dir: string, chain: string): boolean =>
  [originOf(dir), basename(dir)].includes(chain) || originOf(dir) === `countersign/${chain}`;

/** Undefined: there is no judged statement behind it. */
async function findJudged(dir: string, id: string): Promise<FoundJudged | undefined> {
  const start = /^h_/.test(id) ? (await ofHold(dir, id))[0] : await bySeq(dir, Number(id));
  const record = start === undefined ? undefined : await judgedBehind(dir, start);
  if (record === undefined) return undefined;
  const session = await recordsContaining(dir, `"session":${JSON.stringify(record.session)}`);
  const login = session.find((each) => each.kind === 'login');
  const held = session.find(
    (each) => each.kind === 'held' && each.statement === record.statement && each.seq > record.seq,
  );
  return {
    record,
    clientAddress: login?.kind === 'login' ? login.address.replace(/:\d+$/, '') : undefined,
    reason: held?.kind === 'held' ? held.reason : undefined,
  };
}

/** Each step leads to an earlier record, so this ends. */
async function judgedBehind(dir: string, from: LoggedRecord): Promise<JudgedRecord | undefined> {
  if (from.kind === 'judged') return from;
  if (from.kind === 'finished') {
    const cause = from.of < from.seq ? await bySeq(dir, from.of) : undefined;
    return cause === undefined || cause.kind === 'finished' ? undefined : judgedBehind(dir, cause);
  }
  const about =
    'hold' in from && from.hold !== undefined
      ? (await ofHold(dir, from.hold)).find((each) => each.kind === 'held')
      : from;
  if (about === undefined || !('statement' in about)) return undefined;
  const same = await recordsContaining(dir, `"statement":${JSON.stringify(about.statement)}`);
  const before = same.filter(
    (each) => each.kind === 'judged' && each.session === about.session && each.seq < about.seq,
  );
  const last = before.at(-1);
  return last?.kind === 'judged' ? last : undefined;
}

async function bySeq(dir: string, seq: number): Promise<LoggedRecord | undefined> {
  return (await recordsContaining(dir, `"seq":${seq},`)).find((each) => each.seq === seq);
}

const ofHold = (dir: string, hold: string): Promise<readonly LoggedRecord[]> =>
  recordsContaining(dir, `"hold":${JSON.stringify(hold)}`);
