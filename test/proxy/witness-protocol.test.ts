// Goal: asking for the tree disturbs nothing of the client's: portals, transactions, settings, errors; and what comes is the tree.
// Method: a raw connection to real servers plays the client; probes are put where a session would put them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectUpstream, type Upstream } from '../../src/proxy/upstream.ts';
import { probeMessages, ProbeReader, type ProbeOutcome } from '../../src/proxy/witness-protocol.ts';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { FrameReader, headerBytes } from '../../src/wire/frame.ts';
import { decodeServerMessage, fieldOf, type ServerMessage } from '../../src/wire/server-messages.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { waitFor } from '../support/wait.ts';
import { aTarget } from './upstream-target.ts';

class Line {
  readonly heard: ServerMessage[] = [];
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
    const reader = new FrameReader({ streams: () => false, lengthMax: () => 1 << 24 });
    upstream.socket.on('data', (chunk: Buffer) => {
      reader.push(chunk, {
        frame: (type, bytes, start, end) => {
          this.heard.push(decodeServerMessage(type, Buffer.from(bytes.subarray(start + headerBytes, end))));
        },
        part: () => undefined,
      });
    });
    upstream.socket.resume();
  }

  send(...messages: readonly ClientMessage[]): void {
    this.#upstream.socket.write(Buffer.concat(messages.map(encodeClientMessage)));
  }

  /** Everything up to a message of this kind. */
  async until(kind: ServerMessage['kind']): Promise<readonly ServerMessage[]> {
    const at = await waitFor(kind, () => this.heard.findIndex((each) => each.kind === kind) + 1);
    return this.heard.splice(0, at);
  }

  async simple(sql: string): Promise<readonly string[]> {
    this.send({ kind: 'query', sql: Buffer.from(sql) });
    return (await this.until('readyForQuery')).map(said);
  }

  async probe(sql: string, clientMinMessages = 'notice'): Promise<ProbeOutcome> {
    const reader = new ProbeReader('same');
    this.#upstream.socket.write(probeMessages({ sql: Buffer.from(sql), types: [], clientMinMessages, end: 'flush' }));
    return await waitFor('the probe', () => {
      for (let next = this.heard.shift(); next !== undefined; next = this.heard.shift()) {
        const outcome = reader.take(next);
        if (typeof outcome === 'object') return outcome;
      }
      return undefined;
    });
  }

  close(): void {
    this.#upstream.socket.destroy();
  }
}

function said(message: ServerMessage): string {
  if (message.kind === 'dataRow') return message.values.map((value) => value?.toString() ?? '').join(',');
  if (message.kind === 'readyForQuery') return message.status;
  if (message.kind === 'error' || message.kind === 'notice') return fieldOf(message.fields, 'C') ?? '';
  return message.kind;
}

const relations = (outcome: ProbeOutcome): number => {
  if (outcome.kind !== 'tree' || !outcome.facts.known) throw new Error(`no tree: ${JSON.stringify(outcome)}`);
  return outcome.facts.value.relations.length;
};
const parse = (sql: string, statement = ''): ClientMessage => ({
  kind: 'parse',
  statement,
  sql: Buffer.from(sql),
  types: [],
});
const bind = (portal = '', statement = ''): ClientMessage => {
  return { kind: 'bind', portal, statement, formats: [], parameters: [], resultFormats: [] };
};
const shown = `select current_setting('debug_print_rewritten') || current_setting('client_min_messages')`;

describe.each([15, 18] as const)('probing Postgres %i', (major) => {
  let postgres: TestPostgres;
  let line: Line;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(
      postgres.url(),
      'CREATE TABLE users (id int, ssn text); CREATE SCHEMA other; CREATE TABLE other.users (id int)',
    );
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    const url = new URL(postgres.url());
    const target = aTarget({ port: Number(url.port), user: decodeURIComponent(url.username), password: decodeURIComponent(url.password), database: url.pathname.slice(1) });
    const parameters = new Map([['client_encoding', 'UTF8'], ['options', '-c debug_pretty_print=off']]);
    line = new Line(await connectUpstream({ target, parameters }, new AbortController().signal));
  }); // prettier-ignore
  afterEach(() => {
    line.close();
  });

  test('a probe shows the tree and puts both settings back', async () => {
    expect(relations(await line.probe('select ssn from users'))).toBe(1);
    line.send({ kind: 'sync' });
    await line.until('readyForQuery');
    expect(await line.simple(shown)).toContain('offnotice');
    expect(relations(await line.probe('select 1', 'warning'))).toBe(0);
    line.send({ kind: 'sync' });
    await line.until('readyForQuery');
    expect(await line.simple(shown)).toContain('offwarning');
  });

  test('the unnamed statement, an open portal and the implicit transaction stay', async () => {
    line.send(
      parse('select generate_series(1, 3)'),
      bind(),
      { kind: 'execute', portal: '', maxRows: 1 },
      { kind: 'flush' },
    );
    expect((await line.until('portalSuspended')).map(said)).toContain('1');
    expect(relations(await line.probe('select * from users'))).toBe(1);
    line.send({ kind: 'execute', portal: '', maxRows: 0 }, { kind: 'sync' });
    expect((await line.until('readyForQuery')).map(said)).toEqual(['2', '3', 'commandComplete', 'I']);
  });

  test('what came before in a pipeline is not committed by a probe', async () => {
    line.send(
      parse('insert into users values (7)'),
      bind(),
      { kind: 'execute', portal: '', maxRows: 0 },
      { kind: 'flush' },
    );
    await line.until('commandComplete');
    await line.probe('select 1');
    line.send(parse('select 1/0'), bind(), { kind: 'execute', portal: '', maxRows: 0 }, { kind: 'sync' });
    await line.until('readyForQuery');
    expect(await line.simple('select count(*) from users')).toContain('0');
  });

  test('a text that does not parse gives the client’s own error and leaves no setting behind', async () => {
    const outcome = await line.probe('select nothing from users');
    expect(outcome.kind === 'error' && fieldOf(outcome.fields, 'C')).toBe('42703');
    expect(outcome.kind === 'error' && fieldOf(outcome.fields, 'P')).toBe('8');
    line.send({ kind: 'sync' });
    await line.until('readyForQuery');
    expect(await line.simple(shown)).toContain('offnotice');
  });

  test('in a transaction the probe sees its search_path, temporary tables and uncommitted DDL', async () => {
    await line.simple(
      'begin; set local search_path = other; create temp table mine (id int); create table fresh (id int)',
    );
    expect(relations(await line.probe('select * from users, mine, fresh'))).toBe(3);
    const gone = await line.probe('select ssn from users');
    expect(gone.kind === 'error' && fieldOf(gone.fields, 'C')).toBe('42703');
    line.send({ kind: 'sync' });
    expect((await line.until('readyForQuery')).map(said).at(-1)).toBe('E');
    await line.simple('rollback');
    expect(await line.simple(shown)).toContain('offnotice');
  });

  test('settings survive COMMIT and ROLLBACK around a probe', async () => {
    for (const end of ['commit', 'rollback']) {
      await line.simple('begin');
      await line.probe('select 1');
      line.send({ kind: 'sync' });
      await line.until('readyForQuery');
      await line.simple(end);
      expect(await line.simple(shown)).toContain('offnotice');
    }
  });

  test('nothing is asked in a failed transaction: the server answers for itself', async () => {
    await line.simple('begin; select 1/0');
    const outcome = await line.probe('select 1');
    expect(outcome.kind === 'error' && fieldOf(outcome.fields, 'C')).toBe('25P02');
    line.send({ kind: 'sync' });
    await line.until('readyForQuery');
    expect(await line.simple('rollback')).toEqual(['commandComplete', 'I']);
  });
});
