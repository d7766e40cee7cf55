// Goal: what was carried into a column is a floor under its level: the strictest wins, a new word of the catalog about the column ends it,
// and nothing that is not known ends it.
// Method: floors over small catalogs, as rows: what the files say, what was carried, and the level that comes out.
import { expect, test } from 'vitest';
import { levelOf } from '../../src/catalog/levels.ts';
import { loadClassification, type Classification } from '../../src/policy/classification.ts';
import { raised, wordSaid, type Floor, type Floors } from '../../src/policy/floors.ts';
import { Lineage } from '../../src/policy/lineage.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';

function filesWith(tables: string): Classification {
  const loaded = loadClassification(
    Object.entries({
      'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow }
  - { name: restricted, read: hold, approvers: [security] }
  - { name: secret, read: deny }
defaults: { unclassified: public }
patterns: [{ column: '^note$', category: words }]
categories: { words: { level: internal } }
`,
      'db.yaml': `version: 1\ndatabase: db\n${tables}`,
      'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
    }).map(([name, text]) => ({ name, path: name, text })),
  );
  if (loaded.kind === 'bad') throw new Error(JSON.stringify(loaded.mistakes));
  return loaded.value;
}

const column = { relation: { schema: 'public', name: 't' }, column: 'note' };
const nothing = 'tables: {}\n';
const entry = 'tables: { public.t: { columns: { note: internal } } }\n';
const reviewed = 'tables: { public.t: { columns: { note: { level: internal, reason: masked by hand } } } }\n';
const whole = 'tables: { public.t: internal }\n';
const strict = 'tables: { public.t: { default: secret } }\n';
const rest = 'tables: { public.t: { default: internal } }\n';

type Case = readonly [name: string, then: string, now: string, carried: string, level: string];
const cases: readonly Case[] = [
  ['nobody named it', nothing, nothing, 'restricted', 'restricted'],
  ['nobody named it, and what its table says of the rest is stricter', strict, strict, 'restricted', 'secret'],
  ['it is named since', nothing, entry, 'restricted', 'internal'],
  ['its table is named since in one word', nothing, whole, 'restricted', 'internal'],
  ['its table has a default since, which knows no column', nothing, rest, 'restricted', 'restricted'],
  ['it was named before', entry, entry, 'restricted', 'restricted'],
  ['it was named before, and a reason was added', entry, reviewed, 'restricted', 'internal'],
  ['it was named before, and the name is gone', entry, nothing, 'restricted', 'restricted'],
  ['what was carried is less than what it is', entry, entry, 'public', 'internal'],
  ['the level of what was carried is gone from the files', entry, entry, 'abolished', 'restricted'],
];

test.each(cases)('%s', (_, then, now, carried, level) => {
  const said = wordSaid(filesWith(then).catalog, 'db', column);
  const floor: Floor = { level: carried, owner: undefined, said, hold: 'h_1', from: ['public.people.ssn'] };
  const floors: Floors = { version: 1, of: () => floor };
  const { catalog } = filesWith(now);
  const found = raised(levelOf(catalog, 'db', column), [column], { catalog, database: 'db', floors });
  expect(found.level.name).toBe(level);
  expect(found.origin === undefined).toBe(found.by !== 'lineage');
});

test('while the state has never been read nothing is known of any column', async () => {
  const away = (): Promise<never> => Promise.reject(new ProxyError('UNAVAILABLE', 'away'));
  const store = { read: away, list: away, change: away, announce: () => undefined, listen: () => () => undefined };
  const lineage = new Lineage({ store, clock: systemClock, rankOf: () => 0 });
  await lineage.start();
  lineage.close();
  expect(() => lineage.of('db', column)).toThrow('the state has not been read yet');
});
