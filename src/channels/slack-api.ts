// Calls to Slack's Web API, each with a deadline and an answer that says what to do: it went well, try again, the thing is gone, the
// token is dead, or Slack will never take this. Nothing is retried here: the outbox knows what is still worth sending.
import { webApi } from '@slack/bolt';
import type { Secret } from '../core/secrets.ts';
import { visible } from '../core/visible.ts';
import type { SlackLogger } from './slack-logger.ts';
import { isRecord, textIn, type Json } from './slack-json.ts';

export type SlackAnswer =
  | { readonly kind: 'ok'; readonly data: Json }
  /** Slack, or the way to it, is in trouble. `unsure`: it may have happened all the same. */
  | { readonly kind: 'later'; readonly why: string; readonly afterMs: number | undefined; readonly unsure: boolean }
  /** The token is revoked, expired or wrong: a person has to mend that. */
  | { readonly kind: 'shutOut'; readonly why: string }
  | { readonly kind: 'gone'; readonly what: 'channel' | 'message'; readonly why: string }
  /** These blocks, or this call, will never be taken. */
  | { readonly kind: 'refused'; readonly why: string };

export interface SlackApiOptions {
  readonly token: Secret;
  readonly apiUrl: string | undefined;
  readonly logger: SlackLogger;
  readonly timeoutMs?: number;
}

const timeoutMsUsual = 5000;

/** A new object each time: bolt writes into it. Its own defaults are no deadline at all, and ten tries over half an hour. */
export function clientOptions(options: Omit<SlackApiOptions, 'token'>): webApi.WebClientOptions {
  return {
    ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl.replace(/\/*$/, '/') }),
    timeout: options.timeoutMs ?? timeoutMsUsual,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: options.logger,
  };
}

export class SlackApi {
  readonly #client: webApi.WebClient;
  readonly #tallies = new Map<string, number>();
  #trouble: string | undefined;

  constructor(options: SlackApiOptions) {
    this.#client = new webApi.WebClient(options.token.reveal(), clientOptions(options));
  }

  async call(method: string, args: Json = {}): Promise<SlackAnswer> {
    const answer = await this.#call(method, args);
    const key = `${method} ${answer.kind}`;
    this.#tallies.set(key, (this.#tallies.get(key) ?? 0) + 1);
    if (answer.kind === 'later' || answer.kind === 'shutOut') this.#trouble = answer.why;
    else this.#trouble = undefined;
    return answer;
  }

  /** Why the newest call did not reach Slack or was not let in; undefined: it was. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Calls by method and how they ended. */
  tallies(): readonly { readonly method: string; readonly result: string; readonly count: number }[] {
    return [...this.#tallies].map(([key, count]) => {
      const [method = '', result = ''] = key.split(' ');
      return { method, result, count };
    });
  }

  async #call(method: string, args: Json): Promise<SlackAnswer> {
    try {
      return { kind: 'ok', data: { ...(await this.#client.apiCall(method, { ...args })) } };
    } catch (thrown) {
      return answerOf(thrown);
    }
  }
}

const shutOut = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_allowed_token_type',
  'missing_scope',
  'team_access_not_granted',
  'no_permission',
  'ekm_access_denied',
  'org_login_required',
]);
const channelGone = new Set([
  'channel_not_found',
  'is_archived',
  'not_in_channel',
  'restricted_action',
  'cannot_dm_bot',
  'user_disabled',
  'messages_tab_disabled',
]);
const messageGone = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'thread_not_found']);
const passing = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

function answerOf(thrown: unknown): SlackAnswer {
  if (thrown instanceof webApi.WebAPIRateLimitedError) {
    return { kind: 'later', why: 'Slack asks for patience (429)', afterMs: thrown.retryAfter * 1000, unsure: false };
  }
  if (thrown instanceof webApi.WebAPIPlatformError) return platformAnswer(thrown.data.error, thrown.data);
  if (thrown instanceof webApi.WebAPIHTTPError) {
    const isOurs = thrown.statusCode >= 400 && thrown.statusCode < 500;
    const why = `Slack answers ${thrown.statusCode}`;
    return isOurs ? { kind: 'refused', why } : { kind: 'later', why, afterMs: undefined, unsure: true };
  }
  if (thrown instanceof webApi.WebAPIRequestError) {
    const why = `Slack cannot be reached (${visible(thrown.original.message, 100)})`;
    return { kind: 'later', why, afterMs: undefined, unsure: true };
  }
  const why = thrown instanceof Error ? visible(thrown.message, 100) : 'a call failed';
  return { kind: 'later', why, afterMs: undefined, unsure: true };
}

function platformAnswer(code: string, data: unknown): SlackAnswer {
  const why = visible(code, 100);
  if (shutOut.has(code)) return { kind: 'shutOut', why };
  if (channelGone.has(code)) return { kind: 'gone', what: 'channel', why };
  if (messageGone.has(code)) return { kind: 'gone', what: 'message', why };
  if (passing.has(code)) return { kind: 'later', why, afterMs: undefined, unsure: false };
  return { kind: 'refused', why: `${why}${visible(messagesOf(data), 300)}` };
}

/** What exactly was wrong with the blocks stands deeper. */
function messagesOf(data: unknown): string {
  const metadata = isRecord(data) ? data['response_metadata'] : undefined;
  const messages = isRecord(metadata) ? metadata['messages'] : undefined;
  return Array.isArray(messages) ? `: ${messages.map((each) => textIn(each)).join('; ')}` : '';
}
