// One table of everything that can go wrong in a way a user meets: what Postgres clients, HTTP clients and people are told.
// Expected failures are ProxyError with a row here; a broken invariant is a plain Error and ends its session.

export interface ErrorRow {
  /** What a Postgres client branches on. */
  readonly sqlState: string;
  readonly http: number;
  /** Whether the agent's session is over after this. */
  readonly ends: 'statement' | 'session';
  /** What the sender should think about trying again. */
  readonly retry: 'never' | 'after-approval' | 'narrower' | 'later';
  /** One sentence for the error table in the docs. */
  readonly words: string;
  /** Said in the server's own words, because the server would say it too: without a DETAIL of ours. */
  readonly native?: true;
}

const row = (
  sqlState: string,
  http: number,
  ends: ErrorRow['ends'],
  retry: ErrorRow['retry'],
  words: string,
): ErrorRow => ({ sqlState, http, ends, retry, words });

export const errorTable = {
  // Verdicts and holds.
  DENIED: row('42501', 403, 'statement', 'never', 'People were asked and said no.'),
  HOLD_TIMEOUT: row('42501', 403, 'statement', 'after-approval', 'Nobody decided while the statement waited.'),
  HOLD_WITHDRAWN: row('57014', 409, 'statement', 'later', 'The wait ended because the asker cancelled it or left.'),
  HOLD_LIMIT: row('42501', 429, 'statement', 'later', 'Too many statements are waiting for approval already.'),
  HOLD_REFUSED: row(
    '42501',
    403,
    'statement',
    'later',
    'The statement would have to wait while its transaction holds locks, and `holds.in_transaction` says refuse.',
  ),
  HOLD_CHANGED: row(
    '42501',
    409,
    'statement',
    'after-approval',
    'What was let through is no longer what would run: definitions, classification or session changed while it waited.',
  ),
  POLICY: row('42501', 403, 'statement', 'narrower', 'A rule forbids this statement; asking people would not help.'),
  NOT_KNOWN: row(
    '42501',
    403,
    'statement',
    'narrower',
    'The statement cannot be understood for sure, so it does not pass.',
  ),
  TRIPWIRE: row(
    '42501',
    403,
    'session',
    'never',
    'The result held a column that the analysis did not foresee; the stream was stopped.',
  ),
  ROW_LIMIT: row('42501', 403, 'statement', 'narrower', 'More rows or bytes than were allowed; the rest was not sent.'),
  UNAVAILABLE: row(
    '42501',
    503,
    'statement',
    'later',
    'A part that every statement depends on (state, audit, witness) is not available.',
  ),
  // Protocol and login.
  PROTOCOL_VIOLATION: row(
    '08P01',
    400,
    'session',
    'never',
    'Bytes that are not the Postgres protocol, or not allowed at this point.',
  ),
  FEATURE_NOT_SUPPORTED: row(
    '0A000',
    501,
    'statement',
    'never',
    'A part of the protocol that cannot be judged (function call messages, replication).',
  ),
  START_UP_REFUSED: row('0A000', 400, 'session', 'never', 'A start-up request that is not offered here.'),
  TLS_REQUIRED: row('28000', 403, 'session', 'never', 'This listener takes TLS connections only.'),
  INVALID_PASSWORD: row('28P01', 401, 'session', 'never', 'Name or password is wrong.'),
  INVALID_AUTHORIZATION: row(
    '28000',
    401,
    'session',
    'never',
    'This agent may not connect from there, or not in this way.',
  ),
  UNKNOWN_DATABASE: row('3D000', 404, 'session', 'never', 'No such database here, or not for this agent.'),
  // Limits.
  TOO_MANY_CONNECTIONS: row('53300', 429, 'session', 'later', 'The connection limit is reached.'),
  MESSAGE_TOO_LARGE: row('54000', 413, 'session', 'narrower', 'A message is larger than the limit.'),
  TOO_MANY_STATEMENTS: row(
    '54000',
    429,
    'statement',
    'narrower',
    'Too many prepared statements or portals in one session.',
  ),
  UNKNOWN_STATEMENT: {
    ...row('26000', 404, 'statement', 'never', 'No prepared statement of that name.'),
    native: true,
  },
  LOGIN_TIMEOUT: row('08006', 408, 'session', 'later', 'Login took longer than the limit.'),
  // The database behind.
  UPSTREAM_UNREACHABLE: row('08001', 502, 'session', 'later', 'The database behind the proxy cannot be reached.'),
  UPSTREAM_REFUSED: row('08004', 502, 'session', 'later', 'The database behind the proxy refused the proxy’s login.'),
  UPSTREAM_LOST: row('08006', 502, 'session', 'later', 'The database behind the proxy went away.'),
  ACCESS_REVOKED: row(
    '57P01',
    403,
    'session',
    'never',
    'The operator has changed or removed the agent, its login or its database since this session began.',
  ),
  SHUTTING_DOWN: row('57P01', 503, 'session', 'later', 'The proxy is being stopped.'),
  // People's side.
  UNAUTHENTICATED: row('28000', 401, 'statement', 'never', 'No valid token or session.'),
  FORBIDDEN: row('42501', 403, 'statement', 'never', 'This person may not do that.'),
  NOT_FOUND: row('42704', 404, 'statement', 'never', 'There is nothing of that name or at that address.'),
  SETTLED_ALREADY: row('55000', 409, 'statement', 'never', 'The hold was decided before this vote.'),
  BAD_REQUEST: row('22023', 400, 'statement', 'never', 'The request does not have the form it should have.'),
  RATE_LIMITED: row('53400', 429, 'statement', 'later', 'Too many requests.'),
  // Files.
  CONFIG_INVALID: row('F0000', 500, 'session', 'never', 'A configuration or classification file has a mistake.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

export interface ProxyErrorOptions {
  readonly hint?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Words for a person, and what to do about it. Never holds values from rows; text from outside is bounded before it comes here. */
export class ProxyError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Members of the DETAIL line, for programs: hold, rule, columns, reason. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ProxyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProxyError';
    this.code = code;
    this.hint = options.hint;
    this.facts = options.facts ?? {};
  }

  get row(): ErrorRow {
    return errorTable[this.code];
  }
}

/** The words of anything that was thrown, for a log line. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
