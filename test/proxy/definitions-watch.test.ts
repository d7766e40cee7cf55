// Goal: whoever ran while others defined things knows in how many transactions they may have made, and unmade, what concerns it.
// Method: sessions as plain objects that tell the watch what they do; texts with the effects that the reader gives them.
import { expect, test } from 'vitest';
import { DefinedSoFar, DefinitionsWatch, timesConcerned } from '../../src/proxy/definitions-watch.ts';
import { unreadable, unreadText, type ReadText } from '../../src/sql/reading.ts';
import { buildSnapshot, groupText } from '../../src/sql/schema-build.ts';
import { groupNames } from '../../src/sql/schema-groups.ts';
import { SchemaIndex } from '../../src/sql/schema-index.ts';
import type { SessionEffect } from '../../src/sql/statement-effects.ts';

const defines = (...names: readonly string[]): SessionEffect => ({ kind: 'definitions', names });
const begin: SessionEffect = { kind: 'transaction', step: 'begin', chain: false };
const commit: SessionEffect = { kind: 'transaction', step: 'commit', chain: false };
const prepared: SessionEffect = { kind: 'transaction', step: 'other', chain: false };
const anything: SessionEffect = { kind: 'definitions' };
const block: SessionEffect = { kind: 'unsure', why: 'DO' };

const empty = groupNames.map(
  (group) => [group, groupText(group, group === 'server' ? '[170000,"db",1]' : '')] as const,
);
const index = new SchemaIndex(buildSnapshot(new Map(empty)));
const textOf = (...effects: readonly SessionEffect[]): ReadText => ({
  ...unreadText('of the test'),
  statements: [{ analysis: { ...unreadable(''), unknowns: [] }, held: undefined, refersTo: [], effects }],
  effects,
  index,
});

test.each<[string, readonly (readonly SessionEffect[])[], readonly string[] | 'any' | 'unread', number]>([
  ['one definition', [[defines('a')]], ['a'], 1],
  ['several in one text', [[defines('a'), defines('b')]], ['a', 'b'], 1],
  ['a transaction in one text', [[begin, defines('a'), commit]], ['a'], 1],
  ['a transaction in several texts', [[defines('a')], [defines('b')], [commit]], ['a', 'b'], 1],
  ['two transactions in one text', [[begin, defines('a'), commit, begin, defines('b'), commit]], ['a', 'b'], 2],
  ['the end of one, and another', [[defines('a')], [commit, defines('b')]], ['a', 'b'], 2],
  ['what nobody can tell', [[defines('a'), anything]], 'any', 1],
  ['a block of code', [[block]], 'unread', 3],
  ['what another session has prepared', [[prepared]], 'any', 1],
  ['a block of code, and a definition', [[block, defines('a')]], 'any', 3],
])('%s', (_name, texts, names, times) => {
  const defined = new DefinedSoFar();
  const said = texts.map((effects) => defined.begin(textOf(...effects), false)).at(-1);
  expect(said?.names).toEqual(typeof names === 'string' ? names : new Set(names));
  expect(said?.times).toBe(times);
});

test.each<[string, string, readonly string[]]>([
  ['DROP TABLE', 'pg_temp_3', []],
  ['ALTER TABLE', 'pg_temp_3', []],
  // LIKE a temporary one.
  ['CREATE TABLE', 'pg_temp_3', ['a']],
  ['DROP TABLE', 'public', ['a']],
])('%s of what lies in %s leads these names elsewhere for others: %j', (command, schema, names) => {
  const [statement] = textOf(defines('a')).statements;
  if (statement === undefined) throw new Error('the text is empty');
  const analysis = { ...statement.analysis, command, wholeTables: [{ schema, name: 'own' }] };
  const text = { ...textOf(defines('a')), statements: [{ ...statement, analysis }] };
  expect(new DefinedSoFar().begin(text, false).names).toEqual(new Set(names));
});

test('what people let through may define anything, unless it was read', () => {
  const unread = { ...textOf(), statements: unreadText('of the test').statements };
  expect(new DefinedSoFar().begin(unread, true)).toEqual({ names: 'unread', times: 1 });
  expect(new DefinedSoFar().begin(textOf(), true)).toEqual({ names: new Set(), times: 0 });
});

test('a transaction that is over leaves nothing behind', () => {
  const defined = new DefinedSoFar();
  defined.begin(textOf(defines('a')), false);
  defined.over();
  expect(defined.begin(textOf(defines('b')), false)).toEqual({ names: new Set(['b']), times: 1 });
});

const told = { concerns: (names: ReadonlySet<string>): boolean => names.has('t'), countsUnread: false };

test('counts what others have under way or have done since, by its names', () => {
  const watch = new DefinitionsWatch();
  const [own, one, other, gone] = [{}, {}, {}, {}];
  const define = (session: object, name: string): void => watch.ending(session, { names: new Set([name]), times: 1 });
  // Whoever has left may be long in leaving.
  define(gone, 'u');
  watch.left(gone);
  define(one, 't');
  watch.ended(one);
  define(other, 't');
  // That one was over; the other may commit before or behind what comes now.
  const since = watch.now;
  const times = (how = told): number => timesConcerned(watch.met(own, since), how);
  expect(times()).toBe(1);
  define(one, 'u');
  define(own, 't');
  watch.ended(own);
  expect(times()).toBe(1);
  watch.ended(other);
  define(other, 't');
  expect(times()).toBe(2);
  watch.ending(one, { names: 'any', times: 1 });
  expect(times()).toBe(3);
  watch.ending(one, { names: 'unread', times: 1 });
  expect(times()).toBe(3);
  expect(times({ ...told, countsUnread: true })).toBe(4);
});

test('what lies too far back counts as anything, and as nothing where nothing was under way', () => {
  const watch = new DefinitionsWatch();
  const since = watch.now;
  for (let times = 0; times < 3_000; times++) {
    const session = {};
    watch.ending(session, { names: new Set(['u']), times: 1 });
    watch.ended(session);
  }
  expect(timesConcerned(watch.met({}, since), told)).toBe(Infinity);
  expect(timesConcerned(watch.met({}, watch.now), told)).toBe(0);
});
