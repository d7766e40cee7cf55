// Goal: what we call OCSF is OCSF.
// Method: every kind of record, mapped, against the published schema 1.4.0 of Datastore Activity (6005) with its profiles: which attributes
// there are, of what form, which are required, which numbers are known. The facts were taken out of the schema's own files.
import { readFileSync } from 'node:fs';
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

interface Shape {
  readonly atLeastOne: readonly string[];
  /** `list of object x, required, in profile, one of 1 2 3` */
  readonly attributes: Readonly<Record<string, string>>;
}

const published = JSON.parse(readFileSync(new URL('ocsf-1.4.0.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly class: Shape & { readonly uid: number; readonly category: number };
  readonly objects: Readonly<Record<string, Shape>>;
};

function mistakesIn(value: unknown, shape: Shape, path: string, profiles: readonly string[]): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
  const members = object(value);
  const missing = Object.entries(shape.attributes)
    .filter(
      ([name, words]) => words.includes(', required') && isInForce(words, profiles) && members[name] === undefined,
    )
    .map(([name]) => `${path}.${name} is missing`);
  const none = shape.atLeastOne.length > 0 && !shape.atLeastOne.some((name) => members[name] !== undefined);
  const wrong = Object.entries(members).flatMap(([name, member]) => {
    const words = shape.attributes[name];
    if (words === undefined) return [`${path}.${name} is not in the schema`];
    if (!isInForce(words, profiles)) return [`${path}.${name} belongs to a profile that is not named`];
    return formMistakes(member, words, `${path}.${name}`, profiles);
  });
  return [...missing, ...(none ? [`${path} has none of ${shape.atLeastOne.join(', ')}`] : []), ...wrong];
}

function isInForce(words: string, profiles: readonly string[]): boolean {
  const profile = /, in (\w+)/.exec(words)?.[1];
  return profile === undefined || profiles.includes(profile);
}

function formMistakes(value: unknown, words: string, path: string, profiles: readonly string[]): readonly string[] {
  if (words.startsWith('list of ')) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((each, at) => formMistakes(each, words.slice(8), `${path}[${at}]`, profiles));
  }
  const ids = /one of (.*)$/.exec(words)?.[1]?.split(' ');
  if (ids !== undefined && !ids.includes(String(value))) return [`${path} is ${String(value)}, not ${ids.join(', ')}`];
  const type = /^object (\w+)/.exec(words)?.[1];
  if (type === 'object') return [];
  if (type !== undefined) {
    const shape = published.objects[type];
    return shape === undefined ? [`${path}: ${type} was not taken over`] : mistakesIn(value, shape, path, profiles);
  }
  const form = words.split(',')[0];
  if (form === 'number' && !Number.isSafeInteger(value)) return [`${path} is no whole number`];
  return form === 'text' && typeof value !== 'string' ? [`${path} is no text`] : [];
}

describe.each(Object.entries(bodies))('a record of kind %s', (_, body) => {
  test('is an event that the published schema takes', () => {
    const event: OcsfEvent = ocsfOf('countersign/i', recordOf(body));
    const { profiles, version } = object(event['metadata']);
    expect(version).toBe(published.version);
    expect(mistakesIn(event, published.class, 'event', profiles as readonly string[])).toEqual([]);
    expect(event).toMatchObject({ class_uid: published.class.uid, category_uid: published.class.category });
    expect(event['type_uid']).toBe(6005 * 100 + Number(event['activity_id']));
    expect(event['time']).toBe(1_795_236_090_123);
  });
});

test('the check finds what is not of the schema', () => {
  const event = ocsfOf('o', recordOf(aJudged()));
  const spoiled = {
    ...event,
    data_classifications: [],
    actor: {},
    disposition_id: 28,
    time: 'noon',
    severity_id: undefined,
  };
  expect(mistakesIn(spoiled, published.class, 'event', ['security_control', 'data_classification'])).toEqual(
    expect.arrayContaining([
      'event.data_classifications is not in the schema',
      'event.time is no whole number',
      'event.severity_id is missing',
      expect.stringMatching(/^event.actor has none of/),
      expect.stringMatching(/^event.disposition_id is 28/),
    ]),
  );
});

test.each([
  ['allow', 1, 1],
  ['hold', 1, 14],
  ['deny', 2, 2],
] as const)('a verdict %s is action %i, disposition %i', (verdict, action, disposition) => {
  expect(ocsfOf('o', recordOf(aJudged({ verdict })))).toMatchObject({ action_id: action, disposition_id: disposition });
});

test('levels are data classifications with our own words', () => {
  expect(object(ocsfOf('o', recordOf(held))['database'])['data_classifications']).toEqual([
    { confidentiality_id: 99, confidentiality: 'restricted' },
  ]);
});
