// dbt: `nodes` and `sources` of manifest.json, or `models`, `sources` and `seeds` of a schema.yml. Words are in a column's meta and tags,
// since 1.10 under config.
import type { PlainValue } from '../core/yaml.ts';
import { fieldsOf, listOf, metaWords, textOf, textsOf, type Fields, type Statement } from './import-words.ts';

export function fromDbt(document: PlainValue): readonly Statement[] {
  const root = fieldsOf(document);
  const isManifest = root['nodes'] !== undefined || root['metadata'] !== undefined;
  return isManifest ? fromManifest(root) : fromSchemaFile(root);
}

function fromManifest(root: Fields): readonly Statement[] {
  const nodes = [...Object.values(fieldsOf(root['nodes'])), ...Object.values(fieldsOf(root['sources']))].map(fieldsOf);
  return nodes.flatMap((node) => {
    const table = textOf(node['identifier']) ?? textOf(node['alias']) ?? textOf(node['name']);
    if (table === undefined || node['columns'] === undefined) return [];
    return columnsOf(
      Object.values(fieldsOf(node['columns'])).filter((one) => one !== undefined),
      textOf(node['schema']) ?? 'public',
      table,
    );
  });
}

function fromSchemaFile(root: Fields): readonly Statement[] {
  const models = ['models', 'seeds', 'snapshots'].flatMap((key) => listOf(root[key])).map(fieldsOf);
  const plain = models.flatMap((model) => {
    const schema = textOf(fieldsOf(model['config'])['schema']) ?? 'public';
    return columnsOf(listOf(model['columns']), schema, textOf(model['name']) ?? '');
  });
  const sources = listOf(root['sources'])
    .map(fieldsOf)
    .flatMap((source) => {
      const schema = textOf(source['schema']) ?? textOf(source['name']) ?? 'public';
      return listOf(source['tables'])
        .map(fieldsOf)
        .flatMap((table) =>
          columnsOf(listOf(table['columns']), schema, textOf(table['identifier']) ?? textOf(table['name']) ?? ''),
        );
    });
  return [...plain, ...sources];
}

function columnsOf(columns: readonly PlainValue[], schema: string, table: string): readonly Statement[] {
  return columns.map(fieldsOf).flatMap((column) => {
    const name = textOf(column['name']);
    if (name === undefined || table === '') return [];
    const config = fieldsOf(column['config']);
    const words = [
      ...metaWords(fieldsOf(config['meta'])),
      ...metaWords(fieldsOf(column['meta'])),
      ...textsOf(config['tags']),
      ...textsOf(column['tags']),
    ];
    return [{ schema, table, column: name, words: [...new Set(words)], description: textOf(column['description']) }];
  });
}
