// Goal: what we call OCSF is OCSF.
// Method: every kind of record, mapped, against what the published schema of Datastore Activity (6005) requires and enumerates.
import { describe, expect, test } from 'vitest';
import { ocsfOf, type OcsfEvent } from '../../src/audit/ocsf.ts';
import type { LoggedBody, LoggedRecord } from '../../src/audit/record.ts';
import { aJudged } from './fixtures.ts';

const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
const held = {
  ...asker,
  kind: 'held',
  hold: 'h_1',
  statement: 'a',
  parameters: 'b',
  columns: [{ column: 'c', level: 'restricted' }],
  rules: ['r'],
  deadline: 1,
} as const;

const bodies: Readonly<Record<LoggedBody['kind'], LoggedBody>> = {
  judged: aJudged(),
  finished: { kind: 'finished', session: 's_1', of: 1, rows: 1, bytes: 2, ms: 1.5 },
  refused: { ...asker, kind: 'refused', statement: 'a', code: 'DENIED', hold: 'h_1' },
  held,
  voted: { kind: 'voted', hold: 'h_1', person: 'ben', vote: 'approve', channel: 'slack' },
  decided: { kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] },
  budget: {
    ...{ kind: 'budget', state: 'approved', agent: 'report-bot', owner: 'ana' },
    ...{ level: 'confidential+', per: '1d', rows: 50, by: ['ben'], channel: 'api' },
  },
  released: { ...asker, kind: 'released', hold: 'h_1', statement: 'a' },
  carried: {
    ...{ ...asker, kind: 'carried', statement: 'a', hold: 'h_1' },
    ...{ columns: [{ column: 'public.x.y', level: 'restricted' }], from: ['public.a.b'] },
  },
  login: { ...asker, kind: 'login', address: '10.0.0.1' },
  logout: { ...asker, kind: 'logout', address: '10.0.0.1' },
  start: { kind: 'start', words: 'starts' },
  stop: { kind: 'stop', words: 'stops' },
  config: { kind: 'config', words: 'read' },
  catalog: { kind: 'catalog', words: 'read' },
  part: { kind: 'part', words: 'lost' },
  operator: { kind: 'operator', words: 'ends a session' },
  segment: { kind: 'segment', segment: 1, instance: 'i', blocks: 0, frontier: [] },
  key: { kind: 'key', public: 'x' },
  mended: { kind: 'mended', words: 'w', cut: 0, lost: 0 },
};

const recordOf = (body: LoggedBody): LoggedRecord => ({
  ...body,
  seq: 7,
  prev: '0'.repeat(64),
  at: '2026-11-21T04:41:30.123Z',
});
const object = (value: unknown): Readonly<Record<string, unknown>> => ({ ...(value as object) });

/** The class's required attributes, its constraint, and those of the objects we fill (at least one of). */
const required = [
  'activity_id',
  'category_uid',
  'class_uid',
  'type_uid',
  'time',
  'severity_id',
  'metadata',
  'actor',
  'src_endpoint',
];
const oneOf: Readonly<Record<string, readonly string[]>> = {
  actor: ['process', 'user', 'session', 'app_name', 'app_uid'],
  src_endpoint: ['ip', 'uid', 'name', 'hostname', 'svc_name', 'instance_uid', 'interface_uid', 'interface_name'],
  database: ['name', 'uid'],
};
const enumerated: Readonly<Record<string, readonly number[]>> = {
  activity_id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99],
  action_id: [0, 1, 2],
  disposition_id: [...Array.from({ length: 28 }, (_, id) => id), 99],
  severity_id: [0, 1, 2, 3, 4, 5, 6, 99],
  status_id: [0, 1, 2, 99],
  type_id: [0, 1, 2, 3, 99],
};

describe.each(Object.entries(bodies))('a record of kind %s', (_, body) => {
  const event: OcsfEvent = ocsfOf('countersign/i', recordOf(body));

  test('has all that the class requires', () => {
    expect(required.filter((name) => event[name] === undefined)).toEqual([]);
    for (const [name, members] of Object.entries(oneOf)) {
      expect(
        members.filter((member) => object(event[name])[member] !== undefined),
        name,
      ).not.toEqual([]);
    }
    expect(object(event['metadata'])).toMatchObject({
      version: expect.any(String),
      product: { vendor_name: expect.any(String) },
    });
  });

  test('has only numbers that the schema knows', () => {
    for (const [name, ids] of Object.entries(enumerated)) expect(ids, name).toContain(event[name]);
    expect(event['type_uid']).toBe(6005 * 100 + Number(event['activity_id']));
    expect(event['time']).toBe(1_795_236_090_123);
  });
});

test.each([
  ['allow', 1, 1],
  ['hold', 1, 14],
  ['deny', 2, 2],
] as const)('a verdict %s is action %i, disposition %i', (verdict, action, disposition) => {
  expect(ocsfOf('o', recordOf(aJudged({ verdict })))).toMatchObject({ action_id: action, disposition_id: disposition });
});

test('levels are data classifications with our own words', () => {
  expect(ocsfOf('o', recordOf(held))['data_classifications']).toEqual([
    { confidentiality_id: 99, confidentiality: 'restricted' },
  ]);
});
