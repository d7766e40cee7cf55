// The door for Slack's requests in http mode, on the house's own http port. Who knocks is checked on the raw bytes before anything reads
// them: signature, a time stamp that is neither old nor from the future, and that it did not come before. Bolt checks less (it takes any
// future stamp, and a stamp twice), and answers requests that say `ssl_check` unsigned; so it only sees what passed here.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HTTPReceiver } from '@slack/bolt';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parse } from 'node:querystring';
import type { Clock } from '../core/clock.ts';
import type { Secret } from '../core/secrets.ts';
import { isRecord } from './slack-json.ts';

export const slackPath = '/slack/events';

const skewMsMax = 5 * 60_000;
const bodyBytesMax = 256 * 1024;
/** Requests of ten minutes that are remembered; above, the oldest are forgotten, and the desk's own memory of clicks remains. */
const seenMax = 20_000;

export type DoorVerdict = 'passed' | 'unsigned' | 'stale' | 'forged' | 'replayed';

export class SlackDoor {
  readonly #secret: Secret;
  readonly #clock: Clock;
  readonly #seen = new Map<string, number>();
  readonly #tallies: Record<DoorVerdict, number> = { passed: 0, unsigned: 0, stale: 0, forged: 0, replayed: 0 };

  constructor(secret: Secret, clock: Clock) {
    if (secret.reveal() === '') throw new Error('an empty signing secret');
    this.#secret = secret;
    this.#clock = clock;
  }

  get tallies(): Readonly<Record<DoorVerdict, number>> {
    return this.#tallies;
  }

  check(body: Buffer, headers: Readonly<Record<string, string | readonly string[] | undefined>>): DoorVerdict {
    const verdict = this.#judge(body, headers['x-slack-request-timestamp'], headers['x-slack-signature']);
    this.#tallies[verdict] += 1;
    return verdict;
  }

  #judge(body: Buffer, stamp: unknown, signature: unknown): DoorVerdict {
    if (typeof stamp !== 'string' || typeof signature !== 'string') return 'unsigned';
    if (!/^\d{9,11}$/.test(stamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return 'unsigned';
    const now = this.#clock.now();
    if (Math.abs(now - Number(stamp) * 1000) > skewMsMax) return 'stale';
    const mac = createHmac('sha256', this.#secret.reveal()).update(`v0:${stamp}:`).update(body).digest();
    if (!timingSafeEqual(mac, Buffer.from(signature.slice(3), 'hex'))) return 'forged';
    // The signature covers body and time: the same one is the same request. Slack's own retries carry a new time.
    if (this.#seen.has(signature)) return 'replayed';
    this.#remember(signature, now);
    return 'passed';
  }

  #remember(signature: string, now: number): void {
    this.#seen.set(signature, now);
    for (const [old, at] of this.#seen) {
      if (this.#seen.size <= seenMax && now - at <= 2 * skewMsMax) break;
      this.#seen.delete(old);
    }
  }
}

/** A room of the http server. `receiver` is asked for at each request: it exists only once the channel has started. */
export function slackRoom(
  door: SlackDoor,
  receiver: () => HTTPReceiver | undefined,
): (server: FastifyInstance) => void {
  return (server) => {
    // Only in this room: the bytes as they came, whatever they claim to be.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_, body, done) =>
      done(null, body),
    );
    server.post(slackPath, { bodyLimit: bodyBytesMax }, async (request: FastifyRequest, reply: FastifyReply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (door.check(body, request.headers) !== 'passed') return reply.code(401).send('');
      if (!isReadable(body, request.headers['content-type'])) return reply.code(400).send('');
      const taker = receiver();
      if (taker === undefined) return reply.code(503).send('');
      reply.hijack();
      // Bolt takes bytes that somebody has read already from here.
      taker.requestListener(Object.assign(request.raw, { rawBody: body }), reply.raw);
      return reply;
    });
  };
}

/** Bolt takes it for granted that there is an object; at `null` its promise fails, which is nobody's, and the process would end. */
function isReadable(body: Buffer, type: string | undefined): boolean {
  const text = body.toString('utf8');
  const form = type === 'application/x-www-form-urlencoded' ? parse(text) : undefined;
  const payload = form === undefined ? text : form['payload'];
  // A command is a form without a payload.
  if (payload === undefined) return form?.['ssl_check'] === undefined && form?.['command'] !== undefined;
  if (typeof payload !== 'string') return false;
  try {
    return isRecord(JSON.parse(payload));
  } catch {
    return false;
  }
}
