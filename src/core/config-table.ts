// The table of every key of countersign.yaml, made from the schema itself, so that the docs cannot tell another story.
import * as z from 'zod';
import { fieldNotes, type FieldNote } from './config-fields.ts';
import { configSchema } from './config-schema.ts';

export interface ConfigRow {
  /** `databases.NAME.url` */
  readonly key: string;
  readonly form: string;
  readonly usual: string;
  readonly words: string;
}

export function configRows(): readonly ConfigRow[] {
  return rowsOf(configSchema, []);
}

/** As Markdown, for docs/config.md. */
export function configTable(): string {
  const lines = configRows().map(
    (row) =>
      `| \`${row.key}\` | ${cell(row.form)} | ${row.usual === '' ? '' : `\`${row.usual}\``} | ${cell(row.words)} |`,
  );
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}

const cell = (words: string): string => words.replaceAll('|', '\\|');

function rowsOf(schema: z.core.$ZodType, path: readonly string[]): readonly ConfigRow[] {
  const note = noteOf(schema);
  if (note !== undefined)
    return [{ key: path.join('.'), form: note.form, usual: note.usual ?? '', words: wordsFor(schema) }];
  if (schema instanceof z.core.$ZodOptional) return rowsOf(schema._zod.def.innerType, path);
  if (schema instanceof z.core.$ZodRecord) return rowsOf(schema._zod.def.valueType, [...path, 'NAME']);
  if (schema instanceof z.core.$ZodArray) return rowsOf(schema._zod.def.element, listed(path));
  if (!(schema instanceof z.core.$ZodObject)) throw new Error(`the key ${path.join('.')} has no note for the docs`);
  return Object.entries(schema._zod.def.shape).flatMap(([key, inner]) => rowsOf(inner, [...path, key]));
}

/** `audit.publish[].kind` */
const listed = (path: readonly string[]): readonly string[] => [...path.slice(0, -1), `${path.at(-1) ?? ''}[]`];

function noteOf(schema: z.core.$ZodType): FieldNote | undefined {
  const note = fieldNotes.get(schema);
  if (note !== undefined) return note;
  return schema instanceof z.core.$ZodOptional ? noteOf(schema._zod.def.innerType) : undefined;
}

function wordsFor(schema: z.core.$ZodType): string {
  const words = z.globalRegistry.get(schema)?.description;
  if (words !== undefined) return words;
  return schema instanceof z.core.$ZodOptional ? wordsFor(schema._zod.def.innerType) : '';
}
