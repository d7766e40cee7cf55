// `countersign audit what-if`: a span of the log judged again with proposed classification files. For a pull request: how many more would
// be held, how many fewer, and which. The schema stays that of then: what is asked is what the files change.
import { Option, type Command } from 'commander';
import { CarriedLog } from '../audit/carried-log.ts';
import { rejudge, type JudgedRecord, type Rejudged, type SessionFacts, type Way } from '../audit/rejudge.ts';
import { recordsOfAll } from '../audit/joint-records.ts';
import type { SearchFilter } from '../audit/search-facts.ts';
import { jsonWords } from '../audit/words.ts';
import { placeText } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import type { Classification } from '../policy/classification.ts';
import { chainFolders, dirOption } from './audit-folder.ts';
import { classificationOf, schemaAtHand } from './audit-replay.ts';
import { notOnRecord, Replayer, type Basis } from './replayer.ts';
import { guarded, type CommandPorts } from './world.ts';

export interface WhatIfOptions {
  readonly dir?: string | readonly string[];
  readonly config?: string;
  readonly classification?: string;
  readonly from?: string;
  readonly to?: string;
  readonly agent?: string;
  readonly database?: string;
  readonly failOn: FailOn;
  readonly show: number;
  readonly json?: true;
}

const failOns = ['any', 'stricter', 'looser', 'never'] as const;
type FailOn = (typeof failOns)[number];

export function registerWhatIf(
  audit: Command,
  ports: CommandPorts,
  parse: { readonly time: (text: string) => string; readonly count: (text: string) => number },
): void {
  audit
    .command('what-if')
    .description('judge a span of the record again with proposed classification files; exits 1 when verdicts differ')
    .option('--classification <dir>', 'the proposed files; otherwise the config’s, or ./classification')
    .option('--from <time>', 'in UTC, 2026-11-21T04:00, or its beginning', parse.time)
    .option('--to <time>', 'the same; belongs to the span', parse.time)
    .option('--agent <name>', 'only its statements')
    .option('--database <name>', 'only statements there')
    .option(...dirOption)
    .option('--config <file>', 'the config; with it live schemas are read where those of then were not kept')
    .addOption(new Option('--fail-on <what>', 'what makes it exit 1').choices(failOns).default('any'))
    .option('--show <n>', 'at most so many different statements', parse.count, 20)
    .option('--json', 'as JSON')
    .action(guarded(ports, (options: WhatIfOptions) => whatIf(options, ports)));
}

/** Statements that are alike and come out alike, seen as one. */
interface Change {
  readonly agent: string;
  readonly database: string;
  readonly text: string | undefined;
  readonly was: string;
  readonly becomes: string;
  readonly way: Way;
  readonly proven: boolean;
  readonly reasons: readonly string[];
  count: number;
  readonly first: number;
  /** As `audit replay` takes it; of several chains with the chain before the number. */
  readonly first_name: string;
  last: number;
  last_name: string;
}

export interface WhatIf {
  readonly catalog: string;
  readonly statements: number;
  readonly different: number;
  readonly more_held: number;
  readonly fewer_held: number;
  readonly more_denied: number;
  readonly fewer_denied: number;
  /** Judging them again does not give what is on record, so nothing is said about them. */
  readonly cannot_tell: number;
  /** Their own classification was not kept: compared with what is on record, without trying it first. */
  readonly not_proven: number;
  readonly not_on_record: readonly string[];
  readonly changes: readonly Change[];
}

export async function whatIf(options: WhatIfOptions, ports: CommandPorts): Promise<void> {
  const proposed = classificationOf(options);
  const dirs = chainFolders(options);
  const carried = await CarriedLog.read(dirs);
  const replayer = new Replayer({ dirs, schemaNow: schemaAtHand(options, ports), known: [proposed], carried });
  const collector = new WhatIfCollector(replayer, proposed, carried);
  await collector.takeAll(dirs, options);
  const result = collector.result();
  if (options.json === true) ports.say(jsonWords(result));
  else for (const line of linesOf(result, options.show)) ports.say(visible(line, 2_000));
  const isStricter = result.changes.some((change) => rank(change.becomes) > rank(change.was));
  const isLooser = result.changes.some((change) => rank(change.becomes) < rank(change.was));
  const fails = { any: isStricter || isLooser, stricter: isStricter, looser: isLooser, never: false } as const;
  if (fails[options.failOn]) ports.exit(1);
}

const rank = (verdict: string): number => ['allow', 'hold', 'deny'].indexOf(verdict);

interface Judged {
  readonly basis: Basis;
  readonly proposed: Rejudged;
  readonly from: number;
}

const rememberedMax = 20_000;

class WhatIfCollector {
  readonly #replayer: Replayer;
  readonly #proposed: Classification;
  readonly #carried: CarriedLog;
  readonly #judged = new Map<string, Judged>();
  readonly #shapes = new Set<string>();
  readonly #changes = new Map<string, Change>();
  readonly #addresses = new Map<string, string>();
  #statements = 0;
  #cannotTell = 0;
  #notProven = 0;

  constructor(replayer: Replayer, proposed: Classification, carried: CarriedLog) {
    this.#replayer = replayer;
    this.#carried = carried;
    this.#proposed = proposed;
  }

  async takeAll(
    dirs: readonly string[],
    options: Pick<SearchFilter, 'from' | 'to' | 'agent' | 'database'>,
  ): Promise<void> {
    const { from, to, agent, database } = options;
    // From the beginning of the log, since a session may be older than the span.
    for await (const { record, chain } of recordsOfAll(dirs, to === undefined ? {} : { to })) {
      if (record.kind === 'login') this.#addresses.set(record.session, record.address);
      else if (record.kind === 'logout') this.#addresses.delete(record.session);
      // The server itself refuses some texts for sure; no classification was asked about them.
      if (record.kind !== 'judged' || record.catalog === '' || (from !== undefined && record.at < from)) continue;
      if ((agent ?? record.agent) !== record.agent || (database ?? record.database) !== record.database) continue;
      await this.#take(record, dirs.length > 1 ? `${chain}/${record.seq}` : String(record.seq));
    }
  }

  result(): WhatIf {
    const changes = [...this.#changes.values()].toSorted((a, b) => b.count - a.count);
    const count = (of: (change: Change) => boolean): number =>
      changes.filter(of).reduce((sum, change) => sum + change.count, 0);
    return {
      catalog: this.#proposed.catalog.version,
      statements: this.#statements,
      different: this.#shapes.size,
      more_held: count((change) => change.becomes === 'hold'),
      fewer_held: count((change) => change.was === 'hold'),
      more_denied: count((change) => change.becomes === 'deny'),
      fewer_denied: count((change) => change.was === 'deny'),
      cannot_tell: this.#cannotTell,
      not_proven: this.#notProven,
      not_on_record: notOnRecord([this.#proposed], {}),
      changes,
    };
  }

  async #take(record: JudgedRecord, name: string): Promise<void> {
    this.#statements += 1;
    const { basis, proposed } = await this.#judgedAgain(record);
    if (basis.faith.kind === 'refuted') {
      this.#cannotTell += 1;
      return;
    }
    if (basis.faith.kind === 'not proven') this.#notProven += 1;
    if (proposed.verdict === record.verdict) return;
    this.#note(record, { basis, proposed }, name);
  }

  #note(record: JudgedRecord, { basis, proposed }: Pick<Judged, 'basis' | 'proposed'>, name: string): void {
    const { agent, database, text, verdict } = record;
    const key = JSON.stringify([agent, database, text ?? record.statement, verdict, proposed.verdict]);
    const known = this.#changes.get(key);
    if (known !== undefined) {
      known.count += 1;
      [known.last, known.last_name] = [record.seq, name];
      return;
    }
    const shown =
      proposed.verdict === 'allow' ? [] : proposed.reasons.filter((one) => one.verdict === proposed.verdict);
    this.#changes.set(key, {
      ...{ agent, database, text, was: verdict, becomes: proposed.verdict, way: basis.reread.way },
      proven: basis.faith.kind === 'proven',
      reasons: shown.map(
        (one) => `${one.rule}${one.place === undefined ? '' : ` (${placeText(one.place)})`}: ${one.words}`,
      ),
      count: 1,
      ...{ first: record.seq, first_name: name, last: record.seq, last_name: name },
    });
  }

  /** Most statements of a log are alike: each different one is judged once, and again when the hour may matter. */
  async #judgedAgain(record: JudgedRecord): Promise<Judged> {
    const address = this.#addresses.get(record.session)?.replace(/:\d+$/, '');
    const key = `${this.#carried.count(record)} ${keyOf(record, address)}`;
    if (this.#shapes.size < rememberedMax) this.#shapes.add(record.text ?? record.statement);
    const at = Date.parse(record.at);
    const known = this.#judged.get(key);
    if (known !== undefined && stands(known, at)) return known;
    const session: SessionFacts = address === undefined ? {} : { clientAddress: address };
    const basis = await this.#replayer.basis(record, session);
    const proposed = rejudge(record, basis.reread, this.#replayer.with(this.#proposed, record), session);
    const judged: Judged = { basis, proposed, from: at };
    if (this.#judged.size >= rememberedMax) this.#judged.clear();
    this.#judged.set(key, judged);
    return judged;
  }
}

/** Everything of a record that judging looks at, and what is on record as its verdict. */
function keyOf(record: JudgedRecord, address: string | undefined): string {
  const { agent, owner, database, text, verdict, actions, columns, rules, catalog, schema, path, role, expected } =
    record;
  const facts = [agent, owner, database, text, verdict, actions, columns, rules, catalog, schema, path, role, expected];
  return JSON.stringify([...facts, address]);
}

function stands({ basis, proposed, from }: Judged, at: number): boolean {
  const until = Math.min(proposed.validUntil ?? Infinity, basis.then?.validUntil ?? Infinity);
  return at >= from ? at < until : until === Infinity;
}

function linesOf(result: WhatIf, show: number): readonly string[] {
  const { changes } = result;
  const head = `${result.statements} statements judged again, ${result.different} different ones, with classification ${result.catalog.slice(0, 12)}`;
  const denied = `${result.more_denied} more refused, ${result.fewer_denied} fewer`;
  return [
    head,
    `${result.more_held} more held, ${result.fewer_held} fewer; ${denied}`,
    ...changes.slice(0, show).flatMap(changeLines),
    ...(changes.length > show ? [`and ${changes.length - show} more; --show shows them`] : []),
    ...(result.cannot_tell === 0
      ? []
      : [
          `${result.cannot_tell} statements cannot be judged again from the record (values decided, or a budget): nothing is said about them`,
        ]),
    ...(result.not_proven === 0
      ? []
      : [`${result.not_proven} were judged by a classification that was not kept: compared with what is on record`]),
    ...(result.not_on_record.length === 0
      ? []
      : [`the rules also look at what is not on record: ${result.not_on_record.join(', ')}`]),
  ];
}

function changeLines(change: Change): readonly string[] {
  const { agent, database, text, was, becomes, count, first_name: first, last_name: last } = change;
  const which = first === last ? `record ${first}` : `records ${first} to ${last}`;
  const worth = change.proven ? '' : ', not proven';
  return [
    `${becomes} instead of ${was} ×${count}: ${agent} on ${database} (${which}, by ${change.way}${worth})`,
    `    ${text ?? 'a statement whose text is not on record'}`,
    ...change.reasons.slice(0, 3).map((reason) => `    ${reason}`),
  ];
}
