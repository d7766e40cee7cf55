// A person at Slack's side: presses buttons, fills in dialogs, types commands. What the app gets is what real Slack sends.
import { randomUUID } from 'node:crypto';
import type { FakeMessage, FakeSlack, FakeView, Json } from './fake-slack.ts';

export type Way = 'socket' | 'http';

export interface Answered {
  readonly status: number;
  /** What the app acknowledged with: errors of a dialog, the answer to a command. */
  readonly ack: Json;
}

export interface PersonOptions {
  readonly way: Way;
  /** Workspace of the person; the app's own when absent. */
  readonly team?: string;
}

export class Person {
  readonly id: string;
  readonly #slack: FakeSlack;
  readonly #options: PersonOptions;

  constructor(slack: FakeSlack, id: string, options: PersonOptions) {
    this.#slack = slack;
    this.id = id;
    this.#options = options;
  }

  async click(message: FakeMessage, action: string, extra: Json = {}): Promise<Answered> {
    return await this.send(this.clickOf(message, action, extra));
  }

  /** What Slack sends for a click, to be sent twice, changed, or kept for later. */
  clickOf(message: FakeMessage, action: string, extra: Json = {}): Json {
    const element = buttonOf(message.blocks, action);
    if (element === undefined) throw new Error(`no button ${action} in ${message.text}`);
    return {
      ...this.#base('block_actions'),
      container: { type: 'message', message_ts: message.ts, channel_id: message.channel, is_ephemeral: false },
      channel: { id: message.channel, name: 'approvals' },
      message: { type: 'message', ts: message.ts, text: message.text, blocks: message.blocks },
      actions: [{ ...element, block_id: 'actions', action_ts: `${Date.now() / 1000}` }],
      ...extra,
    };
  }

  async clickIn(view: FakeView, action: string): Promise<Answered> {
    const element = buttonOf(blocksIn(view.view), action);
    if (element === undefined) throw new Error(`no button ${action}`);
    return await this.send({
      ...this.#base('block_actions'),
      container: { type: 'view', view_id: view.id },
      view: { ...view.view, id: view.id },
      actions: [{ ...element, block_id: 'actions', action_ts: `${Date.now() / 1000}` }],
    });
  }

  /** `values`: action id → what is typed or chosen. */
  async submit(view: FakeView, values: Readonly<Record<string, string>>): Promise<Answered> {
    const state: Record<string, Json> = {};
    for (const block of blocksIn(view.view)) {
      if (block['type'] !== 'input') continue;
      const element = block['element'] as Json;
      const id = String(element['action_id']);
      const value = values[id];
      const chosen = {
        selected_option: value === undefined ? null : { value, text: { type: 'plain_text', text: value } },
      };
      const typed = { value: value ?? null };
      state[String(block['block_id'])] = {
        [id]: { type: element['type'], ...(element['type'] === 'static_select' ? chosen : typed) },
      };
    }
    const base = this.#base('view_submission');
    return await this.send({ ...base, view: { ...view.view, id: view.id, state: { values: state } } });
  }

  async command(text: string): Promise<Answered> {
    const form = {
      command: '/countersign',
      text,
      team_id: this.#options.team ?? this.#slack.team,
      channel_id: 'C0GATE',
      user_id: this.id,
      user_name: this.id.toLowerCase(),
      trigger_id: this.#slack.trigger(this.id),
      response_url: 'http://127.0.0.1:9/none',
      api_app_id: 'A0APP',
      is_enterprise_install: 'false',
    };
    if (this.#options.way === 'socket') return { status: 200, ack: await this.#slack.envelope('slash_commands', form) };
    return answered(await this.#slack.request(form));
  }

  async openHome(): Promise<void> {
    const payload = {
      type: 'event_callback',
      team_id: this.#slack.team,
      api_app_id: 'A0APP',
      event_id: `Ev${randomUUID()}`,
      authorizations: [{ team_id: this.#slack.team, user_id: 'U0BOT', is_bot: true, is_enterprise_install: false }],
      event: { type: 'app_home_opened', user: this.id, channel: `D${this.id.slice(1)}`, tab: 'home', event_ts: '1.1' },
    };
    if (this.#options.way === 'socket') {
      await this.#slack.envelope('events_api', payload);
      return;
    }
    const body = JSON.stringify(payload);
    const headers = { 'content-type': 'application/json', ...this.#slack.sign(body) };
    await fetch(this.#slack.interactivityUrl, { method: 'POST', body, headers });
  }

  async send(payload: Json): Promise<Answered> {
    if (this.#options.way === 'socket') return { status: 200, ack: await this.#slack.envelope('interactive', payload) };
    return answered(await this.#slack.request({ payload: JSON.stringify(payload) }));
  }

  #base(type: string): Json {
    const team = this.#options.team ?? this.#slack.team;
    return {
      type,
      user: { id: this.id, username: this.id.toLowerCase(), team_id: team },
      api_app_id: 'A0APP',
      token: 'legacy',
      trigger_id: this.#slack.trigger(this.id),
      team: { id: this.#slack.team, domain: 'fake' },
      enterprise: null,
      is_enterprise_install: false,
      response_url: 'http://127.0.0.1:9/none',
    };
  }
}

function answered(response: { readonly status: number; readonly body: string }): Answered {
  const ack: unknown = response.body.startsWith('{') ? JSON.parse(response.body) : {};
  return { status: response.status, ack: ack as Json };
}

const blocksIn = (view: Json): readonly Json[] => (Array.isArray(view['blocks']) ? (view['blocks'] as Json[]) : []);

/** A button of an actions block, or beside a section. */
export function buttonOf(blocks: readonly Json[], action: string): Json | undefined {
  return buttonsOf(blocks).find((element) => String(element['action_id']) === action);
}

export function buttonsOf(blocks: readonly Json[]): readonly Json[] {
  return blocks.flatMap((block) => {
    if (block['type'] === 'actions' && Array.isArray(block['elements'])) return block['elements'] as Json[];
    return block['accessory'] === undefined ? [] : [block['accessory'] as Json];
  });
}

/** Everything that a person would read, in order. */
export function readable(value: unknown): string {
  if (Array.isArray(value)) return value.map(readable).filter(Boolean).join('\n');
  if (typeof value !== 'object' || value === null) return '';
  const { type, text, user_id: user, fallback } = value as Json;
  if (type === 'user') return `<@${String(user)}>`;
  if (type === 'date') return String(fallback);
  const own = typeof text === 'string' ? text : readable(text);
  const { elements, fields, label, hint, blocks, accessory, element, title } = value as Json;
  const joined = String(type).startsWith('rich_text') && type !== 'rich_text' && Array.isArray(elements);
  const inner = joined ? (elements as unknown[]).map(readable).join('') : readable(elements);
  return [
    readable(title),
    own,
    inner,
    readable(fields),
    readable(label),
    readable(hint),
    readable(blocks),
    readable(element),
    readable(accessory),
  ]
    .filter(Boolean)
    .join('\n');
}
