// A line between two processes of this program: each asks, answers and tells over the channel that Node keeps between them. Whoever is
// asked may be dying, so every question has a deadline; what comes in is taken by its form.
import * as z from 'zod';
import { wordsOf } from '../core/errors.ts';

/** The end of a channel: a child as its parent has it, or the process itself in a child. */
export interface Channel {
  send(message: object, callback: (error: Error | null) => void): unknown;
  on(event: 'message', each: (message: unknown) => void): unknown;
}

export interface LineParts {
  readonly channel: Channel;
  readonly told: (message: unknown) => void;
  readonly asked: (question: unknown) => Promise<unknown>;
  readonly msMax?: number;
}

interface Pending {
  readonly settle: (answer: unknown) => void;
  readonly fail: (why: Error) => void;
}

const frame = z.union([
  z.strictObject({ tell: z.unknown() }),
  z.strictObject({ ask: z.number(), question: z.unknown() }),
  z.strictObject({ answer: z.number(), value: z.unknown() }),
  z.strictObject({ answer: z.number(), why: z.string() }),
]);

const usualMsMax = 3_000;

export class Line {
  readonly #parts: LineParts;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #down: string | undefined;

  constructor(parts: LineParts) {
    this.#parts = parts;
    parts.channel.on('message', (message) => this.#take(message));
  }

  tell(message: object): void {
    this.#send({ tell: message });
  }

  ask(question: object): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#down !== undefined) {
        reject(new Error(this.#down));
        return;
      }
      const msMax = this.#parts.msMax ?? usualMsMax;
      const timer = setTimeout(() => this.#settle(id)?.fail(new Error(`no answer in ${msMax} ms`)), msMax);
      const done = (): void => clearTimeout(timer);
      this.#pending.set(id, {
        settle: (value) => (done(), resolve(value)),
        fail: (why) => (done(), reject(why)),
      });
      this.#send({ ask: id, question });
    });
  }

  /** Nobody is at the other end any more. */
  cut(why: string): void {
    this.#down = why;
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.fail(new Error(why));
  }

  #settle(id: number): Pending | undefined {
    const found = this.#pending.get(id);
    this.#pending.delete(id);
    return found;
  }

  #take(message: unknown): void {
    const read = frame.safeParse(message);
    // Node's own messages between cluster processes come on other events; what has no form of ours is nobody's.
    if (!read.success) return;
    const { data } = read;
    if ('tell' in data) this.#parts.told(data.tell);
    else if ('ask' in data) void this.#answer(data.ask, data.question);
    else if ('why' in data) this.#settle(data.answer)?.fail(new Error(data.why));
    else this.#settle(data.answer)?.settle(data.value);
  }

  async #answer(id: number, question: unknown): Promise<void> {
    try {
      this.#send({ answer: id, value: (await this.#parts.asked(question)) ?? null });
    } catch (thrown) {
      this.#send({ answer: id, why: wordsOf(thrown) });
    }
  }

  #send(message: object): void {
    if (this.#down !== undefined) return;
    this.#parts.channel.send(message, (error) => {
      if (error !== null) this.cut(wordsOf(error));
    });
  }
}
