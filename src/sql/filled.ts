// What a write fills in beside what it names: defaults, computed columns, and what a trigger puts into the row before it is stored. Of a trigger's
// body only the names count that stand behind NEW: they may be read there or set; where NEW stands in any other way, all of them may be.
import { foldAscii } from '../core/names.ts';
import { isComment, tokensOf } from './lexer.ts';
import type { FunctionInfo, TriggerInfo } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';
import { eventBits, type Step } from './writes-telling.ts';

/** pg_trigger.tgtype: for each row, before it is stored. */
const beforeRow = 1 | 2;

/** With what the step itself sets. */
export function filledColumns(step: Step, index: SchemaIndex): ReadonlySet<number> {
  const { relation, event, columns } = step;
  if (event === 'delete') return columns;
  const set = setByTriggers(step, index);
  const filled = relation.attributes.filter(({ num, name, generated, identity, expression }) => {
    if (columns.has(num) || set === 'all' || set.has(name)) return true;
    return event === 'insert' && (generated !== 'no' || identity !== 'no' || expression !== undefined);
  });
  const numbers = new Set(filled.map(({ num }) => num));
  for (const { num, generatedFrom } of relation.attributes)
    if (generatedFrom.some((each) => numbers.has(each))) numbers.add(num);
  return numbers;
}

/** UPDATE OF looks at the columns that the statement names; those of a partition may have other numbers than its parent's. */
export function fires(trigger: TriggerInfo, { relation, event, columns }: Step): boolean {
  if (trigger.relation !== relation.oid || trigger.internal || !trigger.enabled) return false;
  if ((trigger.bits & eventBits[event]) === 0) return false;
  const some = trigger.columns.length === 0 || trigger.columns.some((num) => columns.has(num));
  return event !== 'update' || some || relation.isPartition;
}

function setByTriggers(step: Step, index: SchemaIndex): ReadonlySet<string> | 'all' {
  const names = new Set<string>();
  for (const trigger of index.snapshot.triggers) {
    if ((trigger.bits & beforeRow) !== beforeRow || !fires(trigger, step)) continue;
    const set = namedBehindNew(index.function(trigger.function));
    if (set === 'all') return 'all';
    for (const name of set) names.add(name);
  }
  return names;
}

function namedBehindNew(callee: FunctionInfo | undefined): ReadonlySet<string> | 'all' {
  const tokens = callee?.language === 'plpgsql' ? tokensOf(callee.body) : undefined;
  if (callee === undefined || tokens === undefined) return 'all';
  const words = tokens
    .filter((token) => token.kind !== 'space' && !isComment(token))
    .map((token) => plainName(callee.body.slice(token.start, token.end)));
  const names = new Set<string>();
  for (const [at, word] of words.entries()) {
    const next = words[at + 1] ?? '';
    if (word === 'return' && !/^(?:new|old|null)$/.test(next)) return 'all';
    if (word !== 'new' || (words[at - 1] === 'return' && next === ';')) continue;
    if (next !== '.') return 'all';
    names.add(words[at + 2] ?? '');
  }
  return names;
}

const plainName = (token: string): string =>
  token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : foldAscii(token);
