// What the agent sends, on its way to being asked: cut into frames, each taken in order. While people are asked they are kept back within a
// bound, so that leaving and cancelling are seen; after a refusal they are thrown away until Sync. The agent is not read from for as long as
// anybody has a reason.
import { ReasonSet } from '../core/reasons.ts';
import { FrameReader, type FrameOut } from '../wire/frame.ts';
import { fromClient } from '../wire/message-types.ts';
import { Backlog, type Deferred } from './backlog.ts';
import type { Requests } from './requests.ts';
import type { SessionParts } from './session-parts.ts';
import type { SessionEvent, SessionState } from './session-state.ts';

export interface AgentStreamDesk {
  readonly requests: Pick<Requests, 'handle' | 'copy' | 'sync'>;
  state(): SessionState;
  step(event: SessionEvent): void;
  terminate(): void;
  broken(thrown: unknown): void;
}

export class AgentStream {
  readonly #desk: AgentStreamDesk;
  readonly #reader: FrameReader;
  readonly #frames: FrameOut;
  readonly #backlog: Backlog;
  readonly paused: ReasonSet<'upstream is slow' | 'backlog is full' | 'replies are owed'>;

  constructor({ agent, limits }: Pick<SessionParts, 'agent' | 'limits'>, desk: AgentStreamDesk) {
    this.#desk = desk;
    this.#reader = new FrameReader({
      streams: (type) => type === fromClient.copyData,
      lengthMax: () => limits.messageBytesMax,
    });
    this.paused = new ReasonSet({ onFirst: () => agent.pause(), onLast: () => agent.resume() });
    this.#backlog = new Backlog(limits.waitingBytesMax, (isFull) => {
      if (isFull) this.paused.add('backlog is full');
      else this.paused.remove('backlog is full');
    });
    this.#frames = {
      frame: (type, bytes, start, end) => this.#frame(type, bytes, start, end),
      part: (type, bytes, start, end, place) => this.#part(type, bytes, start, end, place),
    };
  }

  onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, this.#frames);
    } catch (thrown) {
      this.#desk.broken(thrown);
    }
  }

  /** What was kept back, for as long as nobody is asked again. */
  workBacklog(): void {
    this.#backlog.work(
      () => this.#desk.state() !== 'waiting',
      ({ type, bytes, place }) => {
        if (place === 'whole') this.#frame(type, bytes, 0, bytes.length);
        else this.#part(type, bytes, 0, bytes.length, place);
      },
    );
  }

  clear(): void {
    this.#backlog.clear();
  }

  #frame(type: number, bytes: Buffer, start: number, end: number): void {
    switch (this.#desk.state()) {
      case 'serving':
        this.#desk.requests.handle(type, bytes, start, end);
        return;
      case 'waiting':
        this.#backlog.defer(type, bytes.subarray(start, end), 'whole');
        return;
      case 'skipping':
        this.#skip(type, bytes, start, end);
        return;
      default:
        return;
    }
  }

  #part(type: number, bytes: Buffer, start: number, end: number, place: Deferred['place']): void {
    const state = this.#desk.state();
    if (state === 'waiting') this.#backlog.defer(type, bytes.subarray(start, end), place);
    else if (state === 'serving') this.#desk.requests.copy(type, bytes, start, end);
  }

  #skip(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === fromClient.sync) {
      this.#desk.step('sync');
      this.#desk.requests.sync(bytes, start, end);
    } else if (type === fromClient.terminate) this.#desk.terminate();
  }
}
