// What `verify` found, in one line.
import type { Verification } from '../audit/verify.ts';

export function wholeWords(result: Extract<Verification, { readonly kind: 'whole' }>): string {
  const { head } = result;
  const first = result.firstSeq > 0 ? ` (records before ${result.firstSeq} are not in this folder)` : '';
  const newest = result.unsigned === 0 ? '' : `; the newest ${result.unsigned} are behind the head, not signed yet`;
  const { left, first: unknown, running } = result.unfinished;
  const ended =
    unknown === undefined
      ? ''
      : `; no outcome is known of ${left} statements that were let through (the first: record ${unknown.seq} of ${unknown.at}): the proxy ended, or its log was shut, before it was recorded`;
  const open = running === 0 ? '' : `; ${running} that were let through still run, or the proxy is gone`;
  return (
    `${result.records} records from ${result.from} to ${result.to}${first} are whole, under head ${head.root.slice(0, 16)} ` +
    `(${head.origin}, ${head.blocks} blocks, signed ${head.at})${newest}${ended}${open}`
  );
}

export function brokenWords(result: Extract<Verification, { readonly kind: 'broken' }>): string {
  const what = result.unchecked === true ? 'the record cannot be checked' : 'the record does not fit';
  return `${what}: ${result.file}${result.line === undefined ? '' : `:${result.line}`}: ${result.words}`;
}
