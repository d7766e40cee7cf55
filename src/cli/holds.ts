// `countersign holds`: the approver's terminal. It talks to the API of a running proxy with the approver's own token, so it can do what
// this person may do and no more.
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { parseDuration, durationForm } from '../core/durations.ts';
import { fileWords } from '../core/file-words.ts';
import { folded } from '../core/folded.ts';
import { inOrder, visible } from '../core/visible.ts';
import { getHold, listHolds, sendVote, type ApiAccess, type ApiHold } from './holds-client.ts';
import { misused, type Io } from './io.ts';

interface AccessOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

interface ListOptions extends AccessOptions {
  readonly state: string;
  readonly agent?: string;
  readonly limit?: string;
}

interface ApproveOptions extends AccessOptions {
  readonly reason?: string;
  readonly rows?: string;
  readonly for?: string;
  readonly uses?: string;
  readonly masked?: boolean;
}

export function addHolds(program: Command, io: Io): void {
  const holds = program.command('holds').description('list, show and decide what waits for approval');
  const withAccess = (command: Command): Command =>
    command
      .option('--url <address>', 'the proxy’s http address', io.env['COUNTERSIGN_URL'] ?? 'http://127.0.0.1:6480')
      .option('--token-file <file>', 'a file with your token, instead of COUNTERSIGN_TOKEN; - is stdin')
      .option('--json', 'as JSON');

  withAccess(holds.command('list', { isDefault: true }))
    .description('what waits, newest first')
    .option('--state <state>', 'open, approved, denied, expired, withdrawn, used, or all', 'open')
    .option('--agent <name>', 'of one agent only')
    .option('--limit <count>', 'at most so many')
    .action(async (options: ListOptions) => list(io, options));

  withAccess(holds.command('show').argument('<id>', 'h_…'))
    .description('one hold, whole')
    .action(async (id: string, options: AccessOptions) => show(io, options, await getHold(accessOf(io, options), id)));

  withAccess(holds.command('approve').argument('<id>', 'h_…'))
    .description('say yes: once, or for what the options say')
    .option('--reason <words>', 'why, for the record')
    .option('--rows <count>', 'only so many rows, from the first')
    .option('--masked', 'once, with likenesses in place of the values that it asks for')
    .option('--for <time>', 'the same shape with any values, for so long: 30m, 2h')
    .option('--uses <count>', 'with --for: at most so many times')
    .action(async (id: string, options: ApproveOptions) => {
      const terms = termsOf(options);
      const vote = { vote: 'approve', ...reasonOf(options.reason), ...(terms === undefined ? {} : { terms }) };
      decided(io, options, await sendVote(accessOf(io, options), id, vote));
    });

  withAccess(holds.command('deny').argument('<id>', 'h_…'))
    .description('say no; the agent gets the reason')
    .requiredOption('--reason <words>', 'why: the agent can do better with it')
    .action(async (id: string, options: AccessOptions & { readonly reason: string }) => {
      decided(io, options, await sendVote(accessOf(io, options), id, { vote: 'deny', reason: options.reason }));
    });
}

async function list(io: Io, options: ListOptions): Promise<void> {
  const { state, agent, limit } = options;
  const query = {
    ...(state === 'all' ? {} : { state }),
    ...(agent === undefined ? {} : { agent }),
    ...(limit === undefined ? {} : { limit }),
  };
  const holds = await listHolds(accessOf(io, options), query);
  if (options.json === true) {
    say(io, JSON.stringify(holds));
    return;
  }
  if (holds.length === 0) io.err(state === 'open' ? 'nothing waits' : 'none');
  for (const hold of holds) say(io, lineOf(hold));
}

/** `h_…  open  08:15:02Z  security 0 of 1  report-bot wants 1 restricted column · shop` */
function lineOf({ id, state, asked_at, headline, needs }: ApiHold): string {
  const asked = needs.map(({ groups, quorum, approved_by }) => {
    return `${groups.join(' or ')} ${Math.min(approved_by.length, quorum)} of ${quorum}`;
  });
  return `${id}  ${state}  ${asked_at.slice(11, 19)}Z  ${asked.join(', ')}  ${headline}`;
}

function show(io: Io, options: AccessOptions, hold: ApiHold): void {
  if (options.json === true) io.out(visible(JSON.stringify(hold), Number.POSITIVE_INFINITY));
  else for (const line of hold.card) say(io, line);
}

function decided(io: Io, options: AccessOptions, hold: ApiHold): void {
  if (options.json === true) say(io, JSON.stringify(hold));
  else {
    say(io, lineOf(hold));
    if (hold.state === 'open') io.err('your vote counts; more people are asked');
  }
}

function say(io: Io, line: string): void {
  const columns = io.columns?.();
  // Scripts get the text as it is.
  const shown = columns === undefined ? (part: string) => part : inOrder;
  for (const part of folded(visible(line, Number.POSITIVE_INFINITY), columns)) io.out(shown(part));
}

function accessOf(io: Io, { url, tokenFile }: AccessOptions): ApiAccess {
  const token = (tokenFile === undefined ? io.env['COUNTERSIGN_TOKEN'] : tokenIn(tokenFile))?.trim();
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
    throw misused(
      'no token of an approver: set COUNTERSIGN_TOKEN, or name a file with --token-file (any secret whose SHA-256 stands as token_sha256 at the person in approvers.yaml)',
    );
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw misused(`--url ${visible(url, 100)}: not an address like http://127.0.0.1:6480`);
  }
  return { url, token };
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (thrown) {
    throw misused(`--token-file ${file}: cannot be read: ${fileWords(thrown)}`);
  }
}

function termsOf({ rows, for: time, uses, masked }: ApproveOptions): Readonly<Record<string, unknown>> | undefined {
  const count = (name: string, text: string): number => {
    if (!/^[1-9]\d{0,9}$/.test(text)) throw misused(`--${name} ${visible(text, 50)}: not a whole number above 0`);
    return Number(text);
  };
  const firstRows = rows === undefined ? {} : { rows: count('rows', rows) };
  if (masked === true) {
    if (time !== undefined || uses !== undefined)
      throw misused('--masked is for this once; a shape has --for and --uses');
    return { kind: 'masked', ...firstRows };
  }
  if (time === undefined && uses === undefined) return rows === undefined ? undefined : { kind: 'rows', ...firstRows };
  if (time === undefined || uses === undefined) throw misused('a shape is approved with both --for and --uses');
  if (parseDuration(time) === undefined) throw misused(`--for ${visible(time, 50)}: not ${durationForm}`);
  return { kind: 'shape', for: time, uses: count('uses', uses), ...firstRows };
}

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason });
