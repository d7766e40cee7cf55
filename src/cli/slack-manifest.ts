// The manifest that a person pastes at api.slack.com to make the app: scopes, events, commands and where Slack sends to, by mode. Nothing is
// asked for that is not used.

export interface ManifestOptions {
  readonly mode: 'socket' | 'http';
  /** Where Slack reaches our http port; needed in http mode. */
  readonly url: string | undefined;
  readonly name: string;
}

export function slackManifest({ mode, url, name }: ManifestOptions): string {
  const target = `${(url ?? 'https://countersign.example.com').replace(/\/+$/, '')}/slack/events`;
  const quoted = JSON.stringify(name);
  const http = mode === 'http';
  const lines = [
    '_metadata: { major_version: 2, minor_version: 1 }',
    'display_information:',
    `  name: ${quoted}`,
    '  description: Approve or deny what AI agents ask of Postgres',
    '  background_color: "#14342b"',
    'features:',
    '  app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: true }',
    `  bot_user: { display_name: ${quoted}, always_online: true }`,
    '  slash_commands:',
    '    - command: /countersign',
    '      description: What waits for you, one hold, or what a statement would meet',
    '      usage_hint: "list | show h_… | explain AGENT DATABASE SQL"',
    '      should_escape: false',
    ...(http ? [`      url: ${JSON.stringify(target)}`] : []),
    'oauth_config:',
    '  scopes:',
    '    bot:',
    '      - chat:write # cards, edits, replies',
    '      - commands # /countersign',
    '      - users:read # whether who clicks is a guest, a bot or gone',
    '      - im:write # a word to one person',
    '      - channels:history # these three: whether a message whose answer was lost is there, before it is sent again',
    '      - groups:history',
    '      - im:history',
    'settings:',
    `  interactivity: { is_enabled: true${http ? `, request_url: ${JSON.stringify(target)}` : ''} }`,
    `  event_subscriptions: { bot_events: [app_home_opened]${http ? `, request_url: ${JSON.stringify(target)}` : ''} }`,
    `  socket_mode_enabled: ${String(!http)}`,
    '  org_deploy_enabled: false',
    '  token_rotation_enabled: false',
  ];
  return lines.join('\n');
}
