// Goal: every column has the level that the files give it, and the strictest where they could be read in two ways.
// Method: a table of columns over the sample folder; views, kin and the server's own catalogs by hand.
import { describe, expect, test } from 'vitest';
import { functionWordOf, levelOf, levelOfRead, levelOfRelation, levelOfWhole } from '../../src/catalog/levels.ts';
import type { ColumnName, ColumnRead } from '../../src/sql/analysis.ts';
import { sample } from './sample.ts';

const { catalog } = sample();

function column(text: string): ColumnName {
  const [schema = '', name = '', own = ''] = text.split('/');
  return { relation: { schema, name }, column: own };
}

const read = (text: string, more: Partial<ColumnRead> = {}): ColumnRead => ({
  column: column(text),
  uses: ['output'],
  via: [],
  kin: [],
  ...more,
});
const level = (text: string, more: Partial<ColumnRead> = {}): string =>
  levelOfRead(catalog, 'shop', read(text, more)).level.name;

describe('the level of a column', () => {
  test.each([
    ['public/customers/id', 'public', 'entry'],
    ['public/customers/email', 'restricted', 'entry'],
    ['public/customers/phone', 'confidential', 'entry'],
    ['public/customers/name', 'internal', 'table'],
    ['public/customers/backup_email', 'restricted', 'pattern'],
    ['public/orders/total', 'internal', 'table'],
    ['public/unheard/of', 'restricted', 'unclassified'],
    ['public/unheard/mail', 'restricted', 'pattern'],
    ['legacy/Customer Data/Card No', 'secret', 'entry'],
    ['legacy/Customer Data/card no', 'restricted', 'unclassified'],
    ['pg_catalog/pg_class/relname', 'public', 'system'],
    ['information_schema/columns/column_name', 'public', 'system'],
    ['pg_catalog/pg_stats/most_common_vals', 'restricted', 'system'],
    ['pg_catalog/pg_authid/rolpassword', 'restricted', 'system'],
    ['pg_catalog/pg_stat_activity/query', 'restricted', 'system'],
    ['pg_catalog/pg_stat_activity/state', 'public', 'system'],
    ['pg_toast/pg_toast_123/chunk_data', 'restricted', 'system'],
    ['extensions/pg_stat_statements/query', 'restricted', 'system'],
  ])('%s is %s by %s', (name, expected, by) => {
    const found = levelOf(catalog, 'shop', column(name));
    expect([found.level.name, found.by]).toEqual([expected, by]);
  });

  test('names the line that said it', () => {
    expect(levelOf(catalog, 'shop', column('public/customers/email')).place).toEqual({
      file: 'classification/shop.yaml',
      line: 9,
      column: 7,
    });
  });

  test('has no words of one database for another', () => {
    expect(levelOf(catalog, 'other', column('public/customers/id')).level.name).toBe('restricted');
  });

  test('is the strictest of its family, where a silent member says nothing', () => {
    expect(level('public/customers_2024/id', { kin: [column('public/customers/id')] })).toBe('public');
    expect(level('public/customers/id', { kin: [column('public/customers_2024/id')] })).toBe('public');
    expect(level('public/orders/copy', { kin: [column('public/customers/email')] })).toBe('restricted');
    expect(level('public/x/a', { kin: [column('public/y/b')] })).toBe('restricted');
  });

  test('is the view’s own where the view has an entry, else the base column’s', () => {
    const stats = { schema: 'public', name: 'customer_stats' };
    const other = { schema: 'public', name: 'other_view' };
    expect(level('public/customers/email', { via: [stats] })).toBe('internal');
    expect(level('public/customers/email', { via: [other, stats] })).toBe('internal');
    expect(level('public/customers/email', { via: [other] })).toBe('restricted');
  });

  test('of rows being there is that of the least sensitive column; of the whole the most sensitive', () => {
    const customers = { schema: 'public', name: 'customers' };
    expect(levelOfRelation(catalog, 'shop', customers).level.name).toBe('public');
    expect(levelOfWhole(catalog, 'shop', customers).level.name).toBe('restricted');
    expect(levelOfRelation(catalog, 'shop', { schema: 'public', name: 'unheard' }).level.name).toBe('restricted');
    expect(levelOfRelation(catalog, 'shop', { schema: 'pg_catalog', name: 'pg_class' }).level.name).toBe('public');
  });

  test('of a function is found by its types, however they are spelled', () => {
    const use = (name: string, signature: string) => ({ schema: 'public', name, signature, nature: 'listed' as const });
    expect(functionWordOf(catalog, 'shop', use('order_total', 'integer'))?.level.name).toBe('internal');
    expect(functionWordOf(catalog, 'shop', use('order_total', 'bigint'))).toBeUndefined();
    expect(functionWordOf(catalog, 'shop', use('dump', 'text'))?.level.name).toBe('restricted');
    expect(functionWordOf(catalog, 'shop', use('order_total', ''))).toBeUndefined();
  });
});
