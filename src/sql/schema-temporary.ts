// The relations that a session made for itself alone: no reading of the schema has them, so the session is asked.
import { known, notKnown, type Known } from '../core/known.ts';
import { attributeOf, relationOf, rowsOf } from './schema-build.ts';
import { temporaryQueries, type Query } from './schema-queries.ts';
import type { Attribute, Relation } from './schema.ts';

/** A default that computes nothing of anybody's: a number of a sequence, a clock, a constant. */
const plainDefault =
  /^(?:nextval\('[^']*'::regclass\)|now\(\)|CURRENT_[A-Z]+|NULL|true|false|-?[\d.]+|'(?:[^']|'')*')(?:::[a-z ]+(?:\([\d,]+\))?(?:\[\])?)?$/;

/**
 * The asking session's temporary relations. A few questions, outside any transaction of ours: it is the session's own. Not known when
 * the session made functions, operators or types for itself: names may then mean those.
 */
export async function readTemporary(query: Query): Promise<Known<readonly Relation[]>> {
  const text = async (part: keyof typeof temporaryQueries): Promise<string> => {
    const found = (await query(temporaryQueries[part]))[0]?.[0];
    if (typeof found !== 'string') throw new Error(`the question for temporary ${part} gave no row`);
    return found;
  };
  const relations = rowsOf('relations', await text('relations'));
  const attributes = attributesByRelation(rowsOf('attributes', await text('attributes')).map(attributeOf));
  const unread = new Map(
    rowsOf('temporary relations', await text('unread')).map((row) => [row.number(), row.maybeText()]),
  );
  const others = rowsOf('temporary objects', await text('others')).map((row) => row.text());
  if (others[0] !== undefined) return notKnown(`the session made a temporary ${others[0]}`);
  return known(
    relations.map((row) => {
      const bare = relationOf(row, []);
      const relation = { ...bare, attributes: attributes.get(bare.oid) ?? [] };
      const computed = relation.attributes.some(
        ({ expression }) => expression !== undefined && !plainDefault.test(expression),
      );
      const why = unread.get(relation.oid) ?? (computed ? 'has a computed default' : undefined);
      return why === undefined ? relation : { ...relation, unread: why };
    }),
  );
}

function attributesByRelation(
  list: readonly { readonly relation: number; readonly attribute: Attribute }[],
): ReadonlyMap<number, readonly Attribute[]> {
  const found = new Map<number, Attribute[]>();
  for (const { relation, attribute } of list) {
    const attributes = found.get(relation);
    if (attributes === undefined) found.set(relation, [attribute]);
    else attributes.push(attribute);
  }
  return found;
}
