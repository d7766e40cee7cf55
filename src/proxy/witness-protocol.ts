// Asking the server for its tree of a text, in the agent's own session and unseen by it: which messages go around the Parse, and what
// their replies say. No sockets: the session sends `probeMessages` in one write and gives every reply to a `ProbeReader`.
//
// Flush, not Sync: a Sync would end the client's implicit transaction. Names of our own, closed at once: the client's unnamed statement
// and portal stay. SET, not set_config: a query would fix the snapshot before the client's SET TRANSACTION. When the text does not
// parse, the server skips what follows and undoes the SETs with the transaction, and its error is the very one the client would get.
import { known, notKnown, type Known } from '../core/known.ts';
import { encodeClientMessage, type ClientMessage } from '../wire/client-messages.ts';
import { fieldOf, type ColumnDescription, type Field, type ServerMessage } from '../wire/server-messages.ts';
import { readTree, type TreeFacts } from '../sql/tree.ts';

/** Long and odd, so that it is nobody's by chance; the session refuses a client's own use of it. */
export const probeName = 'countersign probe 5f0c2a';
/** Beside it, where two are needed at once. */
export const plannedName = `${probeName} planned`;

export interface Probe {
  readonly sql: Buffer;
  /** Parameter types as the client's Parse gives them. */
  readonly types: readonly number[];
  /** The level that the client believes in, put back afterwards. */
  readonly clientMinMessages: string;
  /** Flush keeps the client's implicit transaction; where it has none, Sync leaves none of ours behind. */
  readonly end: 'flush' | 'sync';
}

const switches = ['debug_print_rewritten', 'client_min_messages'] as const;

/** Must be among the start-up options, so that two switches are enough: `debug_pretty_print` off makes the text readable. */
export const startupOption = '-c debug_pretty_print=off';

export function probeMessages(probe: Probe): Buffer {
  const parse = encodeClientMessage({ kind: 'parse', statement: probeName, sql: probe.sql, types: probe.types });
  return Buffer.concat([before, parse, afterwards(probe.clientMinMessages), encodeClientMessage({ kind: probe.end })]);
}

/** An agent that cancels in the middle of our questions leaves our name behind; nothing could be asked any more. */
export const closeLeftover = encodeClientMessage({ kind: 'close', target: 'statement', name: probeName });

// All but the text is the same for every statement of a session, and so is made once: it is twenty messages.
const before = Buffer.concat([closeLeftover, set('debug_print_rewritten', 'on'), set('client_min_messages', 'log')]);
const afterByLevel = new Map<string, Buffer>();
/** Postgres has ten levels; whatever a client believes in beyond them is not kept. */
const levelsMax = 10;

function afterwards(level: string): Buffer {
  const made = afterByLevel.get(level);
  if (made !== undefined) return made;
  const messages = Buffer.concat([
    encodeClientMessage({ kind: 'describe', target: 'statement', name: probeName }),
    encodeClientMessage({ kind: 'close', target: 'statement', name: probeName }),
    set('client_min_messages', level),
    set('debug_print_rewritten', 'off'),
  ]);
  if (afterByLevel.size < levelsMax) afterByLevel.set(level, messages);
  return messages;
}

function set(name: (typeof switches)[number], value: string): Buffer {
  if (!/^[a-z0-9]+$/.test(value)) throw new Error(`not a level: ${value}`);
  const messages: readonly ClientMessage[] = [
    { kind: 'parse', statement: probeName, sql: Buffer.from(`SET ${name} = ${value}`), types: [] },
    { kind: 'bind', portal: probeName, statement: probeName, formats: [], parameters: [], resultFormats: [] },
    { kind: 'execute', portal: probeName, maxRows: 0 },
    { kind: 'close', target: 'portal', name: probeName },
    { kind: 'close', target: 'statement', name: probeName },
  ];
  return Buffer.concat(messages.map(encodeClientMessage));
}

export type ProbeOutcome =
  /** `fields`: what the server says its rows will hold; none for a statement without rows. */
  | {
      readonly kind: 'tree';
      readonly facts: Known<TreeFacts>;
      readonly fields: readonly ColumnDescription[];
      readonly parameters: readonly number[];
    }
  /** What the client's own Parse would be answered; the server now skips to the client's Sync. */
  | { readonly kind: 'error'; readonly fields: readonly Field[] };

/** Each of four SETs is one ParseComplete and two CloseCompletes; the text’s own Parse is the third. One Close stands before all. */
const parsesBefore = 2;
const parsesAll = 5;
const closesAll = 10;

/** Every message until the outcome is ours: nothing of it goes to the client but an error. */
export class ProbeReader {
  readonly #recoding: 'same' | 'recoded';
  readonly #details: Buffer[] = [];
  #parses = 0;
  #closes = 0;
  #fields: readonly ColumnDescription[] = [];
  #parameters: readonly number[] = [];

  /** `recoded` when the session's encoding is not the database's. */
  constructor(recoding: 'same' | 'recoded') {
    this.#recoding = recoding;
  }

  /** `notOurs`: belongs to the session whatever is going on (notifications, changed parameters). */
  take(message: ServerMessage): 'more' | 'notOurs' | ProbeOutcome {
    switch (message.kind) {
      case 'error':
        return { kind: 'error', fields: message.fields };
      case 'notice':
        this.#notice(message.fields);
        return 'more';
      case 'parseComplete':
        this.#parses++;
        return 'more';
      case 'closeComplete':
        this.#closes++;
        return this.#closes === closesAll && this.#parses === parsesAll
          ? { kind: 'tree', facts: this.#facts(), fields: this.#fields, parameters: this.#parameters }
          : 'more';
      case 'rowDescription':
        this.#fields = message.columns;
        return 'more';
      case 'parameterDescription':
        this.#parameters = message.types;
        return 'more';
      case 'notification':
      case 'parameterStatus':
        return 'notOurs';
      default:
        return 'more';
    }
  }

  /** Only between the second and the third ParseComplete: our own SETs print trees too. */
  #notice(fields: readonly Field[]): void {
    if (this.#parses !== parsesBefore || fieldOf(fields, 'M') !== 'rewritten parse tree:') return;
    const detail = fields.find((field) => field.letter === 'D');
    this.#details.push(Buffer.from(detail?.text ?? '', 'latin1'));
  }

  #facts(): Known<TreeFacts> {
    const [detail] = this.#details;
    if (detail === undefined || this.#details.length !== 1) {
      return notKnown(`the server showed ${this.#details.length} trees for one statement`);
    }
    const facts = readTree(detail, this.#recoding);
    return facts.known ? known(facts.value) : facts;
  }
}
