// What /readyz and /metrics say about Slack. It is `wanted`, never `needed`: without it people decide in the console.
import type { Outbox } from './outbox.ts';
import type { Part, PartState } from './health.ts';
import type { Metric } from './metrics.ts';
import type { SlackApi } from './slack-api.ts';
import type { SlackDesk } from './slack-desk.ts';
import type { SlackDoor } from './slack-door.ts';
import type { SocketLink } from './slack-socket.ts';

interface Watched {
  readonly api: SlackApi;
  readonly outbox: Outbox;
  readonly desk: SlackDesk;
  readonly door: SlackDoor | undefined;
  readonly link: SocketLink | undefined;
}

export function slackPart(watched: Watched, isKnown: () => boolean): Part {
  return { name: 'slack', weight: 'wanted', check: () => stateOf(watched, isKnown()) };
}

function stateOf({ api, outbox, link }: Watched, isKnown: boolean): PartState {
  const troubles = [
    ...(isKnown ? [] : ['not signed in yet']),
    ...(api.trouble === undefined ? [] : [api.trouble]),
    ...(link === undefined || link.state.kind === 'connected' ? [] : [`socket: ${linkWords(link)}`]),
    ...outbox.troubles().map(({ lane, why }) => `${lane}: ${why}`),
  ];
  const waiting = outbox.waiting === 0 ? '' : `; ${outbox.waiting} to send`;
  if (troubles.length === 0) return { state: 'up', words: `connected${waiting}` };
  return { state: 'down', words: `${[...new Set(troubles)].slice(0, 5).join('; ')}${waiting}` };
}

const linkWords = (link: SocketLink): string =>
  link.state.kind === 'connecting' ? `connecting (${link.state.why})` : link.state.kind;

export function slackMetrics({ api, outbox, desk, door, link }: Watched): readonly Metric[] {
  return [
    {
      name: 'slack_calls_total',
      kind: 'counter',
      help: 'Calls to Slack, by method and how they ended.',
      labels: ['method', 'result'],
      read: () => api.tallies().map(({ method, result, count }) => ({ labels: { method, result }, value: count })),
    },
    {
      name: 'slack_clicks_total',
      kind: 'counter',
      help: 'Clicks and dialogs in Slack, by what came of them.',
      labels: ['result'],
      read: () => [...desk.tallies].map(([result, value]) => ({ labels: { result }, value })),
    },
    {
      name: 'slack_requests_total',
      kind: 'counter',
      help: 'Requests to the Slack endpoint, by what the check of their signature said (http mode).',
      labels: ['check'],
      read: () => Object.entries(door?.tallies ?? {}).map(([check, value]) => ({ labels: { check }, value })),
    },
    {
      name: 'slack_waiting',
      kind: 'gauge',
      help: 'Messages and edits that wait to be sent to Slack.',
      read: () => [{ value: outbox.waiting }],
    },
    {
      name: 'slack_dropped_total',
      kind: 'counter',
      help: 'Pieces of work that found the outbox full; what is open comes round again.',
      read: () => [{ value: outbox.dropped }],
    },
    {
      name: 'slack_connected',
      kind: 'gauge',
      help: '1 while the socket to Slack is up (socket mode).',
      read: () => (link === undefined ? [] : [{ value: link.state.kind === 'connected' ? 1 : 0 }]),
    },
    {
      name: 'slack_connections_total',
      kind: 'counter',
      help: 'How often the socket to Slack was connected.',
      read: () => (link === undefined ? [] : [{ value: link.connections }]),
    },
  ];
}
