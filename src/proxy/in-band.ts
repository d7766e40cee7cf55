// What the proxy itself answers to agents: `countersign.holds`, `.budgets` and `.explain(…)`. The rows are ours; Postgres only lays them
// out: where the agent's text names the table, the server gets those rows as a constant. So types, formats, portals, cursors, filters,
// the order of replies and what happens in a failed transaction are Postgres's own, and the text that results is judged and recorded
// like any other: nothing of the agent's gets around that by standing beside a name of ours.
import { ProxyError } from '../core/errors.ts';
import type { Execution } from '../gate-data.ts';
import { Cursor } from '../wire/cursor.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { fromServer } from '../wire/message-types.ts';
import type { InBandArgument, InBandPlace } from '../sql/in-band.ts';
import type { TextEncodings } from '../sql/text.ts';
import { decodeText } from '../sql/text.ts';
import { rowsClause, type InBandRows } from './in-band-rows.ts';
import type { Follower } from './replies.ts';
import type { PreparedText } from './statement-book.ts';

/** Where the rows come from. Every method throws UNAVAILABLE where they cannot be had. */
export interface InBandSource {
  /** Of this agent only, the newest first. */
  readonly holds: (agent: string) => Promise<InBandRows>;
  readonly budgets: (agent: string) => Promise<InBandRows>;
  /** What would become of the text of `execution`, were it sent now. */
  readonly explain: (execution: Execution) => Promise<InBandRows>;
}

/** A prepared statement that asks the proxy: its rows are put in when it is bound. */
export interface InBandText {
  readonly text: string;
  readonly place: InBandPlace;
}

/** `usual`: it does not ask us, or in a way that is the server's to answer. */
export type InBandQuery =
  | { readonly kind: 'usual' }
  | { readonly kind: 'sql'; readonly sql: Buffer }
  | { readonly kind: 'refused'; readonly error: ProxyError };

export type InBandParse =
  | { readonly kind: 'usual' }
  | { readonly kind: 'prepared'; readonly text: PreparedText }
  | { readonly kind: 'refused'; readonly error: ProxyError };

export interface InBandParts {
  readonly source: InBandSource;
  readonly agent: string;
  readonly encodings: () => TextEncodings;
  readonly execution: (text: PreparedText) => Execution;
}

/** Our own, closed at once; the session refuses an agent's use of it. */
export const answerName = 'countersign answer 5f0c2a';

/** Only a hint, so that nobody else waits for the parser: what counts is the tree. The setting of that name is asked for in nearly every session. */
const mayAsk = /countersign(?!\.reason\b)/i;

/** `sig` in any letters: few texts have it, so that few are made a string for nothing. */
function hasRareLetters(sql: Buffer): boolean {
  for (let at = 2; at < sql.length; at += 1) {
    if (lower(sql[at]) === 0x67 && lower(sql[at - 1]) === 0x69 && lower(sql[at - 2]) === 0x73) return true;
  }
  return false;
}

const lower = (byte = 0): number => byte | 0x20;

export class InBand {
  readonly #parts: InBandParts;

  constructor(parts: InBandParts) {
    this.#parts = parts;
  }

  mayAsk(sql: Buffer): boolean {
    return hasRareLetters(sql) && mayAsk.test(sql.toString('latin1'));
  }

  async query(sql: Buffer): Promise<InBandQuery> {
    const asked = await this.#asked(sql);
    if (asked === undefined) return { kind: 'usual' };
    if (asked instanceof ProxyError) return { kind: 'refused', error: asked };
    return await this.#fresh({ sql, types: [], typesKey: '', inBand: asked }, asked, undefined);
  }

  async parse(text: PreparedText): Promise<InBandParse> {
    const asked = await this.#asked(text.sql);
    if (asked === undefined) return { kind: 'usual' };
    if (asked instanceof ProxyError) return { kind: 'refused', error: asked };
    // Only its columns count yet.
    return { kind: 'prepared', text: { ...text, sql: withRows(asked, []), inBand: asked } };
  }

  /** `rest`: what Bind carries behind the names. */
  async bind(text: PreparedText, rest: Buffer): Promise<InBandQuery> {
    return text.inBand === undefined ? { kind: 'usual' } : await this.#fresh(text, text.inBand, rest);
  }

  async #asked(sql: Buffer): Promise<InBandText | ProxyError | undefined> {
    const decoded = decodeText(sql, this.#parts.encodings());
    if (decoded.kind !== 'text') return undefined;
    const { text } = decoded;
    const execution = this.#parts.execution({ sql, types: [], typesKey: '' });
    const answer = await execution.reader.inBand(text, execution.agent);
    // Sent on, Postgres would say that there is no such table.
    if (answer === undefined) return unread();
    if (answer.found === 'nothing') return undefined;
    if (answer.found === 'otherForm') return otherForm();
    // Cut and put together in letters, it has to become the session's bytes again.
    if (!isAscii(text) && !isUtf8(this.#parts.encodings().client)) return otherEncoding();
    return { text, place: answer.place };
  }

  async #fresh(text: PreparedText, asked: InBandText, rest: Buffer | undefined): Promise<InBandQuery> {
    try {
      return { kind: 'sql', sql: withRows(asked, await this.#rows(text, asked, rest)) };
    } catch (thrown) {
      if (thrown instanceof ProxyError) return { kind: 'refused', error: thrown };
      throw thrown;
    }
  }

  async #rows({ types }: PreparedText, { place }: InBandText, rest: Buffer | undefined): Promise<InBandRows> {
    const { source, agent, encodings } = this.#parts;
    switch (place.table) {
      case 'holds':
        return shown(await source.holds(agent), encodings());
      case 'budgets':
        return shown(await source.budgets(agent), encodings());
      case 'explain': {
        const sql = argumentBytes(place.argument, types, rest);
        // As a function of Postgres that is strict: of NULL there is nothing to say.
        if (sql === undefined) return [];
        return shown(await this.#explained(sql), encodings());
      }
    }
  }

  /** Of a text that asks us: what it would become. */
  async #explained(sql: Buffer): Promise<InBandRows> {
    const asked = mayAsk.test(sql.toString('latin1')) ? await this.#asked(sql) : undefined;
    if (asked instanceof ProxyError) throw asked;
    const meant = asked === undefined ? sql : withRows(asked, []);
    return await this.#parts.source.explain(this.#parts.execution({ sql: meant, types: [], typesKey: '' }));
  }
}

function withRows({ text, place }: InBandText, rows: InBandRows): Buffer {
  const { start, end, isNamed } = place;
  const before = text.slice(0, start).replace(tableCommand, '$1SELECT * FROM ');
  // A parameter that only we look at still has to be one to the server.
  const used =
    place.table === 'explain' && place.argument.kind === 'parameter'
      ? ` WHERE $${place.argument.number}::pg_catalog.text IS NULL OR true`
      : '';
  const name = isNamed ? '' : ` AS ${place.table}`;
  return Buffer.from(`${before}(${rowsClause(place.table, rows)}${used})${name}${text.slice(end)}`);
}

/** `TABLE countersign.holds`: to the parser the same as SELECT * FROM it, but it takes no subquery. Behind a comment it stays refused. */
const tableCommand = /^([\s(]*)table\s+$/i;

/** Text types, and what the server would take for text. */
const textTypes: ReadonlySet<number> = new Set([0, 18, 19, 25, 705, 1042, 1043]);

/** In the session's encoding; undefined: NULL. */
function argumentBytes(
  argument: InBandArgument,
  types: readonly number[],
  rest: Buffer | undefined,
): Buffer | undefined {
  if (argument.kind === 'text') return argument.text === undefined ? undefined : Buffer.from(argument.text);
  const place = argument.number - 1;
  if (!textTypes.has(types[place] ?? 0)) throw new ProxyError('BAD_REQUEST', 'countersign.explain takes a text');
  try {
    const cursor = new Cursor(rest ?? Buffer.alloc(0));
    cursor.list(2, (item) => item.int16());
    return cursor.list(4, (item) => item.value())[place] ?? undefined;
  } catch (thrown) {
    // A Bind of the wrong form is the server's to complain about, in its place.
    if (thrown instanceof ProxyError) return undefined;
    throw thrown;
  }
}

/** Letters that the session or the database may not have are written as their codes. */
function shown(rows: InBandRows, { client, server }: TextEncodings): InBandRows {
  if (isUtf8(client) && isUtf8(server)) return rows;
  const plain = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(/[^\x00-\x7f]/gu, codeOf);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
  };
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
}

const codeOf = (letter: string): string => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
const isUtf8 = (encoding: string): boolean => /^(?:utf-?8|unicode)$/i.test(encoding);
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);

function unread(): ProxyError {
  return new ProxyError('UNAVAILABLE', 'whether this asks for the proxy’s own tables could not be read in time', {
    hint: 'Send it again. A text that always takes so long is too long for limits.parse_time.',
  });
}

function otherForm(): ProxyError {
  return new ProxyError(
    'FEATURE_NOT_SUPPORTED',
    'the proxy’s own tables are asked alone, one in the FROM of a SELECT of its own',
    {
      hint:
        'These work, with WHERE, ORDER BY and LIMIT: SELECT * FROM countersign.holds; SELECT * FROM countersign.budgets; ' +
        "SELECT * FROM countersign.explain('…') with a text or a parameter.",
    },
  );
}

function otherEncoding(): ProxyError {
  return new ProxyError(
    'FEATURE_NOT_SUPPORTED',
    'with letters beyond ASCII the proxy’s own tables are asked in UTF8 only',
    {
      hint: "SET client_encoding = 'UTF8'.",
    },
  );
}

/** Under a name of ours, so that the agent's own statement stays what it is, and can be bound again to newer rows. */
export function answerFrames({ sql, types }: Pick<PreparedText, 'sql' | 'types'>): readonly [Buffer, Buffer] {
  return [closeAnswer, encodeClientMessage({ kind: 'parse', statement: answerName, sql, types })];
}

export const closeAnswer: Buffer = encodeClientMessage({ kind: 'close', target: 'statement', name: answerName });

/** The agent's Bind, to the statement of ours. `portal` and `rest` are its own bytes. */
export function boundToAnswer(portal: Buffer, rest: Buffer): Buffer {
  const body = Buffer.concat([portal, Buffer.from([0]), Buffer.from(answerName), Buffer.from([0]), rest]);
  const head = Buffer.alloc(5);
  head.writeUInt8(bindType);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const bindType = 'B'.charCodeAt(0);

/** What the server says of the statement that was bound names it, and the agent knows it by another name. Undefined: it does not. */
export function underAgentsName(name: string, bytes: Buffer, start: number, end: number): Buffer | undefined {
  const text = bytes.toString('latin1', start + 5, end);
  if (!text.includes(`"${answerName}"`)) return undefined;
  const body = Buffer.from(text.replaceAll(`"${answerName}"`, `"${name}"`), 'latin1');
  const head = Buffer.from(bytes.subarray(start, start + 5));
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** The agent sent neither; an error it has to see, for it stands in the place of its Bind. */
export const unseen: Follower = {
  take: (type) => (type === fromServer.error ? 'forward' : 'swallow'),
  ended: () => undefined,
};
