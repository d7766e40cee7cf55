// The bolt app, in both modes: what Slack sends is read (slack-payload.ts), acknowledged within its three seconds, and given to the handlers.
// An error in a handler is logged and counted; it never reaches bolt, which would answer Slack with a failure and hear it all again.
import { App, HTTPReceiver, SocketModeReceiver } from '@slack/bolt';
import type { SlackConfig } from '../core/config-slack.ts';
import type { Log } from '../core/log.ts';
import { clientOptions } from './slack-api.ts';
import { slackPath } from './slack-door.ts';
import { at } from './slack-json.ts';
import type { SlackLogger } from './slack-logger.ts';
import {
  clickIn,
  commandIn,
  submissionIn,
  type Click,
  type Clicker,
  type Command,
  type Submission,
} from './slack-payload.ts';
import type { CommandAnswer } from './slack-commands.ts';

export interface SlackHandlers {
  click(click: Click): Promise<void>;
  errorsIn(submission: Submission): Readonly<Record<string, string>> | undefined;
  submit(submission: Submission): Promise<void>;
  command(command: Command): Promise<CommandAnswer>;
  home(clicker: Clicker): Promise<void>;
}

export interface SlackAppParts {
  readonly config: SlackConfig;
  readonly handlers: SlackHandlers;
  readonly identity: () => { readonly botId: string; readonly botUserId: string } | undefined;
  readonly logger: SlackLogger;
  readonly log: Log;
  readonly timeoutMs?: number;
}

export type SlackReceiver =
  | { readonly mode: 'socket'; readonly receiver: SocketModeReceiver }
  | { readonly mode: 'http'; readonly receiver: HTTPReceiver };

export function slackApp(parts: SlackAppParts): SlackReceiver {
  const made = receiverOf(parts);
  const { config, identity, logger, log } = parts;
  const app = new App({
    receiver: made.receiver,
    socketMode: made.mode === 'socket',
    logger,
    clientOptions: clientOptions(callOptions(parts)),
    // A token given here would be tried in the constructor, and a failure kept for ever: every later click would be taken and lost.
    authorize: async () => ({
      botToken: config.botToken.reveal(),
      botId: identity()?.botId ?? 'B0',
      botUserId: identity()?.botUserId ?? 'U0',
    }),
    // Remembers conversations in memory, for a feature that is not used.
    convoStore: false,
  });
  app.error(async (error) => log.error('a Slack request was not handled', { error }));
  listen(app, parts.handlers, log);
  return made;
}

function callOptions({ config, logger, timeoutMs }: SlackAppParts) {
  return { apiUrl: config.apiUrl, logger, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

function receiverOf(parts: SlackAppParts): SlackReceiver {
  const { config, logger } = parts;
  if (config.mode === 'http') {
    const receiver = new HTTPReceiver({
      signingSecret: config.signingSecret.reveal(),
      endpoints: slackPath,
      logger,
      bodyLimit: 256 * 1024,
    });
    return { mode: 'http', receiver };
  }
  const receiver = new SocketModeReceiver({
    appToken: config.appToken.reveal(),
    logger,
    // See slack-socket.ts.
    autoReconnectEnabled: false,
    installerOptions: { clientOptions: clientOptions(callOptions(parts)) },
  });
  return { mode: 'socket', receiver };
}

function listen(app: App, handlers: SlackHandlers, log: Log): void {
  const guarded = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.error(`a Slack ${what} failed`, { error });
    }
  };
  // Every action, also those of buttons that only open a link: what nobody takes, bolt answers with a failure after three seconds.
  app.action(/.*/, async ({ ack, body }) => {
    await ack();
    const click = clickIn(body);
    if (click !== undefined) await guarded('click', () => handlers.click(click));
  });
  app.view(/.*/, async ({ ack, body }) => {
    const submission = submissionIn(body);
    const errors = submission === undefined ? undefined : handlers.errorsIn(submission);
    if (errors !== undefined) return await ack({ response_action: 'errors', errors: { ...errors } });
    await ack();
    if (submission !== undefined && body.type === 'view_submission')
      await guarded('dialog', () => handlers.submit(submission));
  });
  app.command(/.*/, async ({ ack, body }) => {
    const command = commandIn(body);
    if (command === undefined) return await ack();
    const { text, blocks } = await handlers.command(command);
    // Bolt's types want arrays that can be changed; what is sent is JSON.
    await ack({ response_type: 'ephemeral', text, blocks: JSON.parse(JSON.stringify(blocks)) });
  });
  app.event('app_home_opened', async ({ event, body }) => {
    const team = at(body, 'team_id');
    if (event.tab !== 'home') return;
    await guarded('home page', () => handlers.home({ user: event.user, team, userTeam: team }));
  });
}
