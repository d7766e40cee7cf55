// One connection to the database for our own questions: simple queries, text answers. For the commands of the DBA; agents' statements
// never come here.
import { ProxyError } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { FrameReader, headerBytes } from '../wire/frame.ts';
import { decodeServerMessage, fieldOf, type ServerMessage } from '../wire/server-messages.ts';
import { connectUpstream, type Upstream, type UpstreamTarget } from './upstream.ts';

export type Rows = readonly (readonly (string | null)[])[];

/** A whole schema comes as one value. */
const frameBytesMax = 1024 * 1024 * 1024;

interface Asked {
  readonly rows: (string | null)[][];
  error: ProxyError | undefined;
  readonly settle: (outcome: Rows | ProxyError) => void;
}

export class PlainQuery {
  readonly serverMajor: number;
  readonly #upstream: Upstream;
  readonly #reader = new FrameReader({ streams: () => false, lengthMax: () => frameBytesMax });
  #asked: Asked | undefined;
  #broken: ProxyError | undefined;

  static async open(target: UpstreamTarget, signal: AbortSignal): Promise<PlainQuery> {
    const parameters = new Map([
      ['application_name', 'countersign'],
      ['client_encoding', 'UTF8'],
    ]);
    return new PlainQuery(await connectUpstream({ target, parameters }, signal));
  }

  private constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.serverMajor = upstream.serverMajor;
    const lost = (): void => this.#break(new ProxyError('UPSTREAM_LOST', 'the database closed the connection'));
    upstream.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    upstream.socket.on('error', lost);
    upstream.socket.on('close', lost);
    upstream.socket.resume();
  }

  /** Rows of the last statement of the text. One question at a time. Throws what the server said. */
  readonly query = async (sql: string): Promise<Rows> => {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#asked !== undefined) throw new Error('a question before the last one was answered');
    const outcome = await new Promise<Rows | ProxyError>((settle) => {
      this.#asked = { rows: [], error: undefined, settle };
      this.#upstream.socket.write(encodeClientMessage({ kind: 'query', sql: Buffer.from(sql) }));
    });
    if (outcome instanceof ProxyError) throw outcome;
    return outcome;
  };

  close(): void {
    this.#upstream.socket.end(encodeClientMessage({ kind: 'terminate' }));
    this.#upstream.socket.destroySoon();
  }

  #take(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, {
        frame: (type, bytes, start, end) =>
          this.#message(decodeServerMessage(type, bytes.subarray(start + headerBytes, end))),
        part: () => undefined,
      });
    } catch (thrown) {
      this.#break(
        new ProxyError('UPSTREAM_LOST', 'the database said something that is not its protocol', { cause: thrown }),
      );
      this.#upstream.socket.destroy();
    }
  }

  #message(message: ServerMessage): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    switch (message.kind) {
      case 'rowDescription':
        asked.rows.length = 0;
        return;
      case 'dataRow':
        asked.rows.push(message.values.map((value) => value?.toString('utf8') ?? null));
        return;
      case 'error': {
        const words = visible(fieldOf(message.fields, 'M') ?? 'an error without words', 500);
        asked.error = new ProxyError('UPSTREAM_REFUSED', `the database says: ${words}`);
        return;
      }
      case 'readyForQuery':
        this.#asked = undefined;
        asked.settle(asked.error ?? asked.rows);
        return;
      default:
    }
  }

  #break(error: ProxyError): void {
    this.#broken ??= error;
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.settle(this.#broken);
  }
}
