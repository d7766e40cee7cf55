// A record as an OCSF event (schema 1.4.0): statements and holds as Datastore Activity 6005 with the security_control profile, logins
// likewise as its Connect. What the log says about itself has no class there and goes in `unmapped`.
import type { LoggedRecord } from './record.ts';
import { recordId } from './sink.ts';

const classUid = 6005;
const categoryUid = 6;

const activity = { other: 99, update: 2, connect: 3, query: 4, write: 5, create: 6, delete: 7 } as const;
const allowed = 1;
const denied = 2;
const disposition = { allowed: 1, blocked: 2, approved: 8, delayed: 14, logged: 17, rejected: 25, error: 27 } as const;
const severity = { informational: 1, low: 2, medium: 3 } as const;

export type OcsfEvent = Readonly<Record<string, unknown>>;

export function ocsfOf(origin: string, record: LoggedRecord): OcsfEvent {
  const facts = factsOf(record);
  return {
    category_uid: categoryUid,
    class_uid: classUid,
    activity_id: facts.activityId,
    type_uid: classUid * 100 + facts.activityId,
    time: Date.parse(record.at),
    severity_id: facts.severityId,
    status_id: facts.statusId,
    action_id: facts.actionId,
    disposition_id: facts.dispositionId,
    metadata: {
      version: '1.4.0',
      product: { name: 'Countersign', vendor_name: 'Countersign' },
      profiles: ['security_control', 'data_classification'],
      log_name: origin,
      uid: recordId(origin, record),
      sequence: record.seq,
      ...(correlationOf(record) === undefined ? {} : { correlation_uid: correlationOf(record) }),
    },
    message: `${record.kind}${'verdict' in record ? ` ${record.verdict}` : ''}`,
    actor: actorOf(record),
    src_endpoint: endpointOf(record),
    type_id: 1,
    database: {
      name: 'database' in record ? record.database : 'unknown',
      type_id: 1,
      type: 'Relational',
      ...classificationOf(record),
    },
    ...queryOf(record),
    unmapped: { countersign: record },
  };
}

interface Facts {
  readonly activityId: number;
  readonly actionId: number;
  readonly dispositionId: number;
  readonly severityId: number;
  readonly statusId: number;
}

function factsOf(record: LoggedRecord): Facts {
  const passed = { actionId: allowed, severityId: severity.informational, statusId: 1 };
  const stopped = { actionId: denied, severityId: severity.medium, statusId: 2 };
  switch (record.kind) {
    case 'judged': {
      const activityId = activityOf(record.actions);
      if (record.verdict === 'allow') return { ...passed, activityId, dispositionId: disposition.allowed };
      if (record.verdict === 'hold') {
        return { ...passed, activityId, severityId: severity.low, dispositionId: disposition.delayed };
      }
      return { ...stopped, activityId, dispositionId: disposition.blocked };
    }
    case 'held':
      return { ...passed, activityId: activity.query, severityId: severity.low, dispositionId: disposition.delayed };
    case 'refused':
      return { ...stopped, activityId: activity.query, dispositionId: disposition.blocked };
    case 'released':
      return { ...passed, activityId: activity.query, dispositionId: disposition.approved };
    case 'decided':
      return record.state === 'approved'
        ? { ...passed, activityId: activity.other, dispositionId: disposition.approved }
        : { ...stopped, activityId: activity.other, dispositionId: disposition.rejected };
    case 'budget':
      return {
        ...passed,
        activityId: activity.other,
        dispositionId: record.state === 'approved' ? disposition.approved : disposition.logged,
      };
    case 'login':
      return record.error === undefined
        ? { ...passed, activityId: activity.connect, dispositionId: disposition.allowed }
        : { ...stopped, activityId: activity.connect, dispositionId: disposition.blocked };
    case 'finished':
      return record.error === undefined
        ? { ...passed, activityId: activity.query, dispositionId: disposition.logged }
        : { ...passed, activityId: activity.query, statusId: 2, dispositionId: disposition.error };
    default:
      return { ...passed, activityId: activity.other, dispositionId: disposition.logged };
  }
}

function activityOf(actions: readonly string[]): number {
  if (actions.includes('destructive')) return activity.delete;
  if (actions.includes('schema')) return activity.create;
  if (actions.includes('write')) return activity.write;
  return activity.query;
}

function actorOf(record: LoggedRecord): OcsfEvent {
  const session = 'session' in record ? { session: { uid: record.session } } : {};
  if ('agent' in record) {
    return {
      user: { name: record.agent, type_id: 99, type: 'Agent' },
      ...session,
    };
  }
  if (record.kind === 'voted') return { user: { name: record.person, type_id: 1 } };
  return { app_name: 'countersign', ...session };
}

/** Only logins know an address; the schema wants some name of the source in every event. */
function endpointOf(record: LoggedRecord): OcsfEvent {
  if (record.kind === 'login' || record.kind === 'logout') return { ip: record.address, name: record.agent };
  if ('agent' in record) return { name: record.agent };
  return { svc_name: record.kind === 'voted' ? record.channel : 'countersign' };
}

/** A query without its text is none to the schema; what the record has of it stands in `unmapped`. */
function queryOf(record: LoggedRecord): OcsfEvent {
  if (record.kind === 'finished') return { duration: Math.round(record.ms), count: 1 };
  if (record.kind !== 'judged' || record.text === undefined) return {};
  return { query_info: { uid: record.statement, query_string: record.text } };
}

function classificationOf(record: LoggedRecord): OcsfEvent {
  if (!('columns' in record) || record.columns.length === 0) return {};
  const levels = [...new Set(record.columns.map((each) => each.level))];
  // Levels are each house's own words, so the normalized id is "other" and the word stands beside it.
  return { data_classifications: levels.map((level) => ({ confidentiality_id: 99, confidentiality: level })) };
}

function correlationOf(record: LoggedRecord): string | undefined {
  return 'hold' in record ? record.hold : undefined;
}
