// Goal: editors check what the program checks.
// Method: compare schema/*.json with what the script would write; validate the sample folder and spoiled texts with ajv.
import { readFileSync, readdirSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { loadYaml } from '../../src/core/yaml.ts';
import { jsonSchemas } from '../../scripts/json-schema-texts.ts';

const root = new URL('../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');

function validator(name: string): (yaml: string) => boolean {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validate = ajv.compile(JSON.parse(jsonSchemas().get(name) ?? 'false') as object);
  return (yaml) => {
    const document = loadYaml(name, yaml);
    return document.kind === 'good' && validate(document.value.value);
  };
}

describe('the JSON Schema files', () => {
  test('are what the script writes (npx tsx scripts/json-schemas.ts)', () => {
    expect(readdirSync(new URL('schema/', root)).sort()).toEqual([...jsonSchemas().keys()].sort());
    for (const [name, expected] of jsonSchemas()) expect(text(`schema/${name}`)).toBe(expected);
  });

  test.each([
    ['taxonomy.schema.json', 'classification/taxonomy.yaml'],
    ['database.schema.json', 'classification/shop.yaml'],
    ['approvers.schema.json', 'classification/approvers.yaml'],
    ['policy.schema.json', 'classification/policy.yaml'],
    ['cases.schema.json', 'classification/cases/shop.yaml'],
  ])('%s takes %s and refuses a key that nobody knows', (schema, file) => {
    const validate = validator(schema);
    expect(validate(text(file))).toBe(true);
    expect(validate(`${text(file)}\nsurprise: 1\n`)).toBe(false);
  });
});
