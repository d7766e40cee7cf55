// Every name that decides what a text means, without schemas: what it says itself, and what is behind views, functions and triggers.
import type { Analysis, RelationName } from './analysis.ts';
import type { ReadText } from './reading.ts';

export function namesUsed({ statements, normalised, index }: ReadText): ReadonlySet<string> {
  const used = new Set(wordsIn(normalised));
  for (const { analysis, held } of statements) {
    for (const each of held === undefined ? [analysis] : [analysis, held]) {
      for (const { name } of [...relationsOf(each), ...each.functions]) used.add(name);
      for (const { schema, name } of each.functions) {
        // What it casts to stands in no analysis.
        const infos = schema === 'pg_catalog' ? [] : (index?.functionsNamed(name) ?? []);
        for (const { body, atomicBody } of infos)
          for (const word of [...wordsIn(body), ...wordsIn(atomicBody)]) used.add(word);
      }
    }
  }
  return used;
}

const wordsIn = (text: string | undefined): readonly string[] => text?.split(/[^\p{L}\p{N}_$]+/u) ?? [];

/** Every relation that it names or opens. */
export function relationsOf(analysis: Analysis): readonly RelationName[] {
  const { reads, writes, flows, wholeTables, relations, outputs, tells } = analysis;
  const columns = [
    ...[...reads, ...(tells ?? [])].flatMap((read) => [read.column, ...read.kin, ...(read.standsFor ?? [])]),
    ...writes.map(({ column }) => column),
    ...flows.flatMap(({ from, to }) => [from, to]),
    ...outputs.flatMap(({ sources, origin }) => (origin === undefined ? sources : [...sources, origin])),
  ];
  const views = [...reads, ...(tells ?? [])].flatMap(({ via }) => via);
  return [...columns.map(({ relation }) => relation), ...views, ...wholeTables, ...relations];
}
