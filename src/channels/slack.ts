// The Slack channel, joined: the app, the desk's clicks, the outbox with its courier, and who follows the holds. A Slack that is away costs
// nobody a statement: holds stay open and are decided elsewhere. Secrets that are wrong stop the start, with one line.
import type { FastifyInstance } from 'fastify';
import type { BudgetBook } from '../approval/budgets.ts';
import type { HoldBook } from '../approval/channel.ts';
import type { HoldId } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import type { SlackConfig } from '../core/config-slack.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import { randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Store } from '../store/store.ts';
import { Outbox } from './outbox.ts';
import type { Part } from './health.ts';
import type { Metric } from './metrics.ts';
import { SlackApi } from './slack-api.ts';
import { slackApp, type SlackReceiver } from './slack-app.ts';
import { answerCommand, type Explain } from './slack-commands.ts';
import { SlackCourier } from './slack-courier.ts';
import { SlackDesk } from './slack-desk.ts';
import { SlackDoor, slackRoom } from './slack-door.ts';
import { SlackFollow } from './slack-follow.ts';
import { slackMetrics, slackPart } from './slack-health.ts';
import { SlackHomes } from './slack-homes.ts';
import { at } from './slack-json.ts';
import { slackLogger } from './slack-logger.ts';
import { SlackPeople } from './slack-people.ts';
import { SlackRecords } from './slack-records.ts';
import { destinationsOf, isQuiet, type Approvers } from './slack-routing.ts';
import { SocketLink } from './slack-socket.ts';
import type { CardStyle } from './slack-card.ts';

export interface SlackParts {
  readonly config: SlackConfig;
  readonly book: HoldBook;
  readonly budgets?: BudgetBook;
  readonly store: Store;
  /** By the files in force. */
  readonly approvers: () => Approvers;
  readonly levels: () => SlackLevels;
  /** A hold's page in the console. */
  readonly linkOf: (hold: HoldId) => string;
  readonly consoleUrl: string;
  readonly explain?: Explain;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace?: SlackPace;
}

/** What a card has to know about levels. */
export type SlackLevels = ReadonlyMap<string, { readonly rank: number }>;

/** For tests: real ones are Slack's own. */
export interface SlackPace {
  readonly gapMs?: number;
  readonly retryMsMin?: number;
  readonly retryMsMax?: number;
  readonly lookMs?: number;
  readonly timeoutMs?: number;
  readonly helloMsMax?: number;
}

export interface RunningSlack {
  /** In http mode, Slack's requests come in here: a room of the http server. */
  readonly room: ((server: FastifyInstance) => void) | undefined;
  readonly part: Part;
  readonly metrics: readonly Metric[];
  stop(): Promise<void>;
}

interface Identity {
  readonly team: string;
  readonly url: string | undefined;
  readonly botId: string;
  readonly botUserId: string;
}

/** Throws CONFIG_INVALID when Slack does not know the tokens. A Slack that cannot be reached is waited for, in the background. */
export async function startSlack(parts: SlackParts): Promise<RunningSlack> {
  const { config } = parts;
  if (config.mode === 'http' && config.signingSecret.reveal() === '')
    throw new ProxyError(
      'CONFIG_INVALID',
      'slack.signing_secret: is empty; it is on the app’s page, Basic Information',
    );
  if (config.mode === 'socket' && config.appToken.reveal() === '') throw wrongToken('app_token', 'empty');
  const slack = new Slack(parts);
  await slack.start();
  return slack;
}

class Slack implements RunningSlack {
  readonly room: ((server: FastifyInstance) => void) | undefined;
  readonly part: Part;
  readonly metrics: readonly Metric[];
  readonly #parts: SlackParts;
  readonly #api: SlackApi;
  readonly #outbox: Outbox;
  readonly #follow: SlackFollow;
  readonly #taker: SlackReceiver;
  readonly #link: SocketLink | undefined;
  #identity: Identity | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: SlackParts) {
    this.#parts = parts;
    const { config, book, store, clock, approvers, pace = {} } = parts;
    const log = parts.log.child({ channel: 'slack' });
    const logger = slackLogger(log);
    const timeout = pace.timeoutMs === undefined ? {} : { timeoutMs: pace.timeoutMs };
    this.#api = new SlackApi({ token: config.botToken, apiUrl: config.apiUrl, logger, ...timeout });
    const records = new SlackRecords(store, () => clock.now());
    const people = new SlackPeople({ api: this.#api, approvers, team: () => this.#identity?.team, clock });
    const homes = new SlackHomes({ api: this.#api, book, people, consoleUrl: parts.consoleUrl, clock });
    const courier = new SlackCourier({
      ...{ api: this.#api, book, records, clock, log, instance: randomText(12) },
      botId: () => this.#identity?.botId,
      settings: () => ({ style: this.#style(), ...config, consoleUrl: parts.consoleUrl }),
      isShownAt: (view, to) => destinationsOf(view, config, approvers(), clock.now()).includes(to),
      elsewhere: (view) => this.#follow.elsewhere(view),
      push: (lane, key, place) => this.#outbox.push(lane, key, place),
    });
    this.#outbox = new Outbox({
      work: (lane, key) => (key === homes.key ? homes.publish(lane) : courier.work(lane, key)),
      log,
      gapMs: pace.gapMs ?? 1100,
      ...(pace.retryMsMin === undefined ? {} : { retryMsMin: pace.retryMsMin }),
      ...(pace.retryMsMax === undefined ? {} : { retryMsMax: pace.retryMsMax }),
    });
    this.#follow = new SlackFollow({
      ...{ book, records, outbox: this.#outbox, approvers, clock, log },
      routing: () => config,
      onChange: () => homes.refresh((user) => this.#outbox.push(homes.lane(user), homes.key)),
      ...(pace.lookMs === undefined ? {} : { lookMs: pace.lookMs }),
    });
    const desk = new SlackDesk({
      ...{ api: this.#api, book, records, people, log, budgets: parts.budgets },
      style: () => this.#style(),
      teamUrl: () => this.#identity?.url,
      shownAt: (hold, where) => this.#follow.shownAt(hold, where),
      outOfList: (hold, where) => this.#follow.outOfList(hold, where),
      changed: (hold) => this.#follow.considerId(hold),
    });
    this.#taker = slackApp({
      ...{ config, logger, log, ...timeout },
      identity: () => this.#identity,
      handlers: {
        click: (click) => desk.click(click),
        errorsIn: (submission) => desk.errorsIn(submission),
        submit: (submission) => desk.submit(submission),
        command: (command) =>
          answerCommand(command, { book, people, style: () => this.#style(), explain: parts.explain }),
        home: async (clicker) => homes.open(clicker, (lane) => this.#outbox.push(lane, homes.key)),
      },
    });
    const door = config.mode === 'http' ? new SlackDoor(config.signingSecret, clock) : undefined;
    this.room = door === undefined ? undefined : slackRoom(door, () => this.#httpReceiver());
    this.#link = this.#taker.mode === 'http' ? undefined : this.#linkOf(this.#taker.receiver);
    const watched = { api: this.#api, outbox: this.#outbox, desk, door, link: this.#link };
    this.part = slackPart(watched, () => this.#identity !== undefined);
    this.metrics = slackMetrics(watched);
  }

  async start(): Promise<void> {
    const trouble = await this.#introduce();
    if (trouble?.kind === 'shutOut') {
      await this.stop();
      throw wrongToken('bot_token', trouble.why);
    }
    if (trouble !== undefined)
      this.#parts.log.warn('Slack cannot be asked who we are; trying again', { why: trouble.why });
    const failure = await this.#link?.start();
    const why = failure === undefined ? '' : wordsOf(failure);
    if (/invalid_auth|not_authed|not_allowed_token_type|missing_scope|token_revoked|account_inactive/.test(why)) {
      await this.stop();
      throw wrongToken('app_token', why.replace(/^.*: /, ''));
    }
    this.#follow.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#link?.stop();
    await this.#follow.stop();
    await this.#outbox.stop();
  }

  /**
   * Who we are there. Without the workspace's id no click can be checked, so it is asked until it is known; and asked again from time to
   * time, so that a token that was revoked, or is good again, shows without anybody clicking.
   */
  async #introduce(): Promise<{ readonly kind: string; readonly why: string } | undefined> {
    const answer = await this.#api.call('auth.test');
    const [data, why] = answer.kind === 'ok' ? [answer.data, ''] : [undefined, answer.why];
    const team = at(data, 'team_id');
    if (team !== undefined) {
      const [url, botId, botUserId] = [at(data, 'url'), at(data, 'bot_id') ?? 'B0', at(data, 'user_id') ?? 'U0'];
      this.#identity = { team, url, botId, botUserId };
    }
    const soonMs = answer.kind === 'later' ? (answer.afterMs ?? 5000) : 30_000;
    if (!this.#isStopped) {
      this.#timer = setTimeout(() => void this.#introduce(), team === undefined ? soonMs : 60_000);
      this.#timer.unref();
    }
    if (team !== undefined) return undefined;
    return { kind: answer.kind, why: why === '' ? 'Slack names no workspace' : why };
  }

  #style(): CardStyle {
    const { config, linkOf, approvers, clock } = this.#parts;
    const levels = this.#parts.levels();
    return {
      values: config.values,
      firstRows: config.firstRows,
      // A level that the files do not have: every approval asks once more.
      confirmFromRank: config.confirmFrom === undefined ? undefined : (levels.get(config.confirmFrom)?.rank ?? 0),
      linkOf,
      isQuiet: (view, person) => isQuiet(view, person, { routing: config, approvers: approvers(), now: clock.now() }),
    };
  }

  #httpReceiver() {
    return this.#taker.mode === 'http' && !this.#isStopped ? this.#taker.receiver : undefined;
  }

  #linkOf(receiver: Extract<SlackReceiver, { readonly mode: 'socket' }>['receiver']): SocketLink {
    const { helloMsMax, retryMsMax } = this.#parts.pace ?? {};
    const hello = helloMsMax === undefined ? {} : { helloMsMax };
    return new SocketLink({ receiver, ...hello, ...(retryMsMax === undefined ? {} : { waitMsMax: retryMsMax }) });
  }
}

function wrongToken(key: 'bot_token' | 'app_token', why: string): ProxyError {
  const form =
    key === 'bot_token' ? 'the Bot User OAuth Token, xoxb-…' : 'an app-level token with connections:write, xapp-…';
  return new ProxyError('CONFIG_INVALID', `slack.${key}: Slack does not take it (${why}); put in ${form}`);
}
