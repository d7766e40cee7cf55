// What Slack sends when a person does something, read into precise values once. It was signed, or came over our own socket; but what is in
// it is still looked at: a hold's id has a form, a number has bounds.
import type { HoldId } from '../core/brand.ts';
import { at, isRecord, listAt, recordAt } from './slack-json.ts';

/** Who did it, as Slack names them. */
export interface Clicker {
  readonly user: string;
  /** The workspace of the app, and that of the person: they differ for guests of other companies. */
  readonly team: string | undefined;
  readonly userTeam: string | undefined;
}

export interface ClickPlace {
  readonly channel: string | undefined;
  readonly ts: string | undefined;
  readonly threadTs: string | undefined;
  /** In a dialog or on the home page. */
  readonly view: string | undefined;
  readonly viewType: string | undefined;
}

export interface Click {
  readonly clicker: Clicker;
  readonly action: string;
  readonly value: string;
  /** The same for each sending of the same click. */
  readonly once: string;
  readonly trigger: string | undefined;
  readonly place: ClickPlace;
}

export interface Submission {
  readonly clicker: Clicker;
  readonly callback: string;
  readonly metadata: string;
  readonly once: string;
  /** Action id → what was typed or chosen. */
  readonly values: ReadonlyMap<string, string>;
}

export interface Command {
  readonly clicker: Clicker;
  readonly text: string;
}

export function isHoldId(text: string): text is HoldId {
  return /^h_[0-9A-Za-z]{20}$/.test(text);
}

export function clickIn(body: unknown): Click | undefined {
  const [action] = listAt(body, 'actions');
  const clicker = clickerIn(body);
  const id = at(action, 'action_id');
  if (clicker === undefined || id === undefined) return undefined;
  const value = at(action, 'value') ?? '';
  return {
    clicker,
    action: id,
    value,
    once: `${clicker.user}/${id}/${value.replaceAll(' ', '_').slice(0, 60)}/${at(action, 'action_ts') ?? ''}`,
    trigger: at(body, 'trigger_id'),
    place: {
      channel: at(body, 'channel', 'id') ?? at(body, 'container', 'channel_id'),
      ts: at(body, 'message', 'ts') ?? at(body, 'container', 'message_ts'),
      threadTs: at(body, 'message', 'thread_ts'),
      view: at(body, 'view', 'id'),
      viewType: at(body, 'view', 'type'),
    },
  };
}

export function submissionIn(body: unknown): Submission | undefined {
  const clicker = clickerIn(body);
  const callback = at(body, 'view', 'callback_id');
  if (clicker === undefined || callback === undefined) return undefined;
  const values = new Map<string, string>();
  for (const block of Object.values(recordAt(body, 'view', 'state', 'values'))) {
    for (const [id, element] of Object.entries(isRecord(block) ? block : {})) {
      const value = at(element, 'value') ?? at(element, 'selected_option', 'value');
      if (value !== undefined) values.set(id, value);
    }
  }
  const once = `${clicker.user}/${callback}/${at(body, 'view', 'id') ?? ''}`;
  return { clicker, callback, metadata: at(body, 'view', 'private_metadata') ?? '', once, values };
}

export function commandIn(body: unknown): Command | undefined {
  const user = at(body, 'user_id');
  if (user === undefined) return undefined;
  const team = at(body, 'team_id');
  return { clicker: { user, team, userTeam: team }, text: at(body, 'text') ?? '' };
}

function clickerIn(body: unknown): Clicker | undefined {
  const user = at(body, 'user', 'id');
  if (user === undefined) return undefined;
  return { user, team: at(body, 'team', 'id'), userTeam: at(body, 'user', 'team_id') };
}

/** `h_…` or `h_… 100`. */
export function holdIn(value: string): { readonly hold: HoldId; readonly rows: number | undefined } | undefined {
  const [id = '', rows, ...more] = value.split(' ');
  if (!isHoldId(id) || more.length > 0) return undefined;
  if (rows === undefined) return { hold: id, rows: undefined };
  return /^[1-9]\d{0,8}$/.test(rows) ? { hold: id, rows: Number(rows) } : undefined;
}
