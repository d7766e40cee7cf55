// What differs between two snapshots of one schema, small enough to be sent to every worker at each DDL. Lists share the objects of the rows
// that did not change (`schema-build.ts` sees to that), and only what stands between a common head and a common tail is carried.
import type { Snapshot } from './schema.ts';

interface ListPatch<T> {
  readonly head: number;
  readonly tail: number;
  readonly between: readonly T[];
}

/** A list that is left out is the same. */
type Lists = { readonly [K in keyof Snapshot as Snapshot[K] extends readonly unknown[] ? K : never]: Snapshot[K] };
type ListPatches = { readonly [K in keyof Lists]?: ListPatch<Lists[K][number]> | undefined };

export interface SnapshotPatch {
  /** The version that it is laid upon. */
  readonly base: string;
  readonly head: Pick<Snapshot, 'serverMajor' | 'database' | 'databaseOid' | 'schemaVersion'>;
  readonly lists: ListPatches;
}

export function patchOf(base: Snapshot, fresh: Snapshot): SnapshotPatch {
  const { serverMajor, database, databaseOid, schemaVersion } = fresh;
  return {
    base: base.schemaVersion,
    head: { serverMajor, database, databaseOid, schemaVersion },
    lists: {
      schemas: between(base.schemas, fresh.schemas),
      relations: between(base.relations, fresh.relations),
      types: between(base.types, fresh.types),
      functions: between(base.functions, fresh.functions),
      operators: between(base.operators, fresh.operators),
      casts: between(base.casts, fresh.casts),
      rules: between(base.rules, fresh.rules),
      policies: between(base.policies, fresh.policies),
      triggers: between(base.triggers, fresh.triggers),
      eventTriggers: between(base.eventTriggers, fresh.eventTriggers),
      constraints: between(base.constraints, fresh.constraints),
      inheritance: between(base.inheritance, fresh.inheritance),
      indexes: between(base.indexes, fresh.indexes),
      aggregates: between(base.aggregates, fresh.aggregates),
      supportFunctions: between(base.supportFunctions, fresh.supportFunctions),
      roles: between(base.roles, fresh.roles),
      settings: between(base.settings, fresh.settings),
      extensions: between(base.extensions, fresh.extensions),
    },
  };
}

export function patched(base: Snapshot, { head, lists }: SnapshotPatch): Snapshot {
  return Object.freeze({
    ...head,
    schemas: laid(base.schemas, lists.schemas),
    relations: laid(base.relations, lists.relations),
    types: laid(base.types, lists.types),
    functions: laid(base.functions, lists.functions),
    operators: laid(base.operators, lists.operators),
    casts: laid(base.casts, lists.casts),
    rules: laid(base.rules, lists.rules),
    policies: laid(base.policies, lists.policies),
    triggers: laid(base.triggers, lists.triggers),
    eventTriggers: laid(base.eventTriggers, lists.eventTriggers),
    constraints: laid(base.constraints, lists.constraints),
    inheritance: laid(base.inheritance, lists.inheritance),
    indexes: laid(base.indexes, lists.indexes),
    aggregates: laid(base.aggregates, lists.aggregates),
    supportFunctions: laid(base.supportFunctions, lists.supportFunctions),
    roles: laid(base.roles, lists.roles),
    settings: laid(base.settings, lists.settings),
    extensions: laid(base.extensions, lists.extensions),
  });
}

function between<T>(base: readonly T[], fresh: readonly T[]): ListPatch<T> | undefined {
  if (base === fresh) return undefined;
  const shorter = Math.min(base.length, fresh.length);
  let head = 0;
  while (head < shorter && base[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < shorter - head && base[base.length - 1 - tail] === fresh[fresh.length - 1 - tail]) tail++;
  return { head, tail, between: fresh.slice(head, fresh.length - tail) };
}

function laid<T>(base: readonly T[], patch: ListPatch<T> | undefined): readonly T[] {
  if (patch === undefined) return base;
  return [...base.slice(0, patch.head), ...patch.between, ...base.slice(base.length - patch.tail)];
}
