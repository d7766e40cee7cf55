// A cursor is read in pieces, and people have decided about it when it was declared: their yes carries its FETCHes, as long as it covers
// what they would be held for, under the same classification, schema and role. What was declared since under the same name is another
// cursor, and carries nothing. Each release is on the record by itself; rows count together (proxy/rows-session.ts).
import { deskThatAsks, type Answer, type Desk, type HoldRequest } from './desk.ts';
import { shownColumn } from './view-of.ts';
import { releasedBy, type UnitParts } from './units.ts';

export type Released = Extract<Answer, { readonly kind: 'released' }>;

export function cursorDesk(desk: Desk, parts: UnitParts): Desk {
  return deskThatAsks(desk, async (request, withdrawn) => {
    const { follows } = request;
    if (follows === undefined || !covers(follows, request)) return await desk.ask(request, withdrawn);
    const answer = await releasedBy(request, follows, parts);
    return { hold: follows.hold, until: parts.clock.now(), answer: Promise.resolve(answer) };
  });
}

function covers({ hold }: Released, { verdict, asker, schemaVersion }: HoldRequest): boolean {
  if (hold.catalogVersion !== verdict.catalogVersion || hold.schemaVersion !== schemaVersion) return false;
  if (hold.agent !== asker.agent || hold.database !== asker.database || hold.role !== asker.role) return false;
  const seen = new Set(hold.columns.map(({ column, level }) => keyOf(column, level)));
  const known = verdict.columns.every(({ column, level }) => seen.has(keyOf(shownColumn(column), level)));
  const against = verdict.reasons.filter((reason) => reason.verdict !== 'allow');
  return (
    known &&
    against.every((reason) => hold.reasons.some(({ action, rule }) => action === reason.action && rule === reason.rule))
  );
}

const keyOf = (column: string, level: string): string => `${level}\0${column}`;
