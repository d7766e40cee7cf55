// Goal: what tests of the desk need: people, requests, and desks as proxies have them.
// Method: factories with overrides; the real audit log in a fresh folder for each desk.
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { afterEach } from 'vitest';
import type { SessionId, UnixMillis } from '../../src/core/brand.ts';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { HoldConfig } from '../../src/core/config-types.ts';
import { known } from '../../src/core/known.ts';
import { silentLog } from '../../src/core/log.ts';
import { AuditLog } from '../../src/audit/log.ts';
import type { Recorder } from '../../src/audit/recorder.ts';
import type { LoggedRecord } from '../../src/audit/record.ts';
import type { Approver, Catalog, Level } from '../../src/catalog/catalog.ts';
import type { HoldRequest } from '../../src/approval/desk.ts';
import type { Vote } from '../../src/approval/hold.ts';
import { openDesk, type DeskParts, type StoreDesk } from '../../src/approval/open-desk.ts';
import type { Asker } from '../../src/policy/asker.ts';
import type { LeveledColumn, Need, Reason } from '../../src/policy/verdict.ts';
import type { Store } from '../../src/store/store.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { MapStore } from './map-store.ts';
import { aFolder } from '../support/folders.ts';

const place = { file: 'classification/shop.yaml', line: 7, column: 7 };

export function aPerson(name: string, groups: readonly string[], more: Partial<Approver> = {}): Approver {
  return {
    name,
    email: `${name}@example.com`,
    slack: `U${name.toUpperCase()}`,
    tokenSha256: undefined,
    groups,
    place,
    ...more,
  };
}

export type FilesInForce = Pick<Catalog, 'approvers' | 'groups' | 'levelByName'>;

export function aCatalog(people: readonly Approver[] = usualPeople()): FilesInForce {
  const groups = new Map<string, string[]>();
  for (const person of people)
    for (const group of person.groups) groups.set(group, [...(groups.get(group) ?? []), person.name]);
  const level = (name: string, rank: number): Level => ({
    name,
    rank,
    read: 'hold',
    rows: undefined,
    approvers: [],
    quorum: 1,
    isMasked: false,
    mask: undefined,
    place,
  });
  const levels = ['public', 'internal', 'confidential', 'restricted', 'secret'].map(level);
  return {
    approvers: new Map(people.map((person) => [person.name, person])),
    groups,
    levelByName: new Map(levels.map((one) => [one.name, one])),
  };
}

export function usualPeople(): readonly Approver[] {
  return [
    aPerson('ana', ['data-owners']),
    aPerson('ben', ['data-owners', 'security']),
    aPerson('cleo', ['security']),
    aPerson('dan', ['security']),
  ];
}

export function aColumn(column = 'email', more: Partial<LeveledColumn> = {}): LeveledColumn {
  return {
    column: { relation: { schema: 'public', name: 'customers' }, column },
    level: 'restricted',
    category: 'personal.contact.email',
    uses: ['output'],
    place,
    owner: undefined,
    ...more,
  };
}

export function aReason(more: Partial<Reason> = {}): Reason {
  const columns = [aColumn()];
  return {
    verdict: 'hold',
    action: 'read',
    rule: 'level restricted',
    place,
    words: 'reads customers.email (restricted)',
    columns,
    ...more,
  };
}

export function anAsker(more: Partial<Asker> = {}): Asker {
  return {
    agent: 'report-bot',
    owner: 'ana',
    database: 'shop',
    role: 'gate',
    applicationName: 'reports',
    clientAddress: '10.0.0.7',
    reason: 'monthly report',
    transaction: 'none',
    ...more,
  };
}

export interface RequestWords extends Partial<HoldRequest> {
  readonly sql?: string;
  readonly needs?: readonly [Need, ...Need[]];
  readonly reasons?: readonly [Reason, ...Reason[]];
}

let sessions = 0;

export function aRequest(words: RequestWords = {}): HoldRequest {
  const {
    sql = 'select email from customers',
    needs = [{ groups: ['security'], quorum: 1 }],
    reasons = [aReason()],
    ...more
  } = words;
  return {
    session: `s_${String(++sessions).padStart(12, '0')}` as SessionId,
    asker: anAsker(),
    verdict: {
      kind: 'hold',
      reasons,
      columns: [aColumn()],
      needs,
      catalogVersion: 'c1',
      validUntil: undefined,
      rowsMax: undefined,
      // As judging offers it for a column that is only shown.
      ...(words.reasons === undefined ? { masksOffered: [{ column: aColumn().column, style: 'email' }] } : {}),
    },
    statement: { hash: createHash('sha256').update(sql).digest('hex'), text: sql, command: 'SELECT' },
    parameters: '',
    searchPath: ['public'],
    schemaVersion: 'v1',
    shape: sql.replaceAll(/'[^']*'|\b\d+\b/g, '?'),
    estimate: known(12),
    locks: known([]),
    counterOffer: undefined,
    ...more,
  };
}

export function aVote(more: Partial<Vote> = {}): Vote {
  return {
    person: 'ben',
    vote: 'approve',
    channel: 'test',
    reason: undefined,
    terms: undefined,
    link: undefined,
    ...more,
  };
}

export const holdsUsual: HoldConfig = {
  waitMs: 60_000,
  pendingMs: 3_600_000,
  grantMs: 900_000,
  heartbeatMs: 15_000,
  inTransaction: 'wait',
};

export interface Proxy {
  readonly desk: StoreDesk;
  readonly records: () => readonly LoggedRecord[];
  readonly audit: AuditLog;
}

export interface ProxyWords extends Partial<Omit<DeskParts, 'holdsOf'>> {
  readonly holds?: Partial<HoldConfig>;
  readonly recorder?: Recorder;
}

const running: StoreDesk[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((desk) => desk.stop()));
});

/** A desk with an audit log of its own, as each proxy has. */
export function aProxy(words: ProxyWords & { readonly store?: Store } = {}): Proxy {
  const { holds, ...more } = words;
  const dir = aFolder();
  const audit = new AuditLog({ dir, clock: systemClock, passed: undefined });
  const desk = openDesk({
    store: new MapStore(),
    recorder: audit,
    clock: systemClock,
    log: silentLog,
    holdsOf: () => ({ ...holdsUsual, ...holds }),
    ownerOf: () => 'ana',
    limits: () => ({ holdsMax: 1000, holdsPerAgentMax: 100 }),
    catalog: () => aCatalog(),
    ...more,
  });
  running.push(desk);
  return { desk, audit, records: () => recordsIn(dir) };
}

export interface HandClock extends Clock {
  move(ms: number): void;
}

/** Wall clock and ticks that move by hand. */
export function handClock(start = Date.now()): HandClock {
  let at = start;
  return { now: () => at as UnixMillis, ticks: () => at, move: (ms) => (at += ms) };
}

/** Of connections that stay; many at once listen to it. */
export const never = new AbortController().signal;
setMaxListeners(0, never);

/** What stands on the record, in a word each. */
export const kindsOf = (proxy: Proxy): readonly string[] =>
  proxy.records().flatMap((record) => {
    if (record.kind === 'segment') return [];
    return [record.kind === 'decided' ? `decided ${record.state}` : record.kind];
  });

/** Of the error that it ends with; undefined where it ends well. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof ProxyError ? thrown.code : thrown === undefined ? undefined : String(thrown);
}
