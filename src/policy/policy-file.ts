// policy.yaml → rules, defaults and budgets; frozen, compiled once, every mistake with its place. What holds without a policy.yaml is
// `defaultsWithoutFile`: it can be made stricter or, where people may know better, looser, but there is no way to say "do not look".
import * as z from 'zod';
import { isNonEmpty } from '../core/brand.ts';
import { durationForm, parseDuration } from '../core/durations.ts';
import { maskStyles, type MaskStyle } from '../core/mask-style.ts';
import type { Place } from '../core/place.ts';
import { loadYaml, placeOf, type Checked, type Path, type YamlDocument } from '../core/yaml.ts';
import { checkWith, customIssue } from '../core/yaml-check.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { checkGroup, nobody } from '../catalog/link-approvers.ts';
import { Mistakes } from '../catalog/link-state.ts';
import { conditionRows, type ColumnTest, type StatementTest } from './conditions.ts';
import type { VerdictKind } from './verdict.ts';

const group = z.string().min(1);

const rule = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w. -]{0,79}$/, 'a rule’s name has 1 to 80 letters, digits, spaces and . _ -')
    .describe('Stands in verdicts, refusals and the audit record.'),
  when: z
    .strictObject(Object.fromEntries(conditionRows.map((row) => [row.key, row.schema.optional()])))
    .describe('All conditions must be met; without any, the rule is for every statement.'),
  then: z.enum(['allow', 'mask', 'hold', 'deny']),
  mask: z
    .enum(maskStyles)
    .optional()
    .describe('With `then: mask`: what is shown instead; what category and level say when not given.'),
  approvers: z.array(group).min(1).optional().describe('Who is asked, instead of owners and the level’s approvers.'),
  quorum: z.int().min(1).max(20).optional(),
  reason: z.string().min(1).optional().describe('Why there is this rule; the agent is told.'),
});

/** A duration as milliseconds: `1d`. */
const duration = z.string().transform((text, context) => {
  const amount = parseDuration(text);
  if (amount !== undefined && amount > 0) return amount;
  context.issues.push({ ...customIssue(`must be ${durationForm}`, 'write for example 1d'), input: text });
  return z.NEVER;
});

const defaults = z.strictObject({
  large: z.enum(['hold', 'deny']).optional().describe('More rows than the level’s `rows`.'),
  export: z
    .enum(['level', 'hold', 'deny'])
    .optional()
    .describe('Rows that leave as a whole: `level` is what reading them gets.'),
  destructive: z.enum(['allow', 'hold', 'deny']).optional().describe('DELETE or UPDATE without WHERE, TRUNCATE, DROP.'),
  schema: z.enum(['allow', 'hold', 'deny']).optional().describe('Any other DDL.'),
  privilege: z.enum(['allow', 'hold', 'deny']).optional().describe('Roles, grants, ownership, settings of the server.'),
  escape: z.enum(['hold', 'deny']).optional().describe('Files and programs of the server, replication.'),
  not_known: z.enum(['hold', 'deny']).optional().describe('What cannot be understood for sure.'),
});

const budget = z.strictObject({
  level: z.string().min(1).describe('A level, or `level+` for it and every stricter one.'),
  rows: z.int().min(1).describe('Rows that one agent may read in the window before it is held.'),
  per: duration.describe('The window: 1d, 12h.'),
  agent: z.string().min(1).optional().describe('Only this agent, with *; each agent has its own budget.'),
});

export const policySchema = z
  .strictObject({
    version: z.literal(1, 'this program reads version 1'),
    defaults: defaults.optional().describe('What happens without any rule.'),
    rules: z.array(rule).optional().describe('All rules are looked at; the strictest verdict wins.'),
    budgets: z.array(budget).optional(),
  })
  .describe('Rules: who may do what with which columns, and when.');

type RuleShape = z.output<typeof rule>;

export interface Rule {
  readonly name: string;
  readonly then: VerdictKind | 'mask';
  readonly mask: MaskStyle | undefined;
  readonly place: Place;
  readonly reason: string | undefined;
  readonly approvers: readonly string[];
  readonly quorum: number;
  readonly statementTests: readonly StatementTest[];
  readonly columnTests: readonly ColumnTest[];
  /** Actions that the rule names; undefined: it names none. */
  readonly actions: ReadonlySet<string> | undefined;
  /** Conditions that single out columns: without one, an allow rule lifts no level's hold. */
  readonly namesColumns: boolean;
  readonly rowsMax: number | undefined;
  /** Its conditions as they stand in the file, for `explain`. */
  readonly conditions: readonly string[];
}

export interface Defaults {
  readonly large: 'hold' | 'deny';
  readonly export: 'level' | 'hold' | 'deny';
  readonly destructive: VerdictKind;
  readonly schema: VerdictKind;
  readonly privilege: VerdictKind;
  readonly escape: 'hold' | 'deny';
  readonly notKnown: 'hold' | 'deny';
  /** Where a default was changed. */
  readonly places: ReadonlyMap<string, Place>;
}

export interface Budget {
  /** Ranks of the levels that it counts. */
  readonly rankFrom: number;
  readonly rankTo: number;
  readonly rowsMax: number;
  readonly windowMs: number;
  readonly agent: string | undefined;
  readonly place: Place;
}

export interface Policy {
  readonly rules: readonly Rule[];
  readonly defaults: Defaults;
  readonly budgets: readonly Budget[];
}

const defaultsWithoutFile: Defaults = {
  large: 'hold',
  export: 'level',
  destructive: 'hold',
  schema: 'hold',
  privilege: 'hold',
  escape: 'deny',
  notKnown: 'hold',
  places: new Map(),
};

export const policyWithoutFile: Policy = { rules: [], defaults: defaultsWithoutFile, budgets: [] };

export function loadPolicy(file: { readonly path: string; readonly text: string }, catalog: Catalog): Checked<Policy> {
  const document = loadYaml(file.path, file.text);
  if (document.kind === 'bad') return document;
  const checked = checkWith(policySchema, document.value);
  if (checked.kind === 'bad') return checked;
  const mistakes = new Mistakes();
  const linker = new RuleLinker(document.value, catalog, mistakes);
  const rules = (checked.value.rules ?? []).map((shape, index) => linker.rule(shape, index));
  const budgets = (checked.value.budgets ?? []).map((shape, index) => linker.budget(shape, index));
  if (isNonEmpty(mistakes.list)) return { kind: 'bad', mistakes: mistakes.list };
  const good = { rules, budgets: budgets.filter((one) => one !== undefined) };
  return { kind: 'good', value: { ...good, defaults: defaultsOf(document.value, checked.value.defaults ?? {}) } };
}

function defaultsOf(document: YamlDocument, shape: z.output<typeof defaults>): Defaults {
  const { not_known: notKnown, ...same } = shape;
  const given = Object.fromEntries(Object.entries({ ...same, notKnown }).filter(([, value]) => value !== undefined));
  const places = Object.keys(shape).map(
    (key) => [key === 'not_known' ? 'notKnown' : key, placeOf(document, ['defaults', key], 'key')] as const,
  );
  return { ...defaultsWithoutFile, ...given, places: new Map(places) };
}

/** Names in rules against the names of the catalog. */
class RuleLinker {
  readonly #document: YamlDocument;
  readonly #catalog: Catalog;
  readonly #mistakes: Mistakes;
  readonly #names = new Map<string, number>();

  constructor(document: YamlDocument, catalog: Catalog, mistakes: Mistakes) {
    this.#document = document;
    this.#catalog = catalog;
    this.#mistakes = mistakes;
  }

  rule(shape: RuleShape, index: number): Rule {
    const path = ['rules', index];
    const place = placeOf(this.#document, path);
    const first = this.#names.get(shape.name);
    if (first !== undefined)
      this.#mistakes.add(place, `a rule named '${shape.name}' is here already`, 'give it another name');
    this.#names.set(shape.name, index);
    const when: Readonly<Record<string, unknown>> = shape.when;
    const statementTests: StatementTest[] = [];
    const columnTests: ColumnTest[] = [];
    for (const row of conditionRows) {
      const value = when[row.key];
      if (value === undefined) continue;
      const test = row.compile(value, this.#catalog);
      if (test.about === 'statement') statementTests.push(test);
      else if (test.about === 'column') columnTests.push(test);
      else this.#mistakes.add(placeOf(this.#document, [...path, 'when', row.key]), test.words, test.mend);
    }
    this.#checkPeople(shape, path);
    const namesColumns = ['columns', 'tables', 'level', 'category'].some((key) => when[key] !== undefined);
    const actions = when['action'] === undefined ? undefined : new Set([when['action']].flat().map(String));
    if (shape.then === 'allow') this.#checkAllow({ actions, namesColumns }, place);
    if (shape.then === 'mask' && !namesColumns) {
      this.#mistakes.add(place, 'a rule that masks must name columns', 'add columns:, tables:, level: or category:');
    }
    if (shape.mask !== undefined && shape.then !== 'mask') {
      const at = placeOf(this.#document, [...path, 'mask']);
      this.#mistakes.add(at, 'only a rule with then: mask masks', 'take it out');
    }
    const rowsMax = when['rows_max'];
    return {
      name: shape.name,
      then: shape.then,
      mask: shape.mask,
      place,
      reason: shape.reason,
      approvers: shape.approvers ?? [],
      quorum: shape.quorum ?? 1,
      statementTests,
      columnTests,
      actions,
      namesColumns,
      rowsMax: typeof rowsMax === 'number' ? rowsMax : undefined,
      conditions: Object.entries(when).map(([key, value]) => `${key}: ${[value].flat().join(', ')}`),
    };
  }

  /** A rule that allows must say what: "everything for this agent" is no rule but the end of asking. */
  #checkAllow(rule: Pick<Rule, 'actions' | 'namesColumns'>, place: Place): void {
    const liftable = ['destructive', 'schema', 'privilege'];
    const namesAction = liftable.some((action) => rule.actions?.has(action) === true);
    if (rule.namesColumns || namesAction) return;
    const mend = `add columns:, tables:, level:, category:, or action: with ${liftable.join(', ')}`;
    this.#mistakes.add(place, 'a rule that allows must name what it allows', mend);
  }

  #checkPeople(shape: RuleShape, path: Path): void {
    const at = (key: string): Place => placeOf(this.#document, [...path, key]);
    if (shape.then !== 'hold' && (shape.approvers !== undefined || shape.quorum !== undefined)) {
      this.#mistakes.add(
        at(shape.approvers === undefined ? 'quorum' : 'approvers'),
        'only a rule that holds asks people',
        'take it out',
      );
      return;
    }
    const groups = shape.approvers ?? [];
    for (const name of groups)
      checkGroup({ ...nobody, groups: this.#catalog.groups }, this.#mistakes, name, at('approvers'));
    if (shape.quorum === undefined) return;
    const count = new Set(groups.flatMap((name) => this.#catalog.groups.get(name) ?? [])).size;
    if (groups.length === 0) this.#mistakes.add(at('quorum'), 'a quorum of nobody', 'add approvers: [group]');
    else if (shape.quorum > count) {
      this.#mistakes.add(
        at('quorum'),
        `a quorum of ${shape.quorum} out of ${count}`,
        'lower it or add people in approvers.yaml',
      );
    }
  }

  budget(shape: z.output<typeof budget>, index: number): Budget | undefined {
    const level = this.#catalog.levelByName.get(shape.level.replace(/\+$/, ''));
    const place = placeOf(this.#document, ['budgets', index]);
    if (level === undefined) {
      const at = placeOf(this.#document, ['budgets', index, 'level']);
      this.#mistakes.unknownName(at, 'level', shape.level, this.#catalog.levelByName.keys());
      return undefined;
    }
    const rankTo = shape.level.endsWith('+') ? this.#catalog.levels.length - 1 : level.rank;
    return { rankFrom: level.rank, rankTo, rowsMax: shape.rows, windowMs: shape.per, agent: shape.agent, place };
  }
}
