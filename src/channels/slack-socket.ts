// Keeps the Socket Mode connection up. Bolt's own reconnecting ends the process when it fails for good (its promise is nobody's), and
// waits a second or five where a tenth is enough; so it is switched off, and this file is who tries again.
import type { SocketModeReceiver } from '@slack/bolt';
import { wordsOf } from '../core/errors.ts';
import { visible } from '../core/visible.ts';

export type LinkState =
  { readonly kind: 'connected' } | { readonly kind: 'connecting'; readonly why: string } | { readonly kind: 'stopped' };

export interface SocketLinkOptions {
  readonly receiver: SocketModeReceiver;
  readonly waitMsMin?: number;
  readonly waitMsMax?: number;
  /** From asking for an address to Slack's hello. */
  readonly helloMsMax?: number;
}

const stopMsMax = 1000;

export class SocketLink {
  readonly #client: SocketModeReceiver['client'];
  readonly #waitMsMin: number;
  readonly #waitMsMax: number;
  readonly #helloMsMax: number;
  #state: LinkState = { kind: 'connecting', why: 'not connected yet' };
  #waitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #trying: Promise<void> | undefined;
  #connections = 0;

  constructor(options: SocketLinkOptions) {
    this.#client = options.receiver.client;
    guard(this.#client);
    this.#waitMsMin = options.waitMsMin ?? 100;
    this.#waitMsMax = options.waitMsMax ?? 20_000;
    this.#helloMsMax = options.helloMsMax ?? 15_000;
    this.#waitMs = this.#waitMsMin;
    this.#client.on('disconnected', () => {
      // While a try is under way, its own end says so.
      if (this.#state.kind === 'connected') this.#again('the connection ended');
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  /** How often it was made, for the metrics. */
  get connections(): number {
    return this.#connections;
  }

  /** The first try's failure is given back, so that a wrong token can stop the start; it is tried again all the same. */
  async start(): Promise<unknown> {
    return await this.#try();
  }

  async stop(): Promise<void> {
    this.#state = { kind: 'stopped' };
    clearTimeout(this.#timer);
    await this.#disconnect();
  }

  async #try(): Promise<unknown> {
    let failure: unknown;
    const trying = this.#connect().then(
      () => {
        if (this.#state.kind === 'stopped') return;
        this.#waitMs = this.#waitMsMin;
        this.#connections += 1;
        this.#state = { kind: 'connected' };
      },
      (thrown: unknown) => {
        failure = thrown ?? new Error('the connection was closed');
        this.#again(visible(wordsOf(failure), 200));
      },
    );
    this.#trying = trying;
    await trying;
    this.#trying = undefined;
    return failure;
  }

  /** A connection that opens and then says nothing must not be waited for. */
  async #connect(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error('no hello from Slack')), this.#helloMsMax);
    });
    const start = this.#client.start();
    // When the race is lost, the later rejection has its taker here.
    start.catch(() => undefined);
    try {
      await Promise.race([start, silence]);
    } catch (thrown) {
      await this.#disconnect();
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  #again(why: string): void {
    if (this.#state.kind === 'stopped') return;
    this.#state = { kind: 'connecting', why };
    clearTimeout(this.#timer);
    // Many proxies that lost Slack at the same moment should not come back at the same moment.
    const waitMs = this.#waitMs * (0.8 + Math.random() * 0.4);
    this.#timer = setTimeout(() => {
      if (this.#state.kind !== 'stopped' && this.#trying === undefined) void this.#try();
    }, waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, this.#waitMsMax);
  }

  /** Bolt waits up to half a minute for the other side's goodbye. */
  async #disconnect(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopMsMax);
    });
    await Promise.race([this.#client.disconnect().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

/**
 * Bolt takes it for granted that each message is an object with what belongs into it. Where it is not, its promise fails, which is nobody's,
 * and the process would end.
 */
function guard(client: SocketModeReceiver['client']): void {
  const takers = client.listeners('ws_message');
  client.removeAllListeners('ws_message');
  client.on('ws_message', (...message: readonly unknown[]) => {
    for (const take of takers) {
      const taken = (async () => take.apply(client, [...message]))();
      taken.catch(() => client.emit('error', new Error('a message that cannot be read')));
    }
  });
}
