// OpenMetadata: tables as its API and exports give them, one or a list: columns[].tags[].tagFQN, fullyQualifiedName service.database.schema.table.
import { parseDotted } from '../core/names.ts';
import type { PlainValue } from '../core/yaml.ts';
import { fieldsOf, listOf, textOf, type Fields, type Statement } from './import-words.ts';

export function fromOpenMetadata(document: PlainValue): readonly Statement[] {
  const root = fieldsOf(document);
  const tables = Array.isArray(document)
    ? listOf(document)
    : root['data'] === undefined
      ? [document]
      : listOf(root['data']);
  return tables.map(fieldsOf).flatMap((table) => {
    const parts = parseDotted(textOf(table['fullyQualifiedName']) ?? '') ?? [];
    const name = textOf(table['name']) ?? parts.at(-1);
    const schema = textOf(fieldsOf(table['databaseSchema'])['name']) ?? parts.at(-2) ?? 'public';
    if (name === undefined) return [];
    return listOf(table['columns'])
      .map(fieldsOf)
      .flatMap((column) => {
        const own = textOf(column['name']);
        return own === undefined
          ? []
          : [{ schema, table: name, column: own, words: tagsOf(column), description: textOf(column['description']) }];
      });
  });
}

function tagsOf(column: Fields): readonly string[] {
  const own = listOf(column['tags']).map((tag) => textOf(fieldsOf(tag)['tagFQN']) ?? textOf(tag));
  const inner = listOf(column['children']).map(fieldsOf).flatMap(tagsOf);
  return [...new Set([...own.filter((tag) => tag !== undefined), ...inner])];
}
