// The evidence as one page that needs nothing else, and as CSV. Everything in it was once chosen by somebody outside, so every text goes
// through one escape, and the page forbids itself scripts and loading anything.
import { visible } from '../core/visible.ts';
import { csvLine } from './export.ts';
import type { ReportFacts, ReportHold } from './report.ts';
import { recordWords } from './words.ts';

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

function cellsOf({ held, votes, decided, released, rows }: ReportHold): readonly string[] {
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
    decided?.state ?? 'open',
    decided?.at ?? '',
    decided?.by.join(' ') ?? '',
    String(released),
    String(rows),
  ].map((cell) => visible(cell, 4_000));
}

/** `proof`: what `verify` said about the whole log. */
export function reportHtml(facts: ReportFacts, proof: string): string {
  const holdHead = ['hold', 'asked', 'agent (owner)', 'columns', 'votes', 'decision', 'releases', 'rows'];
  return page([
    `<h1>Countersign: evidence</h1><p>From ${safe(facts.from ?? 'the beginning')} to ${safe(facts.to ?? 'the end')}, UTC. ${facts.records} records.</p>`,
    `<h2>The log</h2><p>${safe(proof)}</p>`,
    section('Separation of duties', [
      facts.selfVotes.length === 0
        ? 'No owner of an agent voted on a statement of that agent.'
        : `${facts.selfVotes.length} votes by the owner of the agent that asked:`,
      ...facts.selfVotes.map(recordWords),
    ]),
    section('Not explained by the log', facts.unexplained.length === 0 ? ['Nothing.'] : facts.unexplained),
    section(
      'Gaps and keys',
      facts.gaps.length === 0 ? ['No gap, and no other key than the first.'] : facts.gaps.map(recordWords),
    ),
    `<h2>Statements</h2>${table(['verdict', 'statements'], Object.entries(facts.verdicts))}`,
    table(['level touched', 'statements'], [...facts.levels]),
    table(
      ['agent', 'owner', 'statements'],
      [...facts.agents].map(([name, agent]) => [name, agent.owner, agent.statements]),
    ),
    `<h2>Holds (${facts.holds.length})</h2>${table(holdHead, facts.holds.map(rowOf))}`,
    section('Starts, stops, changes of config, catalog and policy', facts.changes.map(recordWords)),
    section('What this page does not say', [
      'Who could have approved: that is in approvers.yaml and taxonomy.yaml under the versions named above, in your own version control.',
      'What was done to the database by other roads than this proxy.',
      'Literals, parameters and rows: they are not in the log.',
    ]),
  ]);
}

function rowOf({ held, votes, decided, released, rows }: ReportHold): readonly (string | number)[] {
  return [
    held.hold,
    held.at,
    `${held.agent} (${held.owner})`,
    held.columns.map((each) => `${each.column} ${each.level}`).join(', '),
    votes.map((vote) => `${vote.person}: ${vote.vote} (${vote.channel})`).join(', '),
    decided === undefined ? 'open' : `${decided.state} ${decided.by.join(', ')} ${decided.at}`,
    released,
    rows,
  ];
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

const safe = (text: string): string => visible(text, 4_000).replace(/[&<>"']/g, (char) => entities[char] ?? '');

const style =
  'body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em}table{border-collapse:collapse;margin:1em 0}' +
  'td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}li{overflow-wrap:anywhere}';

function page(parts: readonly string[]): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'`;
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Countersign: evidence</title>` +
    `<meta http-equiv="Content-Security-Policy" content="${policy}"><style>${style}</style></head><body>${parts.join('\n')}</body></html>\n`
  );
}
