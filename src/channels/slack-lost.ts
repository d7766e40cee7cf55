// A posting whose answer was lost may have happened. Slack has no key that would make a second one the same as the first, so before
// anything is posted again the channel is read for our own mark on it. Slack may still carry out a call after we looked; that is all
// that is left of doubles, and a click on either card counts once.
import type { SlackAnswer, SlackApi } from './slack-api.ts';
import { at, listAt, recordAt, type Json } from './slack-json.ts';

/** What a message of ours carries for programs: of which hold, or list, and which part of it. */
export interface Mark {
  readonly id: string;
  readonly part: string;
}

export interface LostPlace {
  /** A channel, or a person. */
  readonly to: string;
  /** As Slack answered before, where it did. */
  readonly channel: string | undefined;
  /** The message that it would be a reply to. */
  readonly thread: string | undefined;
  /** It was not posted before. */
  readonly sinceMs: number;
}

export type Found =
  | { readonly kind: 'found'; readonly channel: string; readonly ts: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'later'; readonly answer: Extract<SlackAnswer, { readonly kind: 'later' }> }
  /** Not allowed to look, or the channel is gone: nothing can be said. */
  | { readonly kind: 'blind'; readonly why: string };

const eventType = 'countersign_hold';
const pagesMax = 10;
const pageSize = 100;
/** Slack's clock and ours. */
const skewMs = 120_000;

export function metadataOf({ id, part }: Mark): Json {
  return { event_type: eventType, event_payload: { id, part } };
}

export async function findPosted(api: SlackApi, mark: Mark, place: LostPlace, botId: string): Promise<Found> {
  const room = await channelOf(api, place);
  if (room.kind !== 'found') return room;
  const { channel } = room;
  const oldest = String((place.sinceMs - skewMs) / 1000);
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const span = {
      channel,
      oldest,
      include_all_metadata: true,
      limit: pageSize,
      ...(cursor === undefined ? {} : { cursor }),
    };
    const answer = await (place.thread === undefined
      ? api.call('conversations.history', span)
      : api.call('conversations.replies', { ...span, ts: place.thread }));
    if (answer.kind !== 'ok') return notFound(answer);
    const ours = listAt(answer.data, 'messages').find((each) => isOurs(each, mark, botId));
    const ts = at(ours, 'ts');
    if (ts !== undefined) return { kind: 'found', channel, ts };
    cursor = at(answer.data, 'response_metadata', 'next_cursor');
    if (cursor === undefined) return { kind: 'absent' };
  }
  return { kind: 'blind', why: `more than ${pagesMax * pageSize} messages since` };
}

/** A conversation with one person has an id of its own. */
async function channelOf(api: SlackApi, { to, channel }: LostPlace): Promise<Found> {
  if (channel !== undefined || !/^[UW]/.test(to)) return { kind: 'found', channel: channel ?? to, ts: '' };
  const answer = await api.call('conversations.open', { users: to });
  if (answer.kind !== 'ok') return notFound(answer);
  const id = at(answer.data, 'channel', 'id');
  return id === undefined
    ? { kind: 'blind', why: 'Slack names no conversation' }
    : { kind: 'found', channel: id, ts: '' };
}

function notFound(answer: Exclude<SlackAnswer, { readonly kind: 'ok' }>): Found {
  return answer.kind === 'later' ? { kind: 'later', answer } : { kind: 'blind', why: answer.why };
}

/** Anybody may put a mark like ours on a message: only the app's own count. */
function isOurs(message: unknown, { id, part }: Mark, botId: string): boolean {
  if (at(message, 'bot_id') !== botId || at(message, 'metadata', 'event_type') !== eventType) return false;
  const payload = recordAt(message, 'metadata', 'event_payload');
  return at(payload, 'id') === id && at(payload, 'part') === part;
}
