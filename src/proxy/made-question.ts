// The numbers of relations that a session has just made and filled: asked in that session, since a transaction that is not over yet shows
// them to nobody else. By its number a relation stays the same whatever it is called next.
import type { RelationName } from '../sql/analysis.ts';
import type { Named } from '../policy/lineage.ts';
import type { AsideRows } from './aside.ts';

export function madeQuestion(relations: readonly RelationName[]): string {
  const isOne = ({ schema, name }: RelationName): string =>
    `(n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) ${text(schema)} AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) ${text(name)})`;
  return `
  SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_build_array(n.nspname, c.relname, c.oid::pg_catalog.int8,
      (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.attnum)) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)
    )::pg_catalog.text, 'UTF8'), 'hex')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE ${relations.map(isOne).join(' OR ')}`;
}

/** Names are the agent's, in whatever letters, and the session's encoding is its own: both ways in hex. */
function text(name: string): string {
  return `pg_catalog.convert_from(pg_catalog.decode('${Buffer.from(name).toString('hex')}', 'hex'), 'UTF8')`;
}

export function madeOf(rows: AsideRows): readonly Named[] {
  return rows.map(([hex]) => relationOf(JSON.parse(Buffer.from(hex ?? '', 'hex').toString('utf8'))));
}

function relationOf(value: unknown): Named {
  const [schema, name, oid, attributes] = listOf(value);
  const columns = listOf(attributes ?? []).map((each) => {
    const [column, num] = listOf(each);
    return { name: String(column), num: Number(num) };
  });
  return { schema: String(schema), name: String(name), oid: Number(oid), attributes: columns };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
