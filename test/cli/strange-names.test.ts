// Goal: a name that only one of config and classification has is said, with what was meant, and what another proxy may well need is not.
// Method: the two as their readers make them, with one name wrong at a time.
import { expect, test } from 'vitest';
import { configFromText } from '../../src/core/config.ts';
import { loadCatalog } from '../../src/catalog/load.ts';
import { strangeNames } from '../../src/cli/strange-names.ts';

const file = (name: string, text: string) => ({ name, path: name, text });
const taxonomy = `version: 1
levels: [{ name: public, read: allow }, { name: secret, read: hold, approvers: [security] }]`;
const approvers = 'version: 1\napprovers: { ana: { email: ana@example.com, groups: [security] } }';

async function said(databaseInFiles: string, more: string): Promise<readonly string[]> {
  const catalog = loadCatalog([
    file('taxonomy.yaml', taxonomy),
    file('approvers.yaml', approvers),
    file('shop.yaml', `version: 1\ndatabase: ${databaseInFiles}\n`),
  ]);
  const text = `databases: { shop: { url: 'postgres://gate:p@127.0.0.1/shop' } }\n${more}`;
  const config = await configFromText('c', text, { env: {}, makeVerifier: () => Promise.resolve('') });
  if (catalog.kind === 'bad' || config.kind === 'bad') throw new Error(JSON.stringify([catalog, config]));
  return strangeNames(config.value, catalog.value);
}

const slack = (more: string): string => `slack: { bot_token: xoxb-1, app_token: xapp-1, channel: C0123456, ${more} }\n`;

const cases: readonly (readonly [of: string, database: string, config: string, words: readonly RegExp[]])[] = [
  ['all that fits', 'shop', slack('confirm_from: secret, escalate_to: security'), []],
  ['a database nearly named', 'shpo', '', [/'shpo'.*did you mean 'shop'/]],
  ['a database of another proxy', 'warehouse', '', []],
  ['a level', 'shop', slack('confirm_from: top'), [/confirm_from.*'top'.*each approval/]],
  ['a group', 'shop', slack('escalate_to: securty, channels: { dbas: C1 }'), [/escalate_to.*'security'\?/, /'dbas'$/]],
];
test.each(cases)('%s', async (_of, database, config, words) => {
  const lines = await said(database, config);
  expect(lines).toHaveLength(words.length);
  for (const [index, form] of words.entries()) expect(lines[index]).toMatch(form);
});
