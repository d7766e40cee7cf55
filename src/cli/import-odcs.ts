// Open Data Contract Standard 3: schema[].properties[] with classification, tags and customProperties; properties may be nested.
import type { PlainValue } from '../core/yaml.ts';
import { fieldsOf, listOf, metaWords, tableOf, textOf, textsOf, type Fields, type Statement } from './import-words.ts';

export function fromOdcs(document: PlainValue): readonly Statement[] {
  const root = fieldsOf(document);
  const servers = listOf(root['servers']).map(fieldsOf);
  const schema = servers.map((server) => textOf(server['schema'])).find((name) => name !== undefined);
  return listOf(root['schema'])
    .map(fieldsOf)
    .flatMap((object) => {
      const name = textOf(object['physicalName']) ?? textOf(object['name']);
      if (name === undefined) return [];
      const where = tableOf(name, schema);
      return listOf(object['properties'])
        .map(fieldsOf)
        .flatMap((property) => {
          const column = textOf(property['physicalName']) ?? textOf(property['name']);
          return column === undefined
            ? []
            : [{ ...where, column, words: wordsOf(property), description: textOf(property['description']) }];
        });
    });
}

/** What stands on a nested property is said of the column that holds it. */
function wordsOf(property: Fields): readonly string[] {
  const custom = listOf(property['customProperties']).map(fieldsOf);
  const words = [
    ...textsOf(property['classification']),
    ...textsOf(property['tags']),
    ...custom.flatMap((one) => metaWords({ [textOf(one['property']) ?? '']: one['value'] })),
    ...listOf(property['properties']).map(fieldsOf).flatMap(wordsOf),
  ];
  return [...new Set(words)];
}
