// Goal: YAML that somebody copies out of the papers is YAML that the program takes.
// Method: each block is cut into its top-level keys, and each is given to the schema of the file that has such a key; keys in
// back-ticks are looked up in the table of the config.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { configRows } from '../../src/core/config-table.ts';
import { configSchema } from '../../src/core/config-schema.ts';
import { loadYaml, type PlainValue } from '../../src/core/yaml.ts';
import { paperOf, papers, root, type Block, type Paper } from './papers.ts';

const ajv = new Ajv({ strict: false, validateFormats: false });

/** Each file of a classification folder by its published schema, without what it must have: papers show pieces. */
const fileSchemas = readdirSync(join(root, 'schema')).map((name) => {
  const schema: unknown = JSON.parse(readFileSync(join(root, 'schema', name), 'utf8'));
  if (typeof schema !== 'object' || schema === null) throw new Error(`${name} is no schema`);
  return {
    name,
    keys: Object.keys('properties' in schema ? (schema.properties ?? {}) : {}),
    check: ajv.compile({ ...schema, required: [] }),
  };
});

/** Workflows, charts and kin are others' files: they say which in their first line. */
const isForeign = ({ text }: Block): boolean => /^# \S*(?:\.github|values|prometheus|compose|cron)\S*/.test(text);

const topKey = /^(?:'[^']+'|"[^"]+"|[\w.-]+):/;

/** One piece for each top-level key, so that a block can show a key in several ways. */
function pieces(text: string): readonly string[] {
  const found: string[][] = [];
  for (const line of text.split('\n')) {
    if (topKey.test(line)) found.push([line]);
    else found.at(-1)?.push(line);
  }
  return found.map((lines) => lines.join('\n'));
}

function wrongYaml(paper: Paper): readonly string[] {
  return paper.blocks
    .filter((block) => /^ya?ml$/.test(block.language) && !isForeign(block))
    .flatMap((block) =>
      pieces(block.text)
        .flatMap((text) => complaints(text))
        .map((words) => `${paper.path}:${block.line}: ${words}`),
    );
}

function complaints(text: string): readonly string[] {
  const read = loadYaml('block', text);
  if (read.kind === 'bad') return read.mistakes.map((mistake) => mistake.words);
  const [pair] = Object.entries(read.value.value ?? {});
  if (pair === undefined) return [];
  const [key, value]: [string, PlainValue] = pair;
  const config = Object.entries(configSchema.shape).find(([name]) => name === key)?.[1];
  if (config !== undefined) {
    const checked = config.safeParse(value);
    // Papers show pieces: what is not there is not wrong.
    const wrong = checked.error?.issues.filter(({ message }) => !message.endsWith('received undefined')) ?? [];
    return wrong.map((issue) => `${[key, ...issue.path].join('.')}: ${issue.message}`);
  }
  const files = fileSchemas.filter(({ keys }) => keys.includes(key));
  if (files.length === 0) return [`no file has the key ${key}`];
  if (files.some(({ check }) => check({ [key]: value }))) return [];
  return files.map(({ name, check }) => `${name}: ${ajv.errorsText(check.errors)}`);
}

const known = configRows().map(({ key }) => key.split('.'));
const keyForm = new RegExp(`^(?:${Object.keys(configSchema.shape).join('|')})(?:\\.[A-Za-z_]+(?:\\[\\])?)+$`);

/** `limits.holds`, `databases.NAME.pool`, `agents.report-bot` …: the whole key or its beginning. */
function unknownKeys({ path, words }: Paper): readonly string[] {
  return words
    .map(({ text, line }) => ({ line, key: text.split(':')[0] ?? '' }))
    .filter(({ key }) => keyForm.test(key) && !/\.(?:md|ts|yaml|jsonl|dir)$/.test(key))
    .filter(
      ({ key }) =>
        !known.some((row) => key.split('.').every((part, at) => row[at] === part || row[at] === `${part}[]`)),
    )
    .map(({ key, line }) => `${path}:${line}: there is no key ${key}`);
}

const all = papers();

test('YAML is found where people would copy it', () => {
  expect(all.flatMap(({ blocks }) => blocks.filter(({ language }) => language === 'yaml')).length).toBeGreaterThan(10);
});

test.each([
  ['```yaml\nlimits: { hold: 5 }\n```', 'hold'],
  ['```yaml\nholds: { wait: 5 }\n```', 'holds.wait'],
  ['```yaml\nlevels:\n  - { name: x, reed: allow }\n```', 'taxonomy'],
  ['```yaml\nrules:\n  - { name: x, when: { agnet: a }, then: deny }\n```', 'policy'],
  ['```yaml\ncolour: red\n```', 'no file has the key colour'],
])('YAML that the program would refuse is found: %s', (text, expected) => {
  expect(wrongYaml(paperOf('x.md', text)).join()).toContain(expected);
});

test('a key that is not there is found', () => {
  expect(
    unknownKeys(paperOf('x.md', '`limits.hold` `databases.NAME.pool.warm` `holds.wait: 5s` `audit.publish`')),
  ).toEqual(['x.md:1: there is no key limits.hold']);
});

test('the YAML in the papers is of a form that the program takes', () => {
  expect(all.flatMap(wrongYaml)).toEqual([]);
});

test('every config key that the papers name is one', () => {
  expect(all.flatMap(unknownKeys)).toEqual([]);
});
