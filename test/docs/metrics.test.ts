// Goal: dashboard, alert rules and papers name figures and labels that the program really exports.
// Method: `serve` in this process, with every channel and a database that is away, says what it exports; every query is held to that.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serve, type RunningProxy } from '../../src/cli/serve.ts';
import { configFromText } from '../../src/core/config.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { loadYaml, type PlainValue } from '../../src/core/yaml.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { FakeSlack } from '../support/slack/fake-slack.ts';
import { papers, root } from './papers.ts';

const files: Readonly<Record<string, string>> = {
  'taxonomy.yaml': 'version: 1\nlevels: [{ name: public, read: allow }]\ndefaults: { unclassified: public }\n',
};

let slack: FakeSlack;
let proxy: RunningProxy;
let folder: string;
/** Each figure with the labels of its samples; none where there is no sample yet. */
const exported = new Map<string, Set<string>>();

beforeAll(async () => {
  slack = await FakeSlack.start({ users: [] });
  folder = mkdtempSync(join(tmpdir(), 'countersign-metrics-'));
  mkdirSync(join(folder, 'classification'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'classification', name), text);
  const text = `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
databases: { shop: { url: "postgres://gate:x@127.0.0.1:1/shop?sslmode=disable" } }
agents: { bot: { password: bot-password, owner: ana, databases: [shop] } }
slack: { mode: socket, bot_token: ${slack.botToken}, app_token: ${slack.appToken}, channel: C0GATE, api_url: "${slack.apiUrl}" }
teams: { webhook_url: "http://127.0.0.1:1/" }
`;
  const loaded = await configFromText(join(folder, 'countersign.yaml'), text, { env: {}, makeVerifier });
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  proxy = await serve(loaded.value, { log: silentLog });
  const { address, port } = proxy.address;
  // Somebody is turned away, so that there is a sample of it.
  await expect(new pg.Client(`postgres://nobody:x@${address}:${port}/shop`).connect()).rejects.toThrow();
  read(await (await fetch(`http://127.0.0.1:${proxy.httpAddress.port}/metrics`)).text());
});

afterAll(async () => {
  await proxy.stop('now');
  await slack.close();
  rmSync(folder, { recursive: true, force: true });
});

function read(text: string): void {
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) {
      const suffixes = type[2] === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      for (const suffix of suffixes) exported.set(`${type[1] ?? ''}${suffix}`, new Set());
    }
    const sample = /^(countersign_\w+)(?:\{(.*)\})? /.exec(line);
    for (const label of (sample?.[2] ?? '').matchAll(/(\w+)="/g)) exported.get(sample?.[1] ?? '')?.add(label[1] ?? '');
  }
}

const dashboard = readFileSync(join(root, 'deploy/grafana/countersign.json'), 'utf8');
const alerts = readFileSync(join(root, 'deploy/prometheus/alerts.yaml'), 'utf8');

/** Every text under a key of that name, however deep. */
function textsUnder(value: PlainValue, name: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, PlainValue]) =>
    key === name && typeof inner === 'string' ? [inner] : textsUnder(inner, name),
  );
}

function plain(name: string, text: string): PlainValue {
  const loaded = loadYaml(name, text);
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value.value;
}

/** Prometheus adds these itself. */
const theirs = new Set(['instance', 'job', 'le']);

function wrongIn(query: string): readonly string[] {
  const names = [...query.matchAll(/\bcountersign_\w+/g)].map((match) => match[0]);
  const unknown = names.filter((name) => !exported.has(name));
  const grouped = [...query.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap((match) =>
    (match[1] ?? '').split(/,\s*/),
  );
  const labels = [...query.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map((match) => match[1] ?? '');
  const had = names.map((name) => exported.get(name) ?? new Set<string>());
  // Without a sample nobody can say which labels it has.
  const sure = had.every((labels) => labels.size > 0 || had.length === 1) && had.some((labels) => labels.size > 0);
  const strange = [...grouped, ...labels].filter((label) => !theirs.has(label) && !had.some((one) => one.has(label)));
  return [...unknown, ...(sure ? strange.map((label) => `label ${label}`) : [])].map((words) => `${words} in ${query}`);
}

const queries = [
  ...textsUnder(plain('countersign.json', dashboard), 'expr'),
  ...textsUnder(plain('alerts.yaml', alerts), 'expr'),
];

test('the program exports figures, and the files ask for many of them', () => {
  expect(exported.size).toBeGreaterThan(25);
  expect(queries.length).toBeGreaterThan(30);
  const asked = new Set(queries.flatMap((query) => [...query.matchAll(/\bcountersign_\w+/g)].map((match) => match[0])));
  expect(asked.size).toBeGreaterThan(20);
});

test.each([
  ['rate(countersign_statement_total[5m])', 'countersign_statement_total'],
  ['sum by (verdickt) (countersign_statements_total)', 'label verdickt'],
  ['countersign_part_up{wait="needed"}', 'label wait'],
  ['countersign_statement_seconds', 'countersign_statement_seconds'],
])('a figure or label that is not exported is found: %s', (query, expected) => {
  expect(wrongIn(query).join()).toContain(expected);
});

test('every figure and label of the dashboard and the alert rules is exported', () => {
  expect(queries.flatMap(wrongIn)).toEqual([]);
});

test('every alert says how bad it is, what is wrong and where to look', () => {
  const rules = [...alerts.matchAll(/^ {6}- alert: (\w+)\n([\s\S]*?)(?=^ {6}- alert|(?![\s\S]))/gm)];
  expect(rules.length).toBeGreaterThan(8);
  const bare = rules.filter(
    ([, , body]) => !/severity: (page|ticket)[\s\S]*summary: \S[\s\S]*description: \S/.test(body ?? ''),
  );
  expect(bare.map(([, name]) => name)).toEqual([]);
});

test('every figure that the papers name is exported', () => {
  const named = papers().flatMap(({ path, text }) =>
    [...text.matchAll(/`(countersign_[a-z_]+)`/g)].map((match) => ({ path, name: match[1] ?? '' })),
  );
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter(({ name }) => !exported.has(name))).toEqual([]);
});
