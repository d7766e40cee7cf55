// Conversations in which a name of SQL's and one of the protocol's are the same, so that one result would be read under the other's word.
import { bind, close, execute, parse, sync } from '../support/agent-messages.ts';
import type { Step } from '../support/converse.ts';

export const run = (portal: string): Step => [execute(portal), sync];
export const bound = (portal: string, sql: string): Step => [parse(sql), bind(portal), sync];

const long = 'c'.repeat(63);

/** The most likenesses that may arrive: those of a result that was judged as what it is. */
export const attacks: Readonly<Record<string, readonly [most: number, ...Step[]]>> = {
  'PREPARE fails since Parse has the name, and EXECUTE runs what Parse left': [
    0,
    [parse("select id || '' from secrets", 's'), sync],
    'prepare s as select 1',
    'execute s',
  ],
  'PREPARE fails in a batch of its own, and EXECUTE is sent with it': [
    0,
    [parse("select id || '' from secrets", 's'), sync],
    [parse('prepare s as select 1'), bind(''), execute(''), sync, parse('execute s'), bind(''), execute(''), sync],
  ],
  'a cursor of SQL is executed by the protocol': [100, 'begin', 'declare c cursor for select * from people', run('c')],
  'a cursor that outlives its transaction is': [
    100,
    'begin',
    'declare c cursor with hold for select * from people',
    'commit',
    run('c'),
  ],
  'a cursor draws on a budget': [50, 'begin', 'declare c cursor for select * from spent', run('c')],
  'a cursor is executed piece by piece': [
    100,
    'begin',
    'declare c cursor for select * from people',
    ...Array.from({ length: 5 }, (): Step => [execute('c', 60), sync]),
  ],
  'the protocol takes the name of a cursor, and FETCH reads its portal': [
    0,
    'begin',
    'declare c cursor for select 1',
    [close('portal', 'c'), ...[parse("select id || '' from veiled"), bind('c')], sync],
    'fetch all from c',
  ],
  'the same in one go': [
    0,
    'begin',
    [
      ...[parse('declare c cursor for select 1'), bind(''), execute(''), close('portal', 'c')],
      ...[parse("select id || '' from veiled"), bind('c'), parse('fetch all from c'), bind(''), execute(''), sync],
    ],
  ],
  'SQL takes the name of a portal': [
    100,
    'begin',
    bound('c', 'select 1'),
    'close c',
    'declare c cursor for select id from people',
    run('c'),
  ],
  'SQL closes all portals': [100, 'begin', bound('c', 'select 1'), 'close all', 'select opens()', run('c')],
  'a portal ends with its savepoint': [
    100,
    ...['begin', 'savepoint a', bound('c', 'select 1'), 'rollback to a', 'select opens()'],
    run('c'),
  ],
  'a cursor ends with its savepoint': [
    100,
    ...['begin', 'savepoint a', 'declare c cursor for select 1', 'rollback to a', 'select opens()', 'fetch all from c'],
  ],
  'a cursor ends with the outer of two savepoints of one name': [
    100,
    ...['begin', 'savepoint a', 'declare c cursor for select 1', 'savepoint a', 'release a', 'rollback to a'],
    ...['select opens()', 'fetch all from c'],
  ],
  'a portal ends with a savepoint whose namesake failed': [
    100,
    ...['begin', 'savepoint a', bound('c', 'select 1')],
    [...[parse('select 1/0'), bind(''), execute(''), parse('savepoint a'), bind(''), execute(''), sync]],
    ...['rollback to a', 'select opens()', run('c')],
  ],
  'a portal ends with a transaction that another follows at once': [
    100,
    'begin',
    bound('c', 'select 1'),
    'commit and chain',
    'select opens()',
    run('c'),
  ],
  'a portal ends with its batch, in one go': [
    100,
    [
      ...[parse('select 1'), bind('c'), sync, parse('begin'), bind(''), execute(''), sync],
      ...[parse('select opens()'), bind(''), execute(''), sync, execute('c'), sync],
    ],
  ],
  'a cursor of that name is there already': [
    100,
    'begin',
    'declare c cursor with hold for select id || $$$$ from people',
    'commit',
    'declare c cursor with hold for select 1',
    'fetch all from c',
  ],
  'names within a function change between Bind and Execute': [
    0,
    'begin',
    bound('p', 'select * from reads()'),
    'set search_path = other',
    run('p'),
  ],
  'names within a function change between DECLARE and FETCH': [
    0,
    'begin',
    'declare c cursor for select id from reads() as r(id)',
    'set search_path = other',
    'fetch all from c',
  ],
  'what a trigger names that is put off changes before COMMIT': [
    0,
    ...['begin', 'insert into noted values (1)', 'set local search_path = other', 'commit'],
  ],
  'what COPY names changes between Bind and Execute': [
    0,
    'begin',
    bound('p', 'copy setting to stdout'),
    'set search_path = other',
    run('p'),
  ],
  'what COPY names changes in one go': [
    0,
    [
      ...[
        parse('begin'),
        bind(''),
        execute(''),
        parse('set search_path = other', 's'),
        parse('copy setting to stdout', 'c'),
      ],
      ...[bind('s', 's'), bind('c', 'c'), execute('s'), execute('c'), sync],
    ],
  ],
  'what a function names changes in one go': [
    0,
    [
      ...[
        parse('begin'),
        bind(''),
        execute(''),
        parse('set search_path = other', 's'),
        parse('select * from reads()', 'c'),
      ],
      ...[bind('s', 's'), bind('c', 'c'), execute('s'), execute('c'), sync],
    ],
  ],
  'names change back with the transaction, and the unnamed portal stays': [
    0,
    [
      ...[parse('set search_path = other', 's'), parse('select * from reads()', 'c')],
      ...[bind('', 'c'), bind('s', 's'), execute('s'), execute(''), sync],
    ],
  ],
  'what EXECUTE names changes between Bind and Execute': [
    0,
    'prepare s as select $$x$$',
    'begin',
    bound('p', 'execute s'),
    [close('statement', 's'), parse("select id || '' from secrets", 's'), sync],
    run('p'),
  ],
  'what EXECUTE names changes in one go': [
    0,
    'prepare s as select $$x$$',
    [
      ...[parse('execute s', 'e'), bind('p', 'e'), close('statement', 's'), parse("select id || '' from secrets", 's')],
      ...[execute('p'), sync],
    ],
  ],
  'what FETCH names changes between Bind and Execute': [
    100,
    'begin',
    'declare c cursor for select $$x$$',
    bound('p', 'fetch all from c'),
    'close c',
    'declare c cursor for select id from people',
    run('p'),
  ],
  'what FETCH names changes in one go': [
    0,
    'begin',
    'declare c cursor for select $$x$$',
    [
      ...[parse('fetch all from c', 'f'), bind('p', 'f'), close('portal', 'c')],
      ...[parse("select id || '' from veiled"), bind('c'), execute('p'), sync],
    ],
  ],
  'a CLOSE that was bound before runs behind the Bind of that name': [
    100,
    'begin',
    [parse('close c', 'x'), bind('x', 'x'), parse('select 1'), bind('c'), sync],
    run('x'),
    'select opens()',
    run('c'),
  ],
  'a temporary table is made between Bind and Execute': [
    0,
    'begin',
    bound('p', 'select * from reads()'),
    'create temp view setting as select * from other.setting',
    run('p'),
  ],
  'a cursor is executed by a longer name than the server looks at': [
    100,
    'begin',
    `declare ${long} cursor for select id from people`,
    run(`${long}cccc`),
  ],
  'a portal has a longer name than the server looks at': [
    100,
    'begin',
    bound(`${long}cccc`, 'select 1'),
    `close ${long}`,
    `declare ${long} cursor for select id from people`,
    run(`${long}cccc`),
  ],
};
