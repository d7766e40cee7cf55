// A Slack on loopback: Web API, Socket Mode, and the signed requests that real Slack sends. It keeps real Slack's limits and gives real
// Slack's errors, so that what passes here can be hoped to pass there. Trouble is a mode that a test switches on.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parse, stringify } from 'node:querystring';
import { WebSocketServer, type WebSocket } from 'ws';
import { blockMistakes, viewMistakes } from './limits.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface FakeMessage {
  readonly channel: string;
  readonly ts: string;
  readonly threadTs: string | undefined;
  text: string;
  blocks: readonly Json[];
  readonly metadata: unknown;
  edits: number;
}

export interface FakeView {
  readonly id: string;
  readonly user: string | undefined;
  view: Json;
}

export interface FakeUser {
  readonly id: string;
  readonly team_id: string;
  readonly name: string;
  readonly deleted?: boolean;
  readonly is_bot?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_stranger?: boolean;
  readonly profile?: { readonly email?: string };
}

export interface FakeCall {
  readonly method: string;
  readonly args: Json;
  readonly at: number;
}

export interface FakeSlackOptions {
  readonly users?: readonly FakeUser[];
  /** Messages per second and channel above which 429 is answered; undefined: no limit. */
  readonly perSecond?: number;
}

/** `down` 500, `reset` the connection breaks, `hang` no answer, `lost` it happens but the answer does not come, `slow` 300 ms. */
export type FakeMode = 'up' | 'down' | 'reset' | 'hang' | 'lost' | 'slow';

export class FakeSlack {
  readonly team = 'T0TEAM';
  readonly botToken = 'xoxb-fake-bot';
  readonly appToken = 'xapp-fake-app';
  readonly signingSecret = 'f'.repeat(32);
  readonly calls: FakeCall[] = [];
  readonly messages: FakeMessage[] = [];
  readonly ephemerals: Json[] = [];
  readonly views: FakeView[] = [];
  readonly homes = new Map<string, Json>();
  readonly users = new Map<string, FakeUser>();
  readonly gone = new Set<string>();
  mode: FakeMode = 'up';
  /** Only calls of these methods meet the mode. */
  modeFor: RegExp = /./;
  /** The next so many messages are answered 429. */
  limitNext = 0;
  retryAfter = 1;
  isRevoked = false;
  pageSizeMax = 1000;
  /** Kinds of block that are refused, whatever they hold: Slack's rules may be other ones tomorrow. */
  readonly refusedKinds = new Set<string>();
  /** Answered instead, by method: an error's code. */
  readonly errors = new Map<string, string>();
  readonly sockets = new Set<WebSocket>();
  /** Where signed requests go: the proxy's own http port. */
  interactivityUrl = '';
  readonly #options: FakeSlackOptions;
  readonly #server: Server;
  readonly #socketServer: WebSocketServer;
  readonly #acks = new Map<string, (payload: Json) => void>();
  readonly #triggers = new Map<string, { readonly at: number; readonly user: string }>();
  readonly #lastPost = new Map<string, number>();
  #port = 0;
  #count = 0;

  constructor(options: FakeSlackOptions = {}) {
    this.#options = options;
    for (const user of options.users ?? []) this.users.set(user.id, user);
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#socketServer = new WebSocketServer({ server: this.#server, path: '/link' });
    this.#socketServer.on('connection', (socket) => this.#greet(socket));
  }

  static async start(options: FakeSlackOptions = {}): Promise<FakeSlack> {
    const slack = new FakeSlack(options);
    await new Promise<void>((resolve) => slack.#server.listen(0, '127.0.0.1', resolve));
    const address = slack.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    slack.#port = address.port;
    return slack;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#port}/api/`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.#socketServer.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Messages of a channel that are no replies. */
  cards(channel: string): readonly FakeMessage[] {
    return this.messages.filter((message) => message.channel === channel && message.threadTs === undefined);
  }

  replies(message: FakeMessage): readonly FakeMessage[] {
    return this.messages.filter((each) => each.threadTs === message.ts && each.channel === message.channel);
  }

  callsOf(method: string): readonly FakeCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  delete(message: FakeMessage): void {
    this.messages.splice(this.messages.indexOf(message), 1);
  }

  /** As Slack does every few hours to each connection, or when it moves house. */
  disconnect(reason: 'refresh_requested' | 'warning' | 'too_many_websockets'): void {
    for (const socket of this.sockets) socket.send(JSON.stringify({ type: 'disconnect', reason }));
  }

  trigger(user: string): string {
    const id = randomUUID();
    this.#triggers.set(id, { at: Date.now(), user });
    return id;
  }

  /** Over the socket; resolves with what the app acknowledged. */
  async envelope(type: 'interactive' | 'slash_commands' | 'events_api', payload: Json): Promise<Json> {
    const socket = [...this.sockets][0];
    if (socket === undefined) throw new Error('no socket is connected');
    const envelopeId = randomUUID();
    return await new Promise((resolve, fail) => {
      const timer = setTimeout(() => fail(new Error('no ack in 3 s')), 3000);
      this.#acks.set(envelopeId, (ack) => {
        clearTimeout(timer);
        resolve(ack);
      });
      socket.send(JSON.stringify({ envelope_id: envelopeId, type, accepts_response_payload: true, payload }));
    });
  }

  sign(body: string, options: { readonly secret?: string; readonly at?: number } = {}): Record<string, string> {
    const at = String(options.at ?? Math.floor(Date.now() / 1000));
    const mac = createHmac('sha256', options.secret ?? this.signingSecret)
      .update(`v0:${at}:${body}`)
      .digest('hex');
    return { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${mac}` };
  }

  /** A signed request to the app; `form` as Slack sends each kind. */
  async request(
    form: Readonly<Record<string, string>>,
    headers: (body: string) => Record<string, string> = (body) => this.sign(body),
  ): Promise<{ readonly status: number; readonly body: string }> {
    const body = stringify(form);
    const response = await fetch(this.interactivityUrl, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers(body) },
    });
    return { status: response.status, body: await response.text() };
  }

  #greet(socket: WebSocket): void {
    this.sockets.add(socket);
    socket.send(JSON.stringify({ type: 'hello', num_connections: 1, connection_info: { app_id: 'A0APP' } }));
    socket.on('message', (data) => {
      const message: unknown = JSON.parse(String(data));
      if (!isObject(message)) return;
      const payload = message['payload'];
      this.#acks.get(String(message['envelope_id']))?.(isObject(payload) ? payload : {});
    });
    socket.on('close', () => this.sockets.delete(socket));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
    const method = (request.url ?? '').replace(/^\/api\//, '').replace(/\?.*/, '');
    const args = readArgs(Buffer.concat(chunks).toString());
    this.calls.push({ method, args, at: Date.now() });
    const mode = this.modeFor.test(method) ? this.mode : 'up';
    if (mode === 'hang') return;
    if (mode === 'reset') return void request.socket.destroy();
    if (mode === 'down') return void response.writeHead(500).end('oops');
    if (mode === 'slow') await new Promise((resolve) => setTimeout(resolve, 300));
    if (method.startsWith('chat.post') && this.#isTooFast(String(args['channel']))) {
      return void response.writeHead(429, { 'retry-after': String(this.retryAfter) }).end();
    }
    const answer = this.#answer(method, args, request.headers.authorization);
    if (mode === 'lost') return void request.socket.destroy();
    response.setHeader('content-type', 'application/json');
    response.setHeader(
      'x-oauth-scopes',
      'chat:write,commands,users:read,im:write,channels:history,groups:history,im:history',
    );
    response.end(JSON.stringify(answer));
  }

  #isTooFast(channel: string): boolean {
    if (this.limitNext > 0) {
      this.limitNext -= 1;
      return true;
    }
    const { perSecond } = this.#options;
    if (perSecond === undefined) return false;
    const last = this.#lastPost.get(channel);
    if (last !== undefined && Date.now() - last < (1000 / perSecond) * 0.9) return true;
    this.#lastPost.set(channel, Date.now());
    return false;
  }

  #answer(method: string, args: Json, authorization: string | undefined): Json {
    const wanted = method === 'apps.connections.open' ? this.appToken : this.botToken;
    if (authorization !== `Bearer ${wanted}`) return { ok: false, error: 'invalid_auth' };
    if (this.isRevoked) return { ok: false, error: 'token_revoked' };
    const error = this.errors.get(method);
    if (error !== undefined) return { ok: false, error };
    const blocks = JSON.stringify(args['blocks'] ?? []);
    const refused = [...this.refusedKinds].filter((kind) => blocks.includes(`"type":"${kind}"`));
    if (refused.length > 0) return refusedBlocks(refused);
    const act = this.#methods[method];
    return act === undefined ? { ok: false, error: 'unknown_method' } : act(args);
  }

  readonly #methods: Readonly<Record<string, (args: Json) => Json>> = {
    'auth.test': () => ({
      ok: true,
      url: 'https://fake.slack.com/',
      team_id: this.team,
      user_id: 'U0BOT',
      bot_id: 'B0BOT',
    }),
    'apps.connections.open': () => ({ ok: true, url: `ws://127.0.0.1:${this.#port}/link?ticket=${randomUUID()}` }),
    'users.info': (args) => {
      const user = this.users.get(String(args['user']));
      return user === undefined ? { ok: false, error: 'user_not_found' } : { ok: true, user };
    },
    'chat.postMessage': (args) => this.#post(args),
    'chat.update': (args) => this.#update(args),
    'conversations.open': (args) => ({ ok: true, channel: { id: `D${String(args['users']).slice(1)}` } }),
    'conversations.history': (args) => this.#history(args, undefined),
    'conversations.replies': (args) => this.#history(args, String(args['ts'])),
    'chat.postEphemeral': (args) => {
      const channel = String(args['channel']);
      if (this.gone.has(channel)) return { ok: false, error: 'channel_not_found' };
      this.ephemerals.push(args);
      return { ok: true, message_ts: this.#ts() };
    },
    'views.open': (args) => this.#open(args),
    'views.push': (args) => this.#open(args),
    'views.update': (args) => {
      const found = this.views.find((each) => each.id === args['view_id']);
      if (found === undefined) return { ok: false, error: 'not_found' };
      const bad = viewMistakes(args['view']);
      if (bad.length > 0) return refusedBlocks(bad);
      found.view = { ...toJson(args['view']), id: found.id };
      return { ok: true, view: found.view };
    },
    'views.publish': (args) => {
      const bad = viewMistakes(args['view']);
      if (bad.length > 0) return refusedBlocks(bad);
      this.homes.set(String(args['user_id']), toJson(args['view']));
      return { ok: true, view: { id: 'VHOME' } };
    },
  };

  #post(args: Json): Json {
    const asked = String(args['channel']);
    if (this.gone.has(asked)) return { ok: false, error: 'channel_not_found' };
    const channel = /^[UW]/.test(asked) ? `D${asked.slice(1)}` : asked;
    const bad = messageMistakes(args);
    if (bad !== undefined) return bad;
    const threadTs = typeof args['thread_ts'] === 'string' ? args['thread_ts'] : undefined;
    const message: FakeMessage = {
      channel,
      ts: this.#ts(),
      threadTs,
      text: String(args['text'] ?? ''),
      blocks: blocksOf(args),
      metadata: args['metadata'],
      edits: 0,
    };
    this.messages.push(message);
    return { ok: true, channel, ts: message.ts, message: { ...message } };
  }

  /** Newest first, in pages, and with metadata only where it is asked for. */
  #history(args: Json, thread: string | undefined): Json {
    const channel = String(args['channel']);
    if (this.gone.has(channel)) return { ok: false, error: 'channel_not_found' };
    const oldest = Number(args['oldest'] ?? 0);
    const all = this.messages
      .filter((each) => each.channel === channel && each.threadTs === thread && Number(each.ts) > oldest)
      .toReversed();
    const [from, limit] = [Number(args['cursor'] ?? 0), Math.min(Number(args['limit'] ?? 100), this.pageSizeMax)];
    const page = all.slice(from, from + limit);
    const next = from + limit < all.length ? String(from + limit) : '';
    const hasMetadata = args['include_all_metadata'] === 'true';
    const messages = page.map(({ ts, text, metadata }) => ({
      ...{ type: 'message', ts, text, bot_id: 'B0BOT' },
      ...(hasMetadata ? { metadata } : {}),
    }));
    return { ok: true, messages, response_metadata: { next_cursor: next } };
  }

  #update(args: Json): Json {
    const found = this.messages.find((each) => each.channel === args['channel'] && each.ts === args['ts']);
    if (this.gone.has(String(args['channel']))) return { ok: false, error: 'channel_not_found' };
    if (found === undefined) return { ok: false, error: 'message_not_found' };
    const bad = messageMistakes(args);
    if (bad !== undefined) return bad;
    found.text = String(args['text'] ?? found.text);
    found.blocks = blocksOf(args);
    found.edits += 1;
    return { ok: true, channel: found.channel, ts: found.ts, text: found.text };
  }

  #open(args: Json): Json {
    const trigger = this.#triggers.get(String(args['trigger_id']));
    if (trigger === undefined) return { ok: false, error: 'invalid_trigger_id' };
    if (Date.now() - trigger.at > 3000) return { ok: false, error: 'expired_trigger_id' };
    const bad = viewMistakes(args['view']);
    if (bad.length > 0) return refusedBlocks(bad);
    this.#count += 1;
    const id = `V${this.#count}`;
    const view = { ...toJson(args['view']), id, hash: randomBytes(6).toString('hex') };
    this.views.push({ id, user: trigger.user, view });
    return { ok: true, view };
  }

  #ts(): string {
    this.#count += 1;
    return `${Math.floor(Date.now() / 1000)}.${String(this.#count).padStart(6, '0')}`;
  }
}

const refusedBlocks = (messages: readonly string[]): Json => ({
  ok: false,
  error: 'invalid_blocks',
  response_metadata: { messages },
});

function messageMistakes(args: Json): Json | undefined {
  if (args['blocks'] === undefined && String(args['text'] ?? '') === '') return { ok: false, error: 'no_text' };
  if (String(args['text'] ?? '').length > 40_000) return { ok: false, error: 'msg_too_long' };
  const bad = args['blocks'] === undefined ? [] : blockMistakes(args['blocks']);
  return bad.length > 0 ? refusedBlocks(bad) : undefined;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const toJson = (value: unknown): Json => (isObject(value) ? value : {});
const blocksOf = (args: Json): readonly Json[] => (Array.isArray(args['blocks']) ? args['blocks'].map(toJson) : []);

/** Form-encoded, with JSON inside, as the Web API takes it. */
function readArgs(body: string): Json {
  const entries = Object.entries(parse(body)).map(([key, value]) => {
    const isJson = ['blocks', 'view', 'metadata'].includes(key) && typeof value === 'string';
    return [key, isJson ? (JSON.parse(value) as unknown) : value];
  });
  return Object.fromEntries(entries) as Json;
}
