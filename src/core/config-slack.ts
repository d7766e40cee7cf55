// The `slack` part of countersign.yaml: how we reach Slack, and who is shown what there.
import * as z from 'zod';
import { count, duration, fieldNotes, secret, text, webUrl, word } from './config-fields.ts';
import { Secret } from './secrets.ts';

const memberForm = /^[UW][A-Z0-9]{2,20}$/;
const channelForm = /^[CGD]\w{1,40}$/;

const channel = (words: string) =>
  z
    .string()
    .regex(channelForm, 'a channel’s id begins with C (its name does not do: names change)')
    .register(fieldNotes, { form: 'C…' })
    .describe(words);

export const slackSchema = z.strictObject({
  mode: word('Over a socket that we open, or over requests to our http port.', ['socket', 'http'], 'socket'),
  bot_token: secret('Token of the bot (xoxb-…).'),
  app_token: secret('Token of the app (xapp-…); needed in socket mode.').optional(),
  signing_secret: secret('Secret that signs Slack’s requests; needed in http mode.').optional(),
  channel: channel('Id of the channel that cards go to.'),
  channels: z
    .record(
      z.string(),
      z
        .union([z.literal('dm'), z.string().regex(channelForm, 'must be a channel’s id (C…) or dm')])
        .register(fieldNotes, { form: 'C… or dm' })
        .describe('Where cards for this group of approvers go instead: another channel, or to each of them alone.'),
    )
    .optional(),
  owners: z
    .record(
      z.string(),
      z
        .string()
        .regex(memberForm, 'a Slack member id begins with U or W')
        .register(fieldNotes, { form: 'U…' })
        .describe('Slack id of an agent’s owner who is no approver: outcomes are told there.'),
    )
    .optional(),
  values: word(
    'Whether literal values of a statement are shown on cards; hidden, they are seen in the console only.',
    ['hidden', 'shown'],
    'hidden',
  ),
  confirm_from: text('From this level up, an approval asks once more before it counts.', 'level').optional(),
  first_rows: count({ words: 'N of “Approve first N rows”.', usual: 100, min: 1, max: 1_000_000 }),
  digest_from: count({
    words: 'An agent with this many open holds gets one list instead of further cards.',
    usual: 5,
    min: 2,
    max: 50,
  }),
  remind: duration({ words: 'Who has not voted is reminded after this.', usual: '10m', min: '1s', max: '7d' }),
  escalate: duration({
    words: 'After this the second group is asked too.',
    usual: '30m',
    min: '1s',
    max: '7d',
  }),
  escalate_to: text(
    'The second group; its votes count where the classification names it. Without it nothing is escalated.',
    'group',
  ).optional(),
  api_url: webUrl('Another address of Slack’s API, for tests and proxies.').optional(),
});

export type SlackShape = z.output<typeof slackSchema>;

interface SlackBase {
  readonly botToken: Secret;
  readonly channel: string;
  /** By group of approvers: a channel's id, or `dm`. */
  readonly channels: ReadonlyMap<string, string>;
  /** Slack ids of agents' owners who are no approvers. */
  readonly owners: ReadonlyMap<string, string>;
  readonly values: 'hidden' | 'shown';
  readonly confirmFrom: string | undefined;
  readonly firstRows: number;
  readonly digestFrom: number;
  readonly remindMs: number;
  readonly escalateMs: number;
  readonly escalateTo: string | undefined;
  readonly apiUrl: string | undefined;
}

export type SlackConfig =
  | (SlackBase & { readonly mode: 'socket'; readonly appToken: Secret })
  | (SlackBase & { readonly mode: 'http'; readonly signingSecret: Secret });

export function slackOf(shape: SlackShape): SlackConfig {
  const base: SlackBase = {
    botToken: shape.bot_token,
    channel: shape.channel,
    channels: new Map(Object.entries(shape.channels ?? {})),
    owners: new Map(Object.entries(shape.owners ?? {})),
    values: shape.values ?? 'hidden',
    confirmFrom: shape.confirm_from,
    firstRows: shape.first_rows ?? 100,
    digestFrom: shape.digest_from ?? 5,
    remindMs: shape.remind ?? 10 * 60_000,
    escalateMs: shape.escalate ?? 30 * 60_000,
    escalateTo: shape.escalate_to,
    apiUrl: shape.api_url,
  };
  // The secret of the other mode is not here; that of this one was asked for in config-cross.ts.
  const absent = new Secret('');
  if (shape.mode === 'http') {
    return Object.freeze({ ...base, mode: 'http', signingSecret: shape.signing_secret ?? absent });
  }
  return Object.freeze({ ...base, mode: 'socket', appToken: shape.app_token ?? absent });
}
