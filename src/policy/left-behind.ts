// What a statement left behind that was stopped too late: the server had done it before anybody could say what it was by then. What it
// wrote or filled may be anything that its functions could read, so it is as strict to read as anything is, until the files name it.
import type { Catalog } from '../catalog/catalog.ts';
import type { Analysis, ColumnName } from '../sql/analysis.ts';
import type { ReadText } from '../sql/reading.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import { columnOf } from '../sql/schema.ts';
import { makers, type Carried } from './flows.ts';
import { wordSaid } from './floors.ts';

/** Definitions that fill what they name with what expressions give. */
const filling = /^(?:ALTER TABLE|ALTER MATERIALIZED VIEW|REFRESH MATERIALIZED VIEW)$/;

/** `index`: by now, with columns that it has added. */
export function leftBehind(
  { statements }: ReadText,
  index: SchemaIndex | undefined,
  { catalog, database }: { readonly catalog: Catalog; readonly database: string },
): readonly Carried[] {
  const [strictest] = [...catalog.levels].sort((one, other) => other.rank - one.rank);
  if (strictest === undefined || strictest.read === 'allow') return [];
  return statements.flatMap(({ analysis }) => {
    const made: Pick<Carried, 'isMade'> = makers.has(analysis.command) ? { isMade: true } : {};
    return filledBy(analysis, index).map((to) => {
      const said = wordSaid(catalog, database, to);
      return { to, from: to, level: strictest.name, owner: undefined, said, ...made };
    });
  });
}

function filledBy({ command, writes, wholeTables }: Analysis, index: SchemaIndex | undefined): readonly ColumnName[] {
  const written = writes.filter(({ how }) => how !== 'delete').map(({ column }) => column);
  if (!filling.test(command)) return written;
  const whole = wholeTables.flatMap(({ schema, name }) => {
    const relations = index?.relationsNamed(name).filter((each) => each.schema === schema) ?? [];
    return relations.flatMap((relation) => relation.attributes.map((attribute) => columnOf(relation, attribute)));
  });
  return [...written, ...whole];
}
