// What an agent's driver sends, one message each, with what most tests leave at its default.
import type { ClientMessage } from '../../src/wire/client-messages.ts';

export const simple = (sql: string | Buffer): ClientMessage => ({ kind: 'query', sql: Buffer.from(sql) });

export const parse = (sql: string | Buffer, statement = '', types: readonly number[] = []): ClientMessage => ({
  ...{ kind: 'parse', statement, types },
  sql: Buffer.from(sql),
});

export interface Bound {
  readonly portal?: string;
  readonly statement?: string;
  readonly values?: readonly (string | null)[];
  /** Of the result's columns. */
  readonly formats?: readonly number[];
}

export const bindWith = ({ portal = '', statement = '', values = [], formats = [] }: Bound): ClientMessage => ({
  ...{ kind: 'bind', portal, statement, formats: [], resultFormats: formats },
  parameters: values.map((value) => (value === null ? null : Buffer.from(value))),
});

/** Without values, as most are. */
export const bind = (portal = '', statement = ''): ClientMessage => bindWith({ portal, statement });

type Target = 'statement' | 'portal';
export const describeOf = (target: Target, name = ''): ClientMessage => ({ kind: 'describe', target, name });
export const close = (target: Target, name = ''): ClientMessage => ({ kind: 'close', target, name });

export const execute = (portal = '', maxRows = 0): ClientMessage => ({ kind: 'execute', portal, maxRows });

export const sync: ClientMessage = { kind: 'sync' };

/** A statement as drivers send it that prepare: all of it up to Sync. */
export const extended = (sql: string | Buffer, statement = ''): readonly ClientMessage[] => [
  ...[parse(sql, statement), bind('', statement), describeOf('portal'), execute(), sync],
];

export const flush: ClientMessage = { kind: 'flush' };
export const copyData = (text: string): ClientMessage => ({ kind: 'copyData', data: Buffer.from(text) });
export const copyDone: ClientMessage = { kind: 'copyDone' };
