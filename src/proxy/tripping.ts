// The last look before rows pass, on the wire: each description of rows is held against what the reading foresaw. The same description
// of the same reading is looked at once.
import { headerBytes } from '../wire/frame.ts';
import { fromServer } from '../wire/message-types.ts';
import { decodeServerMessage } from '../wire/server-messages.ts';
import type { ReadText } from '../sql/reading.ts';
import { isSame } from './request-bytes.ts';
import { checkRowDescription } from '../sql/tripwire.ts';

const seen = new WeakMap<ReadText, Buffer>();
export const ranAtAll = 'the server ran what it was sure to refuse';
const noRows = Buffer.alloc(0);

export class Tripwire {
  readonly #text: ReadText | undefined;

  /** Undefined: the server was sure to refuse it, so that any answer at all is one too many. */
  constructor(text: ReadText | undefined) {
    this.#text = text;
  }

  /** No description may have come before a row that nobody asked to be described. */
  get passesNothing(): boolean {
    return this.#text === undefined;
  }

  /**
   * Whether nobody has looked yet at what the rows of this reading hold: an agent that asks for no description would go past the look,
   * so then we ask. What is not known for sure has nothing to be held against.
   */
  get isUnseen(): boolean {
    const text = this.#text;
    if (text?.index === undefined || seen.has(text)) return false;
    return text.statements.every((one) => one.analysis.unknowns.length === 0);
  }

  /** Why it tripped. */
  check(type: number, bytes: Buffer, start: number, end: number): string | undefined {
    switch (type) {
      case fromServer.rowDescription:
        return this.#described(bytes, start, end);
      case fromServer.noData:
        if (this.#text !== undefined && !seen.has(this.#text)) seen.set(this.#text, noRows);
        return undefined;
      case fromServer.commandComplete:
      case fromServer.copyOut:
        return this.#text === undefined ? ranAtAll : undefined;
      default:
        return undefined;
    }
  }

  #described(bytes: Buffer, start: number, end: number): string | undefined {
    const text = this.#text;
    // EXPLAIN describes its rows whatever it explains; what counts is that none comes.
    if (text?.index === undefined) return undefined;
    const before = seen.get(text);
    if (before !== undefined && isSame(before, bytes, start, end)) return undefined;
    const message = decodeServerMessage(type, bytes.subarray(start + headerBytes, end));
    if (message.kind !== 'rowDescription') return 'a description of rows that is none';
    const foreseen = {
      reads: text.statements.flatMap((one) => one.analysis.reads),
      outputs: text.statements.flatMap((one) => one.analysis.outputs),
      described: text.statements.flatMap((one) => one.analysis.described ?? []),
    };
    // People have said yes to what is not known for sure, and were told that it is not.
    if (text.statements.some((one) => one.analysis.unknowns.length > 0)) return undefined;
    const checked = checkRowDescription(foreseen, message.columns, text.index, text.temporary);
    if (!checked.ok) return `the server gives out ${checked.why}, which nobody foresaw`;
    seen.set(text, Buffer.from(bytes.subarray(start, end)));
    return undefined;
  }
}

const type = fromServer.rowDescription;
