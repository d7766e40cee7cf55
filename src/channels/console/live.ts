// The stream that tells open pages that something changed. It carries ids and states, no content: a page that hears of a change asks
// for itself again, with its own session. A stream that is lost costs nothing but time: pages also look by themselves.
import type { FastifyReply } from 'fastify';
import type { HoldView } from '../../approval/view.ts';
import { ProxyError } from '../../core/errors.ts';
import type { HoldBook } from '../../approval/channel.ts';

/** A browser opens one for each window; more than this is no person. */
const streamsPerPersonMax = 20;
const streamsMax = 500;
const breathMs = 15_000;
/** A window that does not read is not waited for. */
const unsentBytesMax = 64 * 1024;

interface Stream {
  readonly person: string;
  readonly end: () => void;
  readonly send: (text: string) => void;
}

export class Live {
  readonly #streams = new Set<Stream>();
  readonly #unwatch: () => void;
  readonly #breath: NodeJS.Timeout;

  constructor(book: Pick<HoldBook, 'watch'>) {
    this.#unwatch = book.watch(({ id, state }: HoldView) =>
      this.#tell(`event: hold\ndata: ${JSON.stringify({ id, state })}\n\n`),
    );
    this.#breath = setInterval(() => this.#tell(': still here\n\n'), breathMs);
    this.#breath.unref();
  }

  /** Ends with the session: the page asks for itself again and finds that it must sign in. */
  open(person: string, until: number, now: number, reply: FastifyReply): void {
    const own = [...this.#streams].filter((stream) => stream.person === person);
    if (this.#streams.size >= streamsMax || own.length >= streamsPerPersonMax)
      throw new ProxyError('RATE_LIMITED', 'too many open windows');
    const headers = reply.getHeaders();
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    const stream: Stream = {
      person,
      end: () => raw.end(),
      send: (text) => {
        if (raw.writableLength > unsentBytesMax) raw.destroy();
        else raw.write(text);
      },
    };
    const over = setTimeout(() => raw.end(), Math.min(until - now, 2 ** 31 - 1));
    over.unref();
    raw.on('close', () => {
      clearTimeout(over);
      this.#streams.delete(stream);
    });
    this.#streams.add(stream);
    stream.send('retry: 2000\n: welcome\n\n');
  }

  close(): void {
    this.#unwatch();
    clearInterval(this.#breath);
    for (const stream of this.#streams) stream.end();
  }

  #tell(text: string): void {
    for (const stream of this.#streams) stream.send(text);
  }
}
