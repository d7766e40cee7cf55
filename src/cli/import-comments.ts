// COMMENT ON COLUMN and SECURITY LABEL of the live database. In a comment, words count that are marked as such: `[restricted]`,
// `class: personal.contact.email`, `#pii`; a masking label (PostgreSQL Anonymizer) says that a column is sensitive, not how.
import type { Statement } from './import-words.ts';

const query = `
  select n.nspname, c.relname, a.attname,
         pg_catalog.col_description(c.oid, a.attnum),
         (select string_agg(l.label, E'\\n') from pg_catalog.pg_seclabel l
          where l.classoid = 'pg_catalog.pg_class'::regclass and l.objoid = c.oid and l.objsubid = a.attnum)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p', 'm', 'f', 'v') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by 1, 2, a.attnum`;

export async function fromComments(
  ask: (sql: string) => Promise<readonly (readonly (string | null)[])[]>,
): Promise<readonly Statement[]> {
  const rows = await ask(query);
  return rows.map(([schema, table, column, comment, label]) => ({
    schema: schema ?? '',
    table: table ?? '',
    column: column ?? '',
    words: [...markedWords(comment ?? ''), ...labelWords(label ?? '')],
    description: comment ?? undefined,
  }));
}

export function markedWords(comment: string): readonly string[] {
  const marked =
    /\[([\w.:-]{1,80})\]|#([\w.-]{1,80})|\b(?:class(?:ification)?|level|category|sensitivity|label)\s*[:=]\s*([\w.-]{1,80})/gi;
  return [...comment.matchAll(marked)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .filter((word) => word !== '');
}

function labelWords(label: string): readonly string[] {
  if (label === '') return [];
  return /^MASKED WITH/i.test(label) ? ['masked by PostgreSQL Anonymizer'] : label.split(/[\s,]+/);
}
