// `countersign audit replay`: one recorded statement judged again, as it was then and as it would be now, and what makes the difference. Runs
// nothing. Says in which way it was judged again and what that is worth: the record holds no values.
import type { Command } from 'commander';
import { CarriedLog } from '../audit/carried-log.ts';
import { findJudgedIn, type JudgedSearch } from '../audit/find-judged.ts';
import { openSealed } from '../audit/hold-records.ts';
import { readText } from '../audit/keys.ts';
import { rejudge, type JudgedRecord, type Rejudged, type SessionFacts, type Way } from '../audit/rejudge.ts';
import { jsonWords } from '../audit/words.ts';
import { ProxyError } from '../core/errors.ts';
import { mistakeText, placeText } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import { loadClassification, type Classification } from '../policy/classification.ts';
import type { Snapshot } from '../sql/schema.ts';
import { chainFolders, dirOption } from './audit-folder.ts';
import { notOnRecord, Replayer, type Basis } from './replayer.ts';
import { filesOf, folderOf, guarded, schemaOf, type CommandPorts } from './world.ts';

export interface ReplayOptions {
  readonly dir?: string | readonly string[];
  readonly config?: string;
  readonly classification?: string;
  readonly key?: string;
  readonly json?: true;
}

export function registerReplay(audit: Command, ports: CommandPorts): void {
  audit
    .command('replay')
    .description('judge a recorded statement again, with the classification of then and of now; runs nothing')
    .argument('<id>', 'the number of a record (of several chains: CHAIN/NUMBER), or a hold')
    .option(...dirOption)
    .option('--classification <dir>', 'the classification of now; otherwise the config’s, or ./classification')
    .option('--config <file>', 'the config; with it the live schema is read')
    .option('--key <file>', 'an auditor’s private key (X25519, PEM), where statements are sealed')
    .option('--json', 'as JSON')
    .action(guarded(ports, (id: string, options: ReplayOptions) => replay(id, options, ports)));
}

export async function replay(id: string, options: ReplayOptions, ports: CommandPorts): Promise<void> {
  const dirs = chainFolders(options);
  const search = await findJudgedIn(dirs, id);
  if (search.kind !== 'found') throw notOne(search, id, dirs);
  const { found, dir } = search;
  const now = classificationOf(options);
  const full = options.key === undefined ? undefined : await unsealed(dir, found.record.seq, options.key);
  const carried = await CarriedLog.read(dirs);
  const replayer = new Replayer({
    dirs,
    schemaNow: schemaAtHand(options, ports),
    known: [now],
    unsealed: () => full,
    carried,
  });
  const { record, reason, clientAddress } = found;
  const session: SessionFacts = {
    ...(clientAddress === undefined ? {} : { clientAddress }),
    ...(reason === undefined ? {} : { reason }),
  };
  const answer = await replayed(replayer, { record, session, now: replayer.with(now, undefined), carried });
  if (options.json === true) ports.say(jsonWords(answer));
  else for (const line of linesOf(answer)) ports.say(visible(line, 4_000));
}

function notOne(
  search: Exclude<JudgedSearch, { readonly kind: 'found' }>,
  id: string,
  dirs: readonly string[],
): ProxyError {
  const name = visible(id, 120);
  if (search.kind === 'ambiguous') {
    return new ProxyError('BAD_REQUEST', `${name}: ${search.chains.length} chains have a record of this number`, {
      hint: `name the chain too: ${search.chains.map((chain) => `${chain}/${id}`).join(' or ')}`,
    });
  }
  return new ProxyError('NOT_FOUND', `${name}: no judged statement is behind this in ${dirs.join(', ')}`, {
    hint: 'an id is the number of a record (audit search shows it) or a hold, h_…',
  });
}

export function classificationOf(options: {
  readonly classification?: string;
  readonly config?: string;
}): Classification {
  const loaded = loadClassification(filesOf(folderOf(options)));
  if (loaded.kind === 'bad') throw new ProxyError('CONFIG_INVALID', loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

/** A database that is in no folder and no config has no schema now; its statements are judged by their columns. */
export function schemaAtHand(
  options: { readonly classification?: string; readonly config?: string },
  ports: Pick<CommandPorts, 'env'>,
): (database: string) => Promise<Snapshot | undefined> {
  return async (database) => {
    try {
      return await schemaOf(database, options, ports.env);
    } catch (thrown) {
      if (thrown instanceof ProxyError) return undefined;
      throw thrown;
    }
  };
}

async function unsealed(dir: string, seq: number, keyFile: string): Promise<string> {
  const opened = await openSealed(dir, seq, readText(keyFile) ?? '');
  if (opened.kind === 'opened') return opened.statement;
  throw new ProxyError('NOT_FOUND', opened.why);
}

interface Said {
  readonly verdict: string;
  readonly catalog: string;
  readonly schema: 'then' | 'now' | 'none';
  readonly reasons: readonly string[];
}

interface ReplayAnswer {
  readonly record: number;
  readonly at: string;
  readonly agent: string;
  readonly owner: string;
  readonly database: string;
  readonly text?: string;
  readonly recorded: string;
  readonly way: Way;
  readonly faith: Basis['faith'];
  readonly then?: Said;
  readonly now: Said;
  /** With the classification of now and the schema of then: tells which of the two makes the difference. */
  readonly between?: Said;
  readonly differs: readonly string[];
  readonly not_on_record: readonly string[];
  /** Records of data that took its level with it, which were looked at. */
  readonly carried: { readonly then: number; readonly now: number };
}

async function replayed(
  replayer: Replayer,
  of: {
    readonly record: JudgedRecord;
    readonly session: SessionFacts;
    readonly now: Classification;
    readonly carried: CarriedLog;
  },
): Promise<ReplayAnswer> {
  const { record, session, now } = of;
  const basis = await replayer.basis(record, session);
  const { way } = basis.reread;
  const fresh = await replayer.rereadAt(record, way, 'now');
  const again = rejudge(record, fresh ?? basis.reread, now, session);
  const between = fresh === undefined ? undefined : rejudge(record, basis.reread, now, session);
  const catalog = replayer.catalogThen(record.catalog);
  const both = catalog.kind === 'there' ? [catalog.classification, now] : [now];
  const whose = basis.schema ?? 'none';
  const nowSaid = said(again, now.catalog.version, way === 'columns' ? 'none' : fresh === undefined ? whose : 'now');
  return {
    record: record.seq,
    at: record.at,
    agent: record.agent,
    owner: record.owner,
    database: record.database,
    ...(record.text === undefined ? {} : { text: record.text }),
    recorded: record.verdict,
    way,
    faith: basis.faith,
    ...(basis.then === undefined ? {} : { then: said(basis.then, record.catalog, way === 'columns' ? 'none' : whose) }),
    now: nowSaid,
    ...(between === undefined ? {} : { between: said(between, now.catalog.version, whose) }),
    differs: differences(basis.then ?? recordedAs(record), again),
    not_on_record: notOnRecord(both, session),
    carried: { then: of.carried.count(record), now: of.carried.count(undefined) },
  };
}

function said(judged: Rejudged, catalog: string, schema: Said['schema']): Said {
  const reasons = judged.reasons.map((reason) => {
    const place = reason.place === undefined ? '' : ` (${placeText(reason.place)})`;
    return `${reason.verdict} ${reason.rule}${place}: ${reason.words}`;
  });
  return { verdict: judged.verdict, catalog, schema, reasons };
}

const recordedAs = (record: JudgedRecord): Pick<Rejudged, 'verdict' | 'columns'> => record;

function differences(
  then: Pick<Rejudged, 'verdict' | 'columns'>,
  now: Pick<Rejudged, 'verdict' | 'columns'>,
): readonly string[] {
  const before = new Map(then.columns.map((one) => [one.column, one.level]));
  const after = new Map(now.columns.map((one) => [one.column, one.level]));
  const lines = then.verdict === now.verdict ? [] : [`verdict: ${then.verdict} then, ${now.verdict} now`];
  for (const [column, level] of before) {
    const fresh = after.get(column);
    if (fresh === undefined) lines.push(`${column}: ${level} then, not touched now`);
    else if (fresh !== level) lines.push(`${column}: ${level} then, ${fresh} now`);
  }
  for (const [column, level] of after) {
    if (!before.has(column)) lines.push(`${column}: not touched then, ${level} now`);
  }
  return lines;
}

const wayWords: Readonly<Record<Way, string>> = {
  sealed: 'by its full text, opened with the key',
  shape: 'by its shape: the record has its text without values, so what hangs on a value cannot be seen',
  columns: 'by the columns on record: its text could not be read again, or no schema was at hand',
};

function faithWords(faith: Basis['faith'], recorded: string): string {
  switch (faith.kind) {
    case 'proven':
      return 'with the classification of then this gives what is on record';
    case 'not proven':
      return `not tried against the record: ${faith.why}`;
    case 'refuted':
      return `NOT TO BE RELIED ON: with the classification of then this gives ${faith.gives}, and ${recorded} is on record`;
  }
}

function linesOf(answer: ReplayAnswer): readonly string[] {
  const { then, now, between } = answer;
  const line = (name: string, one: Said): readonly string[] => [
    `${name} (classification ${one.catalog.slice(0, 12)}, ${schemaWords[one.schema]}): ${one.verdict}`,
    ...one.reasons.map((reason) => `  ${reason}`),
  ];
  const isSame = answer.differs.length === 0;
  const cause = between === undefined || then === undefined || isSame ? [] : [causeWords(then, between, now)];
  const unseen = answer.not_on_record;
  return [
    `record ${answer.record} of ${answer.at}: ${answer.agent} (${answer.owner}) on ${answer.database}: ${answer.recorded}`,
    ...(answer.text === undefined ? [] : [`  ${answer.text}`]),
    `judged again ${wayWords[answer.way]}`,
    faithWords(answer.faith, answer.recorded),
    ...(then === undefined ? [] : line('then', then)),
    ...line('now', now),
    ...(isSame
      ? ['nothing would differ']
      : ['what would differ:', ...answer.differs.map((one) => `  ${one}`), ...cause]),
    ...(answer.carried.now === 0 ? [] : [lineageWords]),
    ...(unseen.length === 0 ? [] : [`the rules also look at what is not on record: ${unseen.join(', ')}`]),
  ];
}

const lineageWords =
  'data that took its level with it counts as the record has it, by the names of then: tables renamed since are not followed';

const schemaWords: Readonly<Record<Said['schema'], string>> = {
  then: 'schema of then',
  now: 'schema of now',
  none: 'no schema',
};

function causeWords(then: Said, between: Said, now: Said): string {
  if (between.verdict === now.verdict && then.verdict !== now.verdict) return 'the classification makes the difference';
  if (between.verdict === then.verdict && then.verdict !== now.verdict) return 'the schema makes the difference';
  return 'classification and schema both changed';
}
