// Goal: importers take only words that the taxonomy has, and leave the rest as comments; grants never give more than passes unasked.
// Method: small documents of each form; the pictured schema of the sample for grants.
import { describe, expect, test } from 'vitest';
import { markedWords } from '../../src/cli/import-comments.ts';
import { fromDbt } from '../../src/cli/import-dbt.ts';
import { fromOdcs } from '../../src/cli/import-odcs.ts';
import { fromOpenMetadata } from '../../src/cli/import-openmetadata.ts';
import { importYaml } from '../../src/cli/import-words.ts';
import { grantLines } from '../../src/cli/grants.ts';
import { readSchemaFile, schemaFileOf } from '../../src/cli/schema-file.ts';
import { readFolder } from '../../src/catalog/folder.ts';
import { loadCatalog } from '../../src/catalog/load.ts';
import { sample } from '../catalog/sample.ts';

const { catalog } = sample();

describe('importing labels', () => {
  test('from a dbt manifest', () => {
    const column = {
      name: 'email',
      config: { meta: { classification: 'personal.contact.email', owner: 'x' }, tags: ['weekly'] },
    };
    const statements = fromDbt({
      metadata: {},
      nodes: { 'model.a': { name: 'm', alias: 'customers', schema: 'crm', columns: { email: column } } },
      sources: {},
    });
    expect(statements).toEqual([
      {
        schema: 'crm',
        table: 'customers',
        column: 'email',
        words: ['personal.contact.email', 'weekly'],
        description: undefined,
      },
    ]);
  });

  test('from a dbt schema.yml, with sources', () => {
    const statements = fromDbt({
      models: [
        { name: 'orders', columns: [{ name: 'note', meta: { contains_pii: true, sensitivity: 'restricted' } }] },
      ],
      sources: [
        {
          name: 'raw',
          schema: 'raw_shop',
          tables: [{ name: 't', identifier: 'users', columns: [{ name: 'pw', tags: ['secret'] }] }],
        },
      ],
    });
    expect(statements.map((one) => [one.schema, one.table, one.column, one.words])).toEqual([
      ['public', 'orders', 'note', ['contains_pii', 'restricted']],
      ['raw_shop', 'users', 'pw', ['secret']],
    ]);
  });

  test('from ODCS, nested properties counting for their column', () => {
    const statements = fromOdcs({
      servers: [{ schema: 'sales' }],
      schema: [
        {
          name: 'tx',
          physicalName: 'transactions',
          properties: [
            {
              name: 'who',
              classification: 'confidential',
              properties: [{ name: 'mail', classification: 'restricted' }],
            },
          ],
        },
      ],
    });
    expect(statements).toMatchObject([
      { schema: 'sales', table: 'transactions', column: 'who', words: ['confidential', 'restricted'] },
    ]);
  });

  test('from OpenMetadata, one table or many', () => {
    const table = {
      name: 'users',
      fullyQualifiedName: 'pg.shop.crm.users',
      columns: [{ name: 'email', tags: [{ tagFQN: 'PII.Sensitive' }, { tagFQN: 'Classification.restricted' }] }],
    };
    expect(fromOpenMetadata({ data: [table] })).toEqual(fromOpenMetadata([table]));
    expect(fromOpenMetadata(table)[0]).toMatchObject({
      schema: 'crm',
      table: 'users',
      column: 'email',
      words: ['PII.Sensitive', 'Classification.restricted'],
    });
  });

  test('from comments, only what is marked', () => {
    expect(markedWords('Mail of the customer [personal.contact.email], class: restricted #pii')).toEqual([
      'personal.contact.email',
      'restricted',
      'pii',
    ]);
    expect(markedWords('This is restricted in some countries.')).toEqual([]);
  });

  test('takes known words, and makes comments of the others', () => {
    const say = (column: string, ...words: readonly string[]) => ({
      schema: 'public',
      table: 'Odd Table',
      column,
      words,
      description: undefined,
    });
    const { yaml, taken, foreign } = importYaml(catalog, 'shop', [
      say('a', 'PII', 'Tier.Restricted'),
      say('B c', 'secret'),
      say('d', 'gold\n  x: y'),
      say('e'),
    ]);
    expect([taken, foreign]).toEqual([2, 1]);
    expect(yaml).toContain('      "a": restricted # said elsewhere: PII, Tier.Restricted\n');
    expect(yaml).toContain('      # "d": said elsewhere: gold');
    const files = [
      ...readFolder(new URL('../../classification', import.meta.url).pathname),
      { name: 'new.yaml', path: 'new.yaml', text: yaml },
    ];
    expect(loadCatalog(files).kind).toBe('good');
  });
});

describe('grants', () => {
  const folder = new URL('../../classification', import.meta.url).pathname;
  const loaded = loadCatalog(readFolder(folder));
  const schema = readSchemaFile(schemaFileOf(folder, 'shop'));

  test('give what passes unasked, column by column, and nothing of what asks', () => {
    if (loaded.kind === 'bad' || schema === undefined) throw new Error('the sample is not whole');
    const text = grantLines(loaded.value, schema, { database: 'shop', role: 'Reports Bot' }).join('\n');
    expect(text).toContain(
      'grant select (id, country, marketing_consent, created_at) on public.customers to "Reports Bot";',
    );
    expect(text).toMatch(/grant select \(country, [^)]*\) on public\.customer_stats to/);
    expect(text).not.toMatch(/grant select on/);
    expect(text).toMatch(/grant select \([^)]*kind[^)]*\) on public\.events_2026_07 to/);
    expect(text).not.toMatch(/\b(email|pan|iban|notes|full_name|client_address|tax_number|monthly)\b/);
    expect(text).not.toMatch(/Customer Data|customer_overview|hr\.directory/);
  });
});
