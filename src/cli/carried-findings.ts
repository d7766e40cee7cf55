// Columns that stand higher than the files say, because of data that people let flow into them: the files should name them. Pure.
import { dotted } from '../core/names.ts';
import { levelOf } from '../catalog/levels.ts';
import { originText, raised } from '../policy/floors.ts';
import type { DriftFinding } from './drift.ts';
import type { KeptLineage, LineageOf } from './kept-lineage.ts';

export function carriedFindings(kept: KeptLineage, { catalog, database, live }: LineageOf): readonly DriftFinding[] {
  if (kept.kind === 'not read') {
    const words = `data that took its level with it was not looked at: ${kept.why}`;
    return [{ kind: 'lineage', weight: 'note', what: database, words, place: undefined }];
  }
  const floors = kept.lineage;
  return live.relations.flatMap((relation) =>
    relation.attributes.flatMap(({ name }): readonly DriftFinding[] => {
      const column = { relation, column: name };
      if (floors.of(database, column) === undefined) return [];
      const { level, origin } = raised(levelOf(catalog, database, column), [column], { catalog, database, floors });
      if (origin === undefined) return [];
      const words = `is ${level.name}: ${originText(origin)}; name it in the files`;
      return [
        {
          kind: 'lineage',
          weight: 'note',
          what: dotted(relation.schema, relation.name, name),
          words,
          place: undefined,
        },
      ];
    }),
  );
}
