// What an approval is for, as a hash. An attacker would get a harmless statement approved and send another under the same approval: a
// changed byte, parameter, search_path, role, schema, catalog or policy must give another hash, and no two lists of parts the same text.
import { createHash } from 'node:crypto';
import { dotted } from '../core/names.ts';
import type { HoldRequest } from './desk.ts';

/** Of exactly this statement in exactly this state. */
export function bindingOf(request: HoldRequest): string {
  const { statement, parameters, inHouse } = request;
  // The hashes of the record are by a key of its own, so another proxy would make another binding of the same asking.
  const what = inHouse === undefined ? ['here', statement.hash, parameters] : ['in house', inHouse];
  return hashOf(['binding 2', ...stateOf(request), ...what, ...factsOf(request)]);
}

/**
 * Of every statement that differs only in values: same tokens, same columns for the same reasons, in the same state. Undefined where
 * the statement is not understood: what cannot be read has no shape.
 */
export function shapeOf(request: HoldRequest): string | undefined {
  const { verdict, shape } = request;
  if (shape === undefined || verdict.reasons.some(({ action }) => action === 'notKnown')) return undefined;
  const columns = verdict.columns.map(({ column, level }) =>
    JSON.stringify([column.relation.schema, column.relation.name, column.column, level]),
  );
  const reasons = verdict.reasons.map(({ verdict: kind, action, rule }) => JSON.stringify([kind, action, rule]));
  const needs = verdict.needs.map(({ groups, quorum }) => JSON.stringify([groups, quorum]));
  const parts = [columns, reasons, needs].map((list) => [...new Set(list)].sort().join('\n'));
  return hashOf(['shape 1', ...stateOf(request), shape, ...parts, ...factsOf(request)]);
}

function stateOf({ asker, searchPath, schemaVersion, verdict }: HoldRequest): readonly string[] {
  const { agent, owner, database, role } = asker;
  return [agent, owner, database, role, dotted(...searchPath), schemaVersion, verdict.catalogVersion];
}

const factsOf = ({ sessionFacts = [] }: HoldRequest): readonly string[] => ['facts', ...sessionFacts];

/** JSON of a list of texts: no text can reach into its neighbour. */
function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
