// Every limit of the house in one table: for the config file (`limits:`), for the docs and for the errors that name them.
// What bounds memory, time or other agents' share stands here, so that nobody has to search the code for a magic number.

export interface LimitRow {
  /** In the config file, and in the words of the error that names it. */
  readonly key: string;
  readonly unit: 'count' | 'bytes' | 'ms';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly reason: string;
}

const kB = 1024;
const MB = 1024 * kB;

const row = (
  key: string,
  unit: LimitRow['unit'],
  [usual, min, max]: readonly [usual: number, min: number, max: number],
  reason: string,
): LimitRow => ({ key, unit, default: usual, min, max, reason });

export const limitTable = {
  // Connections.
  connectionsMax: row('connections', 'count', [1000, 1, 100_000], 'Open agent connections in all.'),
  connectionsPerAgentMax: row(
    'connections_per_agent',
    'count',
    [200, 1, 100_000],
    'Open connections of one agent: one that leaks connections must not take those of the others.',
  ),
  connectionsInLoginMax: row(
    'connections_in_login',
    'count',
    [200, 1, 100_000],
    'Connections that have not logged in yet: strangers must not fill the places of agents.',
  ),
  loginMsMax: row(
    'login_time',
    'ms',
    [10_000, 100, 600_000],
    'From the first byte to the end of login, TLS included: a silent client is not waited for.',
  ),
  upstreamConnectMsMax: row(
    'upstream_connect_time',
    'ms',
    [10_000, 100, 600_000],
    'From dialling the database to the end of login there.',
  ),
  // Messages.
  startUpBytesMax: row(
    'startup_packet',
    'bytes',
    [10_000, 1000, MB],
    'A start-up packet. Postgres itself takes 10,000 bytes (MAX_STARTUP_PACKET_LENGTH).',
  ),
  loginMessageBytesMax: row(
    'login_message',
    'bytes',
    [64 * kB, kB, MB],
    'A message before login is done; Postgres takes 64 kB for a token (PG_MAX_AUTH_TOKEN_LENGTH).',
  ),
  messageBytesMax: row(
    'message',
    'bytes',
    [64 * MB, 64 * kB, 1024 * MB - 1],
    'One message from an agent: parameters with large objects, rows of COPY.',
  ),
  statementBytesMax: row(
    'statement',
    'bytes',
    [256 * kB, kB, 256 * kB],
    'The text of one statement. A longer one is not parsed, so it is not known, so it is held. Above 256 kB a parser can be made to overflow.',
  ),
  // Sessions.
  statementsPerSessionMax: row(
    'statements_per_session',
    'count',
    [5000, 1, 1_000_000],
    'Named prepared statements that one session keeps.',
  ),
  portalsPerSessionMax: row('portals_per_session', 'count', [1000, 1, 100_000], 'Open portals of one session.'),
  pendingRepliesMax: row(
    'pending_replies',
    'count',
    [10_000, 16, 1_000_000],
    'Pipelined messages that have not been answered; above, the agent is not read until the database has caught up.',
  ),
  waitingBytesMax: row(
    'waiting_bytes',
    'bytes',
    [MB, 64 * kB, 64 * MB],
    'What an agent may send ahead while its statement is held; above, it is not read until the hold is settled.',
  ),
  outputBytesMax: row(
    'output_bytes',
    'bytes',
    [MB, 64 * kB, 64 * MB],
    'What waits in memory for a peer that reads slowly; above, the other side is not read.',
  ),
  // Understanding.
  parseMsMax: row(
    'parse_time',
    'ms',
    [2000, 50, 60_000],
    'Reading one statement. What takes longer is not known, so it is held.',
  ),
  // Holds.
  holdsPerAgentMax: row(
    'holds_per_agent',
    'count',
    [20, 1, 10_000],
    'Open holds of one agent: approvers must not drown in the questions of one.',
  ),
  holdsMax: row('holds', 'count', [1000, 1, 100_000], 'Open holds in all.'),
  // HTTP.
  httpBodyBytesMax: row('http_body', 'bytes', [256 * kB, kB, 16 * MB], 'The body of one HTTP request.'),
  httpRequestsPerMinuteMax: row(
    'http_requests_per_minute',
    'count',
    [600, 10, 1_000_000],
    'Requests of one person, or from one address without a token or a sign-in.',
  ),
  httpConnectionsMax: row(
    'http_connections',
    'count',
    [2000, 50, 100_000],
    'Connections to the http port at once; further ones are closed, so that a flood of them does not take the agents’ and the log’s files.',
  ),
  httpWrongTokensPerMinuteMax: row(
    'http_wrong_tokens_per_minute',
    'count',
    [60, 1, 1_000_000],
    'Requests from one address with tokens that are nobody’s; good tokens from there go on.',
  ),
  // Going away.
  shutdownMsMax: row(
    'shutdown',
    'ms',
    [30_000, 0, 3_600_000],
    'How long open sessions may finish their transactions when the proxy is stopped; then they end with 57P01.',
  ),
} as const satisfies Record<string, LimitRow>;

export type LimitName = keyof typeof limitTable;
export type Limits = { readonly [Name in LimitName]: number };

export const limitNames: readonly LimitName[] = Object.keys(limitTable).filter(isLimitName);

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(limitTable, name);
}

/** The table's own defaults, with what a file or a test sets instead. */
export function limitsWith(overrides: Partial<Limits> = {}): Limits {
  const limits = { ...Object.fromEntries(limitNames.map((name) => [name, limitTable[name].default])), ...overrides };
  if (!areLimits(limits)) throw new Error('a limit without a value');
  return limits;
}

function areLimits(numbers: Readonly<Record<string, number | undefined>>): numbers is Limits {
  return limitNames.every((name) => numbers[name] !== undefined);
}
