// A record as one line of CEF, for SIEMs that read syslog. Header fields and extension values have different escapes; an agent that could
// write a pipe or a line feed unescaped could invent fields and whole events.
import type { LoggedRecord } from './record.ts';

export function cefOf(origin: string, record: LoggedRecord): string {
  const extension = fieldsOf(origin, record)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${extensionText(value)}`);
  const head = ['CEF:0', 'Countersign', 'countersign', '1', record.kind, titleOf(record), severityOf(record)];
  return `${head.map((part, at) => (at === 0 ? part : headText(part))).join('|')}|${extension.join(' ')}`;
}

function fieldsOf(origin: string, record: LoggedRecord): readonly (readonly [string, string])[] {
  const fields: Readonly<Record<string, unknown>> = { ...record };
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const columns = 'columns' in record ? record.columns.map((each) => `${each.column} ${each.level}`).join(', ') : '';
  return [
    ['rt', String(Date.parse(record.at))],
    ['externalId', `${origin}/${record.seq}`],
    ['suser', text('agent') || text('person')],
    ['src', record.kind === 'login' || record.kind === 'logout' ? record.address : ''],
    ['act', text('verdict') || text('state') || text('vote') || text('code')],
    ['cs1Label', 'database'],
    ['cs1', text('database')],
    ['cs2Label', 'columns'],
    ['cs2', columns.slice(0, 4_000)],
    ['cs3Label', 'hold'],
    ['cs3', text('hold')],
    ['cs4Label', 'statement'],
    ['cs4', text('statement')],
    ['cn1Label', 'rows'],
    ['cn1', text('rows')],
    ['msg', (text('text') || text('words') || text('reason')).slice(0, 1_000)],
  ];
}

function titleOf(record: LoggedRecord): string {
  if (record.kind === 'judged') return `Statement judged: ${record.verdict}`;
  if (record.kind === 'decided') return `Hold ${record.state}`;
  if (record.kind === 'budget') return `Budget ${record.state}`;
  return `Record: ${record.kind}`;
}

function severityOf(record: LoggedRecord): string {
  if (record.kind === 'refused' || (record.kind === 'judged' && record.verdict === 'deny')) return '6';
  return record.kind === 'held' || (record.kind === 'judged' && record.verdict === 'hold') ? '4' : '1';
}

const headText = (text: string): string => oneLine(text).replace(/[\\|]/g, '\\$&');

function extensionText(text: string): string {
  return text
    .replace(/[\\=]/g, '\\$&')
    .replace(/\r\n|[\r\n\u0085\u2028\u2029]/g, '\\n')
    .replace(/\p{Cc}/gu, ' ');
}

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
