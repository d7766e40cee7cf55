// A record as one line for a person's eyes. Everything in it came from outside at some time, so nothing that does not show itself
// reaches a terminal.
import { replacedHidden, visible } from '../core/visible.ts';
import type { LoggedRecord } from './record.ts';
import { assertNever } from '../core/exhaustive.ts';

/** `chain`: where the records are those of several. */
export function recordWords(record: LoggedRecord & { readonly chain?: string }): string {
  const chain = record.chain === undefined ? '' : ` (${visible(record.chain, 80)})`;
  return `${record.at} ${String(record.seq).padStart(8)} ${record.kind.padEnd(8)} ${visible(recordFacts(record), 600)}${chain}`;
}

/** JSON that is safe to look at: what does not show itself is written as an escape, which reads back as the same text. */
export function jsonWords(value: unknown): string {
  return replacedHidden(JSON.stringify(value), escapes);
}

/** Characters beyond the first plane are two escapes. */
function escapes(char: string): string {
  return char.replace(/[^]/g, (half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What it says, on one line; not made visible yet. */
export function recordFacts(record: LoggedRecord): string {
  switch (record.kind) {
    case 'judged':
      return `${record.verdict} ${who(record)} ${record.text ?? `statement ${record.statement.slice(0, 12)}`}${columns(record.columns)}`;
    case 'finished':
      return `record ${record.of}: ${record.rows} rows, ${record.bytes} bytes, ${record.ms} ms${after(record.error)}`;
    case 'refused':
      return `${who(record)} ${record.code}${after(record.hold)}`;
    case 'held':
      return `${record.hold} ${who(record)} ${record.rules.join(', ')}${columns(record.columns)}`;
    case 'voted':
      return `${record.hold} ${record.person}: ${record.vote} (${record.channel})${after(record.reason)}`;
    case 'decided':
      return `${record.hold} ${record.state}${record.by.length === 0 ? '' : ` by ${record.by.join(', ')}`}`;
    case 'released':
      return `${record.hold} ${who(record)}`;
    case 'budget':
      return `${record.agent} (${record.owner}) ${record.state} by ${record.by.join(', ')}: ${record.rows} rows more of ${record.level} in ${record.per}${after(record.hold)}`;
    case 'carried':
      return `${who(record)} took data of ${record.from.join(', ')} into${columns(record.columns)}${after(record.hold)}`;
    case 'login':
    case 'logout':
      return `${who(record)} from ${record.address}${after(record.error)}`;
    case 'start':
    case 'stop':
    case 'config':
    case 'catalog':
    case 'part':
    case 'operator':
      return `${record.words}${after(record.version)}`;
    case 'segment':
      return `${record.segment} of ${record.instance}, after ${record.blocks} blocks`;
    case 'key':
      return record.public;
    case 'mended':
      return `${record.words} (${record.lost} records lost, ${record.cut} bytes cut)`;
    default:
      return assertNever(record);
  }
}

const after = (text: string | undefined): string => (text === undefined ? '' : ` ${text}`);

function who(record: { readonly agent: string; readonly owner: string; readonly database: string }): string {
  return `${record.agent} (${record.owner}) ${record.database}`;
}

function columns(list: readonly { readonly column: string; readonly level: string }[]): string {
  return list.length === 0 ? '' : ` [${list.map((each) => `${each.column} ${each.level}`).join(', ')}]`;
}
