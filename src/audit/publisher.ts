// Brings checkpoints to a place that the proxy's administrators cannot write: without a copy elsewhere, whoever has the signing key could put
// another log in this one's place. Sends the newest checkpoint from time to time while there is something new, and once more at the end.
import { join } from 'node:path';
import { wordsOf } from '../core/errors.ts';
import { readText } from './keys.ts';
import { readNote, type Checkpoint } from './note.ts';
import type { Delivery } from './sink.ts';
import { headFile } from './tail.ts';

export interface PublishedNote {
  readonly checkpoint: Checkpoint;
  /** As it was signed. */
  readonly text: string;
}

export interface CheckpointTarget {
  readonly name: string;
  /** Must settle soon after `signal` is aborted. */
  publish(note: PublishedNote, signal: AbortSignal): Promise<Delivery>;
}

export interface PublisherOptions {
  readonly dir: string;
  readonly target: CheckpointTarget;
  readonly everyMs: number;
  readonly say?: (words: string) => void;
}

const publishMsMax = 15_000;
/** At the end a target that does not answer must not hold up the stop. */
const lastMsMax = 3_000;
const retryMs = 5_000;

export class Publisher {
  readonly #options: PublisherOptions;
  #published: string | undefined;
  #trouble: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.target.name;
  }

  /** In words; undefined: the newest that was due is there. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#again(0);
  }

  /** After the log has ended: its last checkpoint goes out too, if it can soon. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#publish(lastMsMax);
  }

  #again(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#publish(publishMsMax).then((waitMs) => this.#again(waitMs));
    }, ms);
    this.#timer.unref();
  }

  /** Gives how long to wait before the next. */
  async #publish(msMax: number): Promise<number> {
    const { dir, target, everyMs } = this.#options;
    const text = readText(join(dir, headFile)) ?? '';
    const note = readNote(text, []);
    if (note.kind === 'unreadable' || text === this.#published) return Math.min(everyMs, retryMs);
    const delivery = await delivered(target, { checkpoint: note.checkpoint, text }, AbortSignal.timeout(msMax));
    switch (delivery.kind) {
      case 'taken':
        this.#published = text;
        this.#tell(undefined);
        return everyMs;
      case 'refused':
        this.#tell(delivery.why);
        return everyMs;
      case 'later':
        this.#tell(delivery.why);
        return delivery.afterMs ?? Math.min(everyMs, retryMs);
    }
  }

  #tell(trouble: string | undefined): void {
    if (trouble !== this.#trouble) {
      const words = trouble === undefined ? 'takes checkpoints again' : `does not take checkpoints: ${trouble}`;
      this.#options.say?.(`${this.name} ${words}`);
    }
    this.#trouble = trouble;
  }
}

async function delivered(target: CheckpointTarget, note: PublishedNote, signal: AbortSignal): Promise<Delivery> {
  try {
    return await target.publish(note, signal);
  } catch (thrown) {
    return { kind: 'later', why: wordsOf(thrown) };
  }
}
