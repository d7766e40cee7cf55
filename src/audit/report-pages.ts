// The evidence as one page that needs nothing else, and as CSV. Everything in it was once chosen by somebody outside, so every text goes
// through one escape, and the page forbids itself scripts and loading anything.
import { visible } from '../core/visible.ts';
import { csvLine } from './export.ts';
import type { LoggedRecord } from './record.ts';
import type { ReportFacts, ReportHold } from './report.ts';
import type { Rights } from './report-rights.ts';
import { recordWords as wordsOf } from './words.ts';

export function reportCsv(facts: ReportFacts): string {
  const head = [
    'hold',
    'asked',
    'agent',
    'owner',
    'database',
    'columns',
    'levels',
    'rules',
    'votes',
    'state',
    'decided',
    'by',
    'releases',
    'rows',
  ];
  return [csvLine(head), ...facts.holds.map((hold) => csvLine(cellsOf(hold)))].join('');
}

function cellsOf({ held, votes, decided, released, rows, unfinished }: ReportHold): readonly string[] {
  return [
    held.hold,
    held.at,
    held.agent,
    held.owner,
    held.database,
    held.columns.map((each) => each.column).join(' '),
    [...new Set(held.columns.map((each) => each.level))].join(' '),
    held.rules.join('; '),
    votes.map((vote) => `${vote.person} ${vote.vote} ${vote.at} ${vote.channel}`).join('; '),
    decided?.state ?? openText(released),
    decided?.at ?? '',
    decided?.by.join(' ') ?? '',
    String(released),
    rowsText(rows, unfinished),
  ].map((cell) => visible(cell, 4_000));
}

export interface ReportFindings {
  /** What `verify` said about each whole log. */
  readonly proofs: readonly string[];
  /** By version; undefined: it was not kept. */
  readonly rights: ReadonlyMap<string, Rights | undefined>;
  /** Votes and decisions that do not fit the classification that judged. */
  readonly doubts: readonly string[];
  readonly coverage: readonly string[];
  /** The signed receipt of a hold as JSON; undefined: not settled, or the signing key is elsewhere. */
  readonly receiptOf: (hold: string) => string | undefined;
}

export function reportHtml(facts: ReportFacts, findings: ReportFindings): string {
  const self = [...facts.selfVotes, ...facts.selfDecisions];
  // Of one chain its name goes without saying.
  const recordWords = ({ chain, ...record }: LoggedRecord & { readonly chain: string }): string =>
    wordsOf(facts.chains.length > 1 ? { ...record, chain } : record);
  return page([
    `<h1>Countersign: evidence</h1><p>From ${safe(facts.from ?? 'the beginning')} to ${safe(facts.to ?? 'the end')}, UTC. ${facts.records} records.</p>`,
    section(findings.proofs.length === 1 ? 'The log' : `The log, ${findings.proofs.length} chains`, findings.proofs),
    section('Separation of duties', [
      self.length === 0
        ? `No owner of an agent voted on a statement of that agent, in ${facts.holds.length} holds.`
        : `${facts.selfVotes.length} votes and ${facts.selfDecisions.length} decisions by the owner of the agent that asked:`,
      ...self.map(recordWords),
      ...findings.doubts,
    ]),
    section('Not explained by the log', unexplainedLines(facts)),
    ...notReadPart(facts),
    unknownPart(facts),
    section(
      'Gaps and keys',
      facts.gaps.length === 0
        ? ['No gap, and no other key than the first.']
        : facts.gaps.map((gap) => (gap.kind === 'key' ? `${recordWords(gap)} ${keyWords(gap)}` : recordWords(gap))),
    ),
    ...[...findings.rights].map(([version, rights]) => rightsPart(version, rights, facts)),
    section('Coverage', findings.coverage),
    `<h2>Statements</h2>${table(['verdict', 'statements'], Object.entries(facts.verdicts))}`,
    table(['level touched', 'statements'], [...facts.levels]),
    table(
      ['agent', 'owner', 'statements'],
      [...facts.agents].map(([name, agent]) => [name, agent.owner, agent.statements]),
    ),
    holdsPart(facts, findings),
    section('Starts, stops, changes of config, catalog and policy', facts.changes.map(recordWords)),
    section('What this page does not say', [
      'Who changed the classification files: that is in your own version control; the versions are named above.',
      'What was done to the database by other roads than this proxy.',
      'Literals, parameters and rows: they are not in the log.',
      'Whether a person’s account was used by somebody else.',
    ]),
  ]);
}

/** Who has a chain can name others in it that never were: what is excused by them is not called explained. */
function unexplainedLines({ unexplained, notRead }: ReportFacts): readonly string[] {
  if (unexplained.length > 0) return unexplained;
  return notRead.size === 0 ? ['Nothing.'] : ['Nothing in what was read; holds under “Not read” were not looked at.'];
}

/** Only where there is something: most proxies are alone. */
function notReadPart({ notRead }: ReportFacts): readonly string[] {
  if (notRead.size === 0) return [];
  const lines = [...notRead].map(
    ([chain, holds]) =>
      `${chain} has steps of ${holds.length} holds of this span, and its folder was not read: nothing is said here about what those steps are (${holds.slice(0, 10).join(', ')}${holds.length > 10 ? ', …' : ''})`,
  );
  return [section('Not read', lines)];
}

const outcomesShown = 100;

function unknownPart({ unknownOutcomes, chains }: ReportFacts): string {
  const lines = unknownOutcomes.slice(0, outcomesShown).map(({ seq, at, agent, hold, text, chain }) => {
    const which = chains.length > 1 ? ` of ${chain}` : '';
    return `${at} record ${seq}${which}: ${agent}${hold === undefined ? '' : ` ${hold}`}${text === undefined ? '' : ` ${text}`}`;
  });
  const rest = unknownOutcomes.length - lines.length;
  const head = `${unknownOutcomes.length} statements were let through, and the proxy ended, or its log was shut, before their outcome was recorded: whether the database carried them out is not known here.`;
  return section(
    'Outcomes that are not known',
    unknownOutcomes.length === 0
      ? ['None: of every statement that was let through it is on record how it ended.']
      : [head, ...lines, ...(rest === 0 ? [] : [`and ${rest} more`])],
  );
}

function rightsPart(version: string, rights: Rights | undefined, facts: ReportFacts): string {
  const head = `<h2>Who could approve what</h2><p>Classification ${safe(version)}, which judged ${facts.catalogs.get(version) ?? 0} statements. Never the owner of the agent that asks.</p>`;
  if (rights === undefined) return `${head}<p>This classification was not kept beside the log.</p>`;
  const asked = rights.asked.map(({ what, quorum, people }) => [what, quorum, people.join(', ')]);
  const people = rights.people.map(({ name, groups, ways, owns }) => {
    const owned = [...facts.agents].filter(([, agent]) => owns(agent.owner)).map(([agent]) => agent);
    return [name, groups.join(', '), ways, owned.join(', ')];
  });
  return (
    head +
    table(['asked about', 'yeses', 'people'], asked) +
    table(['person', 'groups', 'known by', 'agents of their own: never theirs to approve'], people)
  );
}

function holdsPart(facts: ReportFacts, findings: ReportFindings): string {
  const head = ['hold', 'asked', 'agent (owner)', 'columns', 'votes', 'decision', 'releases', 'rows'];
  const receipts = facts.holds.map(({ held }) => {
    const receipt = findings.receiptOf(held.hold);
    const words = receipt === undefined ? '<p>No receipt: not settled, or the signing key is elsewhere.</p>' : '';
    const text = receipt === undefined ? words : `<pre>${entitiesOf(receipt)}</pre>`;
    return `<details><summary>receipt of ${safe(held.hold)}</summary>${text}</details>`;
  });
  const how =
    '<p>Each receipt is checked with the public key of each chain in it, and nothing else: countersign audit verify RECEIPT --key key.pub.</p>';
  return `<h2>Holds (${facts.holds.length})</h2>${table(head, facts.holds.map(rowOf))}${receipts.length === 0 ? '' : how}${receipts.join('')}`;
}

function rowOf({ held, votes, decided, released, rows, unfinished }: ReportHold): readonly (string | number)[] {
  return [
    held.hold,
    held.at,
    `${held.agent} (${held.owner})`,
    held.columns.map((each) => `${each.column} ${each.level}`).join(', '),
    votes.map((vote) => `${vote.person}: ${vote.vote} (${vote.channel})`).join(', '),
    decided === undefined ? openText(released) : `${decided.state} ${decided.by.join(', ')} ${decided.at}`,
    released,
    rowsText(rows, unfinished),
  ];
}

/** What was released was decided, in a chain that was not read. */
const openText = (released: number): string => (released === 0 ? 'open' : 'not in what was read');

const keyWords = ({ vouched }: { readonly vouched?: string }): string =>
  vouched === undefined
    ? '(a signing key that no key before it vouches for)'
    : '(a new signing key, vouched for by the one before)';

/** A zero would say that nothing was read. */
function rowsText(rows: number, unfinished: number): string {
  if (unfinished === 0) return String(rows);
  return rows === 0 ? 'not known' : `${rows}, and of ${unfinished} releases not known`;
}

function section(title: string, lines: readonly string[]): string {
  const shown = lines.length === 0 ? ['None.'] : lines;
  return `<h2>${safe(title)}</h2><ul>${shown.map((line) => `<li>${safe(line)}</li>`).join('')}</ul>`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return '<p>None.</p>';
  const line = (tag: 'th' | 'td', cells: readonly (string | number)[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${safe(String(cell))}</${tag}>`).join('')}</tr>`;
  return `<table>${line('th', head)}${rows.map((row) => line('td', row)).join('')}</table>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const entitiesOf = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? '');
const safe = (text: string): string => entitiesOf(visible(text, 4_000));

const style =
  'body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em}table{border-collapse:collapse;margin:1em 0}' +
  'td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}li,pre{overflow-wrap:anywhere}pre{white-space:pre-wrap}';

function page(parts: readonly string[]): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'`;
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Countersign: evidence</title>` +
    `<meta http-equiv="Content-Security-Policy" content="${policy}"><style>${style}</style></head><body>${parts.join('\n')}</body></html>\n`
  );
}
