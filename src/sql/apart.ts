// Whether what moved between two readings of one text leaves what it does as it was. People say yes to a statement as it was shown; a day
// brings many definitions that have nothing to do with it (a partition, an index, another table), and their yes is not void for those.
//
// The attack: ask, change what the statement means while people look at it, and let it run by the old yes. So both readings must say the
// same word for word, and nothing may have moved but relations that it has nothing to do with: such as are new or gone, and what hangs on them alone.
// Whatever names are looked up in at run time (functions, operators, types, roles, settings) must be as it was: a yes is asked for anew
// sooner than it is stretched.
import type { Analysis, RelationName } from './analysis.ts';
import { relationsOf } from './names-used.ts';
import type { ReadText } from './reading.ts';
import { relationKin, type SchemaIndex } from './schema-index.ts';
import type { Relation, Snapshot, TypeInfo } from './schema.ts';

export function meansTheSame(one: ReadText, other: ReadText): boolean {
  const [was, is] = [one.index, other.index];
  if (was === undefined || is === undefined) return was === is;
  if (was.snapshot.schemaVersion === is.snapshot.schemaVersion) return true;
  const analyses = analysesOf(one);
  if (!analyses.every(isBoundToItsWords)) return false;
  if (JSON.stringify(analyses) !== JSON.stringify(analysesOf(other))) return false;
  return onlyMovedBeside(new Set(touchedBy(analyses, was)), was.snapshot, is.snapshot);
}

const analysesOf = ({ statements }: ReadText): readonly Analysis[] =>
  statements.flatMap(({ analysis, held }) => (held === undefined ? [analysis] : [analysis, held]));

/** What it does stands in its analysis whole: it defines nothing, and calls only what computes from its arguments. */
function isBoundToItsWords({ kinds, unknowns, functions, inOwnSchema }: Analysis): boolean {
  if (unknowns.length > 0 || inOwnSchema === true) return false;
  if (!kinds.every((kind) => kind === 'read' || kind === 'write' || kind === 'export' || kind === 'destructive'))
    return false;
  return functions.every(
    ({ schema, name, nature }) =>
      schema === 'pg_catalog' && (nature === 'pure' || (nature === 'listed' && name === 'setval')),
  );
}

/** Every relation that it names or opens, with what shares or looks after their rows. By numbers: a name may be another's by now. */
function touchedBy(analyses: readonly Analysis[], index: SchemaIndex): readonly number[] {
  const named = analyses.flatMap(relationsOf).flatMap((name) => relationsCalled(name, index));
  const found = new Set(named.flatMap((each) => [each, ...relationKin(index, each.oid)]).map(({ oid }) => oid));
  if (analyses.every(({ writes, wholeTables }) => writes.length + wholeTables.length === 0)) return [...found];
  // A write goes on along foreign keys.
  for (const oid of found) {
    for (const { relation, foreignRelation } of index.snapshot.constraints) {
      if (foreignRelation === 0) continue;
      if (relation === oid) found.add(foreignRelation);
      if (foreignRelation === oid) found.add(relation);
    }
  }
  return [...found];
}

function relationsCalled({ schema, name }: RelationName, index: SchemaIndex): readonly Relation[] {
  return index.relationsNamed(name).filter((each) => each.schema === schema);
}

/** Lists that hang on relations; in all others nothing may have moved. */
function onlyMovedBeside(touched: ReadonlySet<number>, was: Snapshot, is: Snapshot): boolean {
  const isTouched = (...oids: readonly number[]): boolean => oids.some((oid) => oid === 0 || touched.has(oid));
  const same = <T>(list: (snapshot: Snapshot) => readonly T[], isOf: (row: T) => boolean = () => true): boolean =>
    list(was) === list(is) || textOf(list(was), isOf) === textOf(list(is), isOf);
  return (
    relationsStand(touched, was, is) &&
    same(
      ({ rules }) => rules,
      ({ relation }) => isTouched(relation),
    ) &&
    same(
      ({ policies }) => policies,
      ({ relation }) => isTouched(relation),
    ) &&
    same(
      ({ triggers }) => triggers,
      ({ relation }) => isTouched(relation),
    ) &&
    same(
      ({ indexes }) => indexes,
      ({ relation }) => isTouched(relation),
    ) &&
    same(
      ({ inheritance }) => inheritance,
      ({ child, parent }) => isTouched(child, parent),
    ) &&
    // 0: a domain's.
    same(
      ({ constraints }) => constraints,
      ({ relation, foreignRelation }) => isTouched(relation) || touched.has(foreignRelation),
    ) &&
    same((snapshot) => typesOfTheirOwn(snapshot)) &&
    same(({ schemas }) => schemas) &&
    same(({ functions }) => functions) &&
    same(({ operators }) => operators) &&
    same(({ casts }) => casts) &&
    same(({ aggregates }) => aggregates) &&
    same(({ supportFunctions }) => supportFunctions) &&
    same(({ eventTriggers }) => eventTriggers) &&
    same(({ roles }) => roles) &&
    same(({ settings }) => settings) &&
    same(({ extensions }) => extensions)
  );
}

/** Others may come and go; those that stay keep their names and columns, which a text may use as a type. */
function relationsStand(touched: ReadonlySet<number>, was: Snapshot, is: Snapshot): boolean {
  if (was.relations === is.relations) return true;
  const [before, now] = [oidsOf(was), oidsOf(is)];
  const shown = (relation: Relation): unknown => {
    if (touched.has(relation.oid)) return { ...relation, rowsEstimate: 0 };
    const { oid, schema, name, kind, attributes } = relation;
    return [oid, schema, name, kind, attributes.map((each) => [each.num, each.name, each.type])];
  };
  const textIn = ({ relations }: Snapshot, others: ReadonlySet<number>): string =>
    JSON.stringify(relations.filter(({ oid }) => touched.has(oid) || others.has(oid)).map(shown));
  return textIn(was, now) === textIn(is, before);
}

const oidsOf = ({ relations }: Snapshot): ReadonlySet<number> => new Set(relations.map(({ oid }) => oid));

const textOf = <T>(list: readonly T[], isOf: (row: T) => boolean): string => JSON.stringify(list.filter(isOf));

/** Every table brings a row type and the array of it; those of tables that were touched stand in their columns. */
function typesOfTheirOwn({ types }: Snapshot): readonly TypeInfo[] {
  const rows = new Set(types.filter(({ kind, relation }) => kind === 'c' && relation !== 0).map(({ oid }) => oid));
  return types.filter(({ oid, element }) => !rows.has(oid) && !rows.has(element));
}
