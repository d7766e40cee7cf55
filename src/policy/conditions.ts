// The conditions of rules: one row each. The form in policy.yaml, the docs and the words of `explain` are made from these rows.
// A condition answers yes, no or unknown. Unknown counts against the asker: a rule that holds or denies applies unless a condition
// says no, a rule that allows applies only when every condition says yes. "Partly" is unknown too.
import * as z from 'zod';
import { isNonEmpty } from '../core/brand.ts';
import { parseNetwork } from '../core/cidr.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { nearest } from '../core/nearest.ts';
import type { Facts, Touch } from './facts.ts';
import { parseGlob, wildMatcher, type PartMatcher } from './glob.ts';
import { parseHours } from './hours.ts';
import { policyActions } from './verdict.ts';

export type Answer = 'yes' | 'no' | 'unknown';

export interface StatementTest {
  readonly about: 'statement';
  readonly test: (facts: Facts) => Answer;
  /** Until when the answer stands at least, for answers that depend on the clock. */
  readonly until?: (facts: Facts) => number;
}

export interface ColumnTest {
  readonly about: 'column';
  readonly test: (touch: Touch, facts: Facts) => Answer;
}

/** A condition that cannot be: which words to say about it. */
export interface Refusal {
  readonly about: 'mistake';
  readonly words: string;
  readonly mend: string;
}

export interface ConditionRow {
  readonly key: string;
  readonly words: string;
  readonly example: string;
  readonly schema: z.ZodType;
  readonly compile: (value: unknown, catalog: Catalog) => StatementTest | ColumnTest | Refusal;
}

function row<T>(options: {
  readonly key: string;
  readonly words: string;
  readonly example: string;
  readonly schema: z.ZodType<T>;
  readonly compile: (value: T, catalog: Catalog) => StatementTest | ColumnTest | Refusal;
}): ConditionRow {
  const { schema, compile, key, words, example } = options;
  return {
    key,
    words,
    example,
    schema: schema.describe(words),
    compile: (value, catalog) => compile(schema.parse(value), catalog),
  };
}

const oneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
const listOf = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);

/** How many of several facts are in a set: all, none, or some. */
function share(facts: Iterable<boolean>): Answer {
  let [yes, no] = [false, false];
  for (const fact of facts) {
    if (fact) yes = true;
    else no = true;
  }
  if (yes && no) return 'unknown';
  return yes ? 'yes' : 'no';
}

const yesNo = (answer: boolean): Answer => (answer ? 'yes' : 'no');

function nameRow(key: 'agent' | 'owner' | 'database', words: string, example: string): ConditionRow {
  return row({
    key,
    words,
    example,
    schema: oneOrMore,
    compile: (value) => {
      const matchers = listOf(value).map(wildMatcher);
      return { about: 'statement', test: ({ asker }) => yesNo(matchers.some((matches) => matches(asker[key]))) };
    },
  });
}

const actionName = z.enum(policyActions);

export const conditionRows: readonly ConditionRow[] = [
  nameRow('agent', 'The agent’s name, with * for any text; or a list.', 'support-bot'),
  nameRow('owner', 'The person behind the agent.', 'ana'),
  nameRow('database', 'The database’s name in countersign.yaml.', 'shop'),
  row({
    key: 'action',
    words: 'What is done; a statement can be several at once. A rule that allows must name all of them.',
    example: 'export',
    schema: z.union([actionName, z.array(actionName).min(1)]),
    compile: (value) => {
      const named = new Set<string>(typeof value === 'string' ? [value] : value);
      return { about: 'statement', test: (facts) => actionAnswer(facts, named) };
    },
  }),
  row({
    key: 'level',
    words: 'The column’s level; `confidential+` is that level and every stricter one.',
    example: 'confidential+',
    schema: oneOrMore,
    compile: compileLevel,
  }),
  row({
    key: 'category',
    words: 'The column’s category or one under it.',
    example: 'personal.contact',
    schema: oneOrMore,
    compile: (value, catalog) => {
      const names = listOf(value);
      const unknown = names.find((name) => !hasCategory(catalog, name));
      if (unknown !== undefined) return unknownName('category', unknown, catalog.categories.keys());
      const isUnder = (category: string): boolean =>
        names.some((name) => category === name || category.startsWith(`${name}.`));
      return {
        about: 'column',
        test: ({ found }) => yesNo(found.category !== undefined && isUnder(found.category)),
      };
    },
  }),
  row({
    key: 'columns',
    words: 'Columns as schema.table.column or database.schema.table.column, with *, quoted where SQL would quote.',
    example: 'shop.public.customers.email',
    schema: oneOrMore,
    compile: (value) => compileNames(listOf(value), 'column'),
  }),
  row({
    key: 'tables',
    words: 'Tables as schema.table or database.schema.table, with *, quoted where SQL would quote.',
    example: 'shop.hr.*',
    schema: oneOrMore,
    compile: (value) => compileNames(listOf(value), 'table'),
  }),
  row({
    key: 'use',
    words: 'How a column is used. A rule that allows must name every use of it.',
    example: 'filter',
    schema: z.union([useName(), z.array(useName()).min(1)]),
    compile: (value) => {
      const named = new Set<string>(typeof value === 'string' ? [value] : value);
      return { about: 'column', test: ({ uses }) => share(uses.map((use) => named.has(use))) };
    },
  }),
  row({
    key: 'rows_max',
    words:
      'The statement gives at most so many rows: by its own LIMIT, or as the planner expects. It is stopped there.',
    example: '5',
    schema: z.int().min(1),
    compile: (value) => ({ about: 'statement', test: (facts) => rowsAtMost(facts, value) }),
  }),
  row({
    key: 'rows_over',
    words: 'The statement may give more than so many rows.',
    example: '1000',
    schema: z.int().min(0),
    compile: (value) => ({ about: 'statement', test: (facts) => opposite(rowsAtMost(facts, value)) }),
  }),
  row({
    key: 'hours',
    words: 'Hours of the day in a time zone, also over midnight; with days of the week before them where wanted.',
    example: 'Mon-Fri 20:00-07:00 Europe/Berlin',
    schema: z.string(),
    compile: (value) => {
      const hours = parseHours(value);
      if (hours === undefined) {
        return {
          about: 'mistake',
          words: `'${value}' is not hours of a day in a time zone`,
          mend: 'write for example "20:00-07:00 Europe/Berlin"',
        };
      }
      return {
        about: 'statement',
        test: ({ now }) => yesNo(hours.at(now).inside),
        until: ({ now }) => hours.at(now).until,
      };
    },
  }),
  row({
    key: 'application_name',
    words:
      'What the client calls itself, with *. The agent chooses it: fit for holding and denying, weak for allowing.',
    example: 'nightly-*',
    schema: oneOrMore,
    compile: (value) => {
      const matchers = listOf(value).map(wildMatcher);
      return {
        about: 'statement',
        test: ({ asker }) => yesNo(matchers.some((matches) => matches(asker.applicationName))),
      };
    },
  }),
  row({
    key: 'client_address',
    words: 'The network that the agent connects from.',
    example: '10.0.0.0/8',
    schema: oneOrMore,
    compile: compileAddress,
  }),
  row({
    key: 'reason',
    words: 'Whether the agent said why it asks. What it says is not checked.',
    example: 'missing',
    schema: z.enum(['given', 'missing']),
    compile: (value) => ({
      about: 'statement',
      test: ({ asker }) => yesNo(((asker.reason ?? '').trim() !== '') === (value === 'given')),
    }),
  }),
  row({
    key: 'transaction',
    words: 'Whether the statement runs inside an open transaction block.',
    example: 'open',
    schema: z.enum(['open', 'none']),
    compile: (value) => ({
      about: 'statement',
      test: ({ asker }) => yesNo((asker.transaction !== 'none') === (value === 'open')),
    }),
  }),
];

function useName() {
  return z.enum(['output', 'filter', 'join', 'group', 'order', 'other']);
}

/** Reading is a part of most other actions: whoever names those has named it. */
function actionAnswer({ actions, isUnknown }: Facts, named: ReadonlySet<string>): Answer {
  const all = [...actions];
  const main = all.filter((action) => action !== 'read');
  const isAll = (main.length > 0 ? main : all).every((action) => named.has(action));
  if (isAll) return 'yes';
  return isUnknown || all.some((action) => named.has(action)) ? 'unknown' : 'no';
}

function rowsAtMost({ analysis, estimate }: Facts, bound: number): Answer {
  if (analysis.rowsMax !== undefined && analysis.rowsMax <= bound) return 'yes';
  if (!estimate.known) return 'unknown';
  return yesNo(estimate.value <= bound);
}

function opposite(answer: Answer): Answer {
  if (answer === 'unknown') return 'unknown';
  return answer === 'yes' ? 'no' : 'yes';
}

function compileLevel(value: string | readonly string[], catalog: Catalog): ColumnTest | Refusal {
  const ranks = new Set<number>();
  for (const name of listOf(value)) {
    const level = catalog.levelByName.get(name.replace(/\+$/, ''));
    if (level === undefined) return unknownName('level', name, catalog.levelByName.keys());
    const last = name.endsWith('+') ? catalog.levels.length - 1 : level.rank;
    for (let rank = level.rank; rank <= last; rank += 1) ranks.add(rank);
  }
  return { about: 'column', test: ({ found }) => yesNo(ranks.has(found.level.rank)) };
}

function compileAddress(value: string | readonly string[]): StatementTest | Refusal {
  const networks = listOf(value).map(parseNetwork);
  const known = networks.filter((network) => network !== undefined);
  if (known.length !== networks.length || !isNonEmpty(known)) {
    return { about: 'mistake', words: 'not a network', mend: 'write for example 10.0.0.0/8 or fd00::/8' };
  }
  return {
    about: 'statement',
    test: ({ asker }) => {
      const answers = known.map((network) => network.contains(asker.clientAddress));
      if (answers.includes(true)) return 'yes';
      return answers.includes(undefined) ? 'unknown' : 'no';
    },
  };
}

function hasCategory(catalog: Catalog, name: string): boolean {
  if (catalog.categories.has(name)) return true;
  return [...catalog.categories.keys()].some((other) => other.startsWith(`${name}.`));
}

function unknownName(what: string, name: string, candidates: Iterable<string>): Refusal {
  const list = [...candidates];
  const near = nearest(name, list);
  const mend = near === undefined ? `known: ${list.slice(0, 20).join(', ')}` : `did you mean '${near}'?`;
  return { about: 'mistake', words: `no ${what} named '${name}'`, mend };
}

function compileNames(names: readonly string[], what: 'column' | 'table'): ColumnTest | Refusal {
  const wanted = what === 'column' ? 3 : 2;
  const globs: (readonly PartMatcher[])[] = [];
  for (const name of names) {
    const parts = parseGlob(name);
    if (parts === undefined || (parts.length !== wanted && parts.length !== wanted + 1)) {
      const form = what === 'column' ? 'schema.table.column' : 'schema.table';
      return { about: 'mistake', words: `'${name}' is not a ${what}`, mend: `write [database.]${form}` };
    }
    globs.push(parts.length === wanted ? [wildMatcher('*'), ...parts] : parts);
  }
  return {
    about: 'column',
    test: (touch, { asker }) => {
      let answer: Answer = 'no';
      for (const glob of globs) {
        const one = nameAnswer(glob, touch, asker.database);
        if (one === 'yes') return 'yes';
        if (one === 'unknown') answer = 'unknown';
      }
      return answer;
    },
  };
}

/** A relation as a whole holds the named column, and more. */
function nameAnswer(glob: readonly PartMatcher[], touch: Touch, database: string): Answer {
  const [isDatabase, isSchema, isTable, isColumn] = glob;
  const { schema, name } = touch.relation;
  if (isDatabase?.(database) !== true || isSchema?.(schema) !== true || isTable?.(name) !== true) return 'no';
  if (isColumn === undefined) return 'yes';
  if (touch.column !== undefined) return yesNo(isColumn(touch.column));
  return touch.how === 'whole' ? 'unknown' : 'no';
}
