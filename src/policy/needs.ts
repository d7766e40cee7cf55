// Who has to say yes. The owners that the catalog names for a column or its table are asked about it; else the level's approvers;
// else the owners of the database's files. What cannot be understood may touch anything, so the strictest level's approvers decide.
import { isNonEmpty } from '../core/brand.ts';
import { ownersOf } from '../catalog/levels.ts';
import type { Catalog, FunctionWord, Level } from '../catalog/catalog.ts';
import type { Facts, Touch } from './facts.ts';
import type { Rule } from './policy-file.ts';
import type { Need } from './verdict.ts';

/** Why a statement is held, as far as it decides who is asked. */
export type HoldCause =
  | { readonly by: 'level'; readonly touches: readonly Touch[] }
  | { readonly by: 'function'; readonly word: FunctionWord }
  | { readonly by: 'rule'; readonly rule: Rule; readonly touches: readonly Touch[] }
  | { readonly by: 'action' | 'large' | 'notKnown' };

export function needsOf(causes: readonly HoldCause[], facts: Facts, catalog: Catalog): readonly Need[] {
  const needs = new Map<string, Need>();
  const add = (groups: readonly string[], quorum: number): void => {
    const sorted = [...new Set(groups)].sort();
    if (!isNonEmpty(sorted)) return;
    const key = sorted.join('\0');
    // The same groups asked twice is one question; the larger quorum answers both.
    needs.set(key, { groups: sorted, quorum: Math.max(needs.get(key)?.quorum ?? 1, quorum) });
  };
  for (const cause of causes) addCause(cause, { facts, catalog, add });
  return [...needs.values()];
}

interface Context {
  readonly facts: Facts;
  readonly catalog: Catalog;
  readonly add: (groups: readonly string[], quorum: number) => void;
}

function addCause(cause: HoldCause, context: Context): void {
  const { facts, catalog, add } = context;
  switch (cause.by) {
    case 'level':
      addTouches(cause.touches, context);
      return;
    case 'function':
      addLevel(cause.word.owner, cause.word.level, context);
      return;
    case 'rule':
      if (cause.rule.approvers.length > 0) add(cause.rule.approvers, cause.rule.quorum);
      else if (cause.touches.length > 0) addTouches(cause.touches, context);
      else addOwners(context);
      return;
    case 'action':
      addOwners(context);
      return;
    case 'large':
      addTouches(
        facts.reads.filter((touch) => touch.found.level.rows !== undefined),
        context,
      );
      return;
    case 'notKnown': {
      const strictest = strictestAsking(catalog);
      if (strictest === undefined) addOwners(context);
      else add(strictest.approvers, strictest.quorum);
    }
  }
}

/** Most columns of a statement have the same people: they are looked up once. */
function addTouches(touches: readonly Touch[], context: Context): void {
  const asked = new Map<Level, Set<string>>();
  for (const { found, relation } of touches) {
    const isByRelation = found.owner === undefined && found.level.approvers.length === 0;
    const key = isByRelation ? `\0${relation.schema}\0${relation.name}` : (found.owner ?? '');
    const keys = asked.get(found.level) ?? new Set();
    if (keys.has(key)) continue;
    asked.set(found.level, keys.add(key));
    const { facts, catalog } = context;
    const fallback = isByRelation ? ownersOf(catalog, facts.asker.database, relation) : [];
    addLevel(found.owner, found.level, context, fallback);
  }
}

function addLevel(
  owner: string | undefined,
  level: Level,
  { facts, catalog, add }: Context,
  fallback: readonly string[] = catalog.databases.get(facts.asker.database)?.owners ?? [],
): void {
  if (owner !== undefined) add([owner], level.quorum);
  else if (level.approvers.length > 0) add(level.approvers, level.quorum);
  else if (fallback.length > 0) add(fallback, level.quorum);
  else add(strictestAsking(catalog)?.approvers ?? [], 1);
}

/** Owners of what is changed; of the database where that is not known; the strictest level's approvers where nobody owns it. */
function addOwners({ facts, catalog, add }: Context): void {
  const { database } = facts.asker;
  const touched = facts.others.length > 0 ? facts.others : facts.reads;
  const owned = touched
    .map((touch) => ownersOf(catalog, database, touch.relation))
    .filter((owners) => owners.length > 0);
  for (const owners of owned) add(owners, 1);
  if (owned.length > 0) return;
  const owners = catalog.databases.get(database)?.owners ?? [];
  const strictest = strictestAsking(catalog);
  if (owners.length > 0) add(owners, 1);
  else if (strictest !== undefined) add(strictest.approvers, strictest.quorum);
}

function strictestAsking(catalog: Catalog): Level | undefined {
  return catalog.levels.findLast((level) => level.approvers.length > 0);
}
