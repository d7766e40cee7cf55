// A zod schema against a YAML document: a precise value, or every mistake at once, each with its place and its mend.
// No value is printed but the file's own word where a closed list was not met: what a variable held may be a secret.
import * as z from 'zod';
import { isNonEmpty } from './brand.ts';
import { nearest } from './nearest.ts';
import type { Mistake } from './place.ts';
import { placeOf, type Checked, type Path, type PlainValue, type YamlDocument } from './yaml.ts';

export interface CheckOptions {
  /** What is checked instead of the file's own values, of the same shape: the config puts its variables in first. */
  readonly value?: PlainValue;
}

export function checkWith<Schema extends z.ZodType>(
  schema: Schema,
  document: YamlDocument,
  options: CheckOptions = {},
): Checked<z.output<Schema>> {
  const value = options.value ?? document.value;
  const result = schema.safeParse(value);
  if (result.success) return { kind: 'good', value: result.data };
  const words: Words = { schema, document, value };
  const mistakes = result.error.issues.flatMap((issue) => mistakesOf(words, issue, []));
  mistakes.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  if (!isNonEmpty(mistakes)) throw new Error('a failed check without an issue');
  return { kind: 'bad', mistakes };
}

/** For refinements: `context.addIssue(custom(…))` with a mend beside the words. */
export function customIssue(words: string, mend: string, path: Path = []) {
  return { code: 'custom' as const, message: words, path: [...path], params: { mend } };
}

interface Words {
  readonly schema: z.ZodType;
  readonly document: YamlDocument;
  readonly value: PlainValue;
}

type Issue = z.core.$ZodIssue;

function mistakesOf(words: Words, issue: Issue, base: Path): Mistake[] {
  const path = [...base, ...pathOf(issue)];
  const at = (where: Path, which: 'key' | 'value', text: string, mend?: string): Mistake => ({
    place: placeOf(words.document, where, which),
    words: `${named(where)}${text}`,
    mend,
  });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => at([...path, key], 'key', 'no such key here', mendForKey(words, path, key)));
    case 'invalid_union':
      return unionMistakes(words, issue, path);
    case 'invalid_type':
      return [typeMistake(words, issue.expected, path)];
    case 'invalid_value':
      return [valueMistake(words, issue.values, path)];
    case 'invalid_key':
      return issue.issues.map((inner) => at(path, 'key', inner.message, mendOf(inner)));
    case 'too_big':
      return [at(path, 'value', `${boundWords(issue.origin, Number(issue.maximum))} at most`)];
    case 'too_small':
      return [
        at(
          path,
          'value',
          isEmptyText(issue) ? 'must not be empty' : `${boundWords(issue.origin, Number(issue.minimum))} at least`,
        ),
      ];
    default:
      return [at(path, 'value', issue.message, mendOf(issue))];
  }
}

const pathOf = (issue: Issue): (string | number)[] =>
  issue.path.filter((step) => typeof step === 'string' || typeof step === 'number');

/** `agents.report-bot.owner: `. Long keys are cut: a file's text never floods a terminal. */
function named(path: Path): string {
  if (path.length === 0) return '';
  return `${path.map((step) => bounded(String(step))).join('.')}: `;
}

/** Control characters would let a file write on the terminal of whoever checks it. */
function bounded(text: string): string {
  const visible = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
  return visible.length > 60 ? `${visible.slice(0, 60)}…` : visible;
}

function mendOf(issue: Issue): string | undefined {
  const mend: unknown = issue.code === 'custom' ? issue.params?.['mend'] : undefined;
  return typeof mend === 'string' ? mend : undefined;
}

const isEmptyText = (issue: z.core.$ZodIssueTooSmall): boolean => issue.origin === 'string' && issue.minimum === 1;

function boundWords(origin: string, bound: number): string {
  if (origin === 'string') return `must have ${bound} character${bound === 1 ? '' : 's'}`;
  if (origin === 'array') return `must have ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
  return `must be ${bound}`;
}

function typeMistake(words: Words, expected: string, path: Path): Mistake {
  const found = valueAt(words.value, path);
  const parent = valueAt(words.value, path.slice(0, -1));
  const key = path.at(-1);
  const isMissing = found === undefined && isMap(parent) && typeof key === 'string';
  if (isMissing) {
    const place = placeOf(words.document, path.slice(0, -1), 'key');
    const mend = `add '${bounded(key)}', ${typeNames[expected] ?? expected}`;
    return { place, words: `${named(path.slice(0, -1))}'${bounded(key)}' is missing`, mend };
  }
  const isQuotable = expected === 'string' && (typeof found === 'number' || typeof found === 'boolean');
  return {
    place: placeOf(words.document, path),
    words: `${named(path)}must be ${typeNames[expected] ?? expected}, is ${kindOf(found)}`,
    mend: isQuotable
      ? 'put it in quotes'
      : expected === 'array' && !isMap(found)
        ? 'write it in brackets: [ … ]'
        : undefined,
  };
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'empty',
};

function kindOf(value: PlainValue | undefined): string {
  if (value === undefined || value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number') return 'a number';
  return typeof value === 'boolean' ? 'true or false' : 'a map';
}

function valueMistake(words: Words, values: readonly unknown[], path: Path): Mistake {
  const found = valueAt(words.value, path);
  if (found === undefined) {
    return typeMistake(words, values.length > 1 ? `one of ${values.join(', ')}` : String(values[0]), path);
  }
  const candidates = values.map(String);
  const near = typeof found === 'string' ? nearest(found, candidates) : undefined;
  const shown = valueAt(words.document.value, path);
  const isShown = typeof shown === 'string' || typeof shown === 'number';
  const what = isShown ? `'${bounded(String(shown))}' is not` : 'must be';
  return {
    place: placeOf(words.document, path),
    words: `${named(path)}${what} ${candidates.length > 1 ? 'one of ' : ''}${candidates.join(', ')}`,
    mend: near === undefined ? undefined : `did you mean '${near}'?`,
  };
}

function mendForKey(words: Words, path: Path, key: string): string {
  const known = [...keysAt(words.schema, path)];
  const near = nearest(key, known);
  if (near !== undefined) return `did you mean '${near}'?`;
  const parent = valueAt(words.value, path);
  const isBareWord = isMap(parent) && parent[key] === null && /\s/.test(key);
  if (isBareWord) return 'a text with a comma needs quotes';
  return known.length === 0 ? 'take it out' : `known here: ${known.slice(0, 30).join(', ')}`;
}

/** Only the branch that was meant speaks: the one whose own form fits; when none does, all forms are named. */
function unionMistakes(words: Words, issue: z.core.$ZodIssueInvalidUnion, path: Path): Mistake[] {
  const isOffForm = (inner: Issue): boolean =>
    inner.path.length === 0 && (inner.code === 'invalid_type' || inner.code === 'invalid_value');
  const branches = issue.errors.filter((errors) => !errors.some(isOffForm));
  const [best] = branches.toSorted((a, b) => a.length - b.length);
  if (best !== undefined) return best.flatMap((inner) => mistakesOf(words, inner, path));
  const offForms = issue.errors.flat().filter(isOffForm);
  const values = offForms.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : []));
  if (values.length > 0) return [valueMistake(words, values, path)];
  const types = offForms.flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : []));
  if (issue.discriminator !== undefined) {
    const options = 'options' in issue ? (issue.options ?? []).map(String) : [];
    const where = [...path, issue.discriminator];
    if (options.length > 0) return [valueMistake(words, options, where)];
    return [typeMistake(words, 'string', where)];
  }
  const expected = [...new Set(types)].map((type) => typeNames[type] ?? type).join(' or ');
  return [typeMistake(words, expected === '' ? 'of another form' : expected, path)];
}

const isMap = (value: PlainValue | undefined): value is { readonly [key: string]: PlainValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(value: PlainValue, path: Path): PlainValue | undefined {
  let at: PlainValue | undefined = value;
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? at[step] : undefined;
    else at = isMap(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}

/** The keys that the schema knows at a path, for the nearest one. */
function keysAt(schema: z.core.$ZodType, path: Path): Set<string> {
  let at: readonly z.core.$ZodType[] = [schema];
  for (const step of path) at = at.flatMap(opened).flatMap((inner) => childrenOf(inner, step));
  const keys = new Set<string>();
  for (const inner of at.flatMap(opened)) {
    if (inner instanceof z.core.$ZodObject) for (const key of Object.keys(inner._zod.def.shape)) keys.add(key);
  }
  return keys;
}

/** What stands under optional, default, pipe and union wrappers. */
function opened(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.core.$ZodUnion) return schema._zod.def.options.flatMap(opened);
  if (schema instanceof z.core.$ZodPipe) return [...opened(schema._zod.def.in), ...opened(schema._zod.def.out)];
  if (schema instanceof z.core.$ZodLazy) return opened(schema._zod.innerType);
  const isWrapper =
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodNullable ||
    schema instanceof z.core.$ZodReadonly;
  return isWrapper ? opened(schema._zod.def.innerType) : [schema];
}

function childrenOf(schema: z.core.$ZodType, step: string | number): readonly z.core.$ZodType[] {
  if (schema instanceof z.core.$ZodObject) {
    const child: z.core.$ZodType | undefined = schema._zod.def.shape[String(step)];
    return child === undefined ? [] : [child];
  }
  if (schema instanceof z.core.$ZodRecord) return [schema._zod.def.valueType];
  return schema instanceof z.core.$ZodArray ? [schema._zod.def.element] : [];
}
