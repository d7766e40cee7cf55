// From what a statement touches to its verdict. Pure: no clock but the one passed in, nothing read, nothing remembered.
// Every rule is looked at, every reason is kept, the strictest wins. An allow rule lifts a level's own hold for the columns that it
// names, or the default of an action that it names; nothing lifts a denial, another rule, or what is not known.
import { isNonEmpty } from '../core/brand.ts';
import { dotted } from '../core/names.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { MaskStyle } from '../core/mask-style.ts';
import { notKnown, type Known } from '../core/known.ts';
import { visible } from '../core/visible.ts';
import { dottedVisible } from '../sql/canonical.ts';
import type { Analysis } from '../sql/analysis.ts';
import type { Asker } from './asker.ts';
import type { Classification } from './classification.ts';
import { factsOf, rowsBoundOf, type Facts, type Touch } from './facts.ts';
import { originText } from './floors.ts';
import { loweredFlows, type Carried } from './flows.ts';
import { isMaskable, isShownOnly, styleOf, type MaskedRead } from './masking.ts';
import { liftsAction, liftsLevel, matchAgainst, mayMask, speaksFor, validUntil } from './matching.ts';
import { needsOf, type HoldCause } from './needs.ts';
import type { Defaults, Rule } from './policy-file.ts';
import { stricter, type Action, type LeveledColumn, type Reason, type Verdict, type VerdictKind } from './verdict.ts';

export interface JudgeInput {
  readonly classification: Classification;
  readonly asker: Asker;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Rows that the planner expects, where somebody asked it. */
  readonly estimate?: Known<number>;
}

const noEstimate = notKnown('the planner was not asked');

export function judge(analysis: Analysis, input: JudgeInput): Verdict {
  const { catalog, policy, floors } = input.classification;
  const { asker, now } = input;
  const facts = factsOf(analysis, { catalog, floors, asker, now, estimate: input.estimate ?? noEstimate });
  const speaking = policy.rules.filter((rule) => speaksFor(rule, facts, 'allow'));
  const found: Found = { causes: [], reasons: [], masks: [], carried: [], rowsMax: rowsBoundOf(facts.reads) };
  judgeLevels(found, facts, { speaking, rules: policy.rules, catalog });
  judgeFlows(found, facts, { speaking, classification: input.classification });
  judgeFunctions(found, facts);
  judgeActions(found, facts, policy.defaults, speaking);
  judgeUnknowns(found, facts, policy.defaults);
  judgeRules(found, facts, policy.rules);
  const reasons = found.reasons.toSorted((a, b) => rank(b.verdict) - rank(a.verdict));
  const kind = reasons.reduce<VerdictKind>((worst, reason) => stricter(worst, reason.verdict), 'allow');
  const judged = {
    reasons,
    columns: uniqueColumns(facts.reads.filter(isWorthNaming).map(leveled)),
    catalogVersion: catalog.version,
    validUntil: validUntil(policy.rules, facts),
    rowsMax: found.rowsMax,
    ...(found.masks.length === 0 ? {} : { masks: found.masks }),
    ...(found.carried.length === 0 ? {} : { carried: found.carried }),
  };
  if (kind === 'allow' || !isNonEmpty(reasons)) return { kind: 'allow', ...judged };
  if (kind === 'deny') return { kind, ...judged, reasons };
  const needs = needsOf(found.causes, facts, catalog);
  if (isNonEmpty(needs)) return { kind, ...judged, reasons, needs, ...offerOf(found, facts, catalog) };
  // Nobody can say yes, so asking would only take longer than no.
  const nobody = plainReason(
    'deny',
    'notKnown',
    'no approvers',
    'it should be held, but the catalog names nobody to ask',
  );
  return { kind: 'deny', ...judged, reasons: [nobody, ...reasons] };
}

/** What judging finds on its way; the only thing here that changes. */
interface Found {
  readonly causes: HoldCause[];
  readonly reasons: Reason[];
  readonly masks: MaskedRead[];
  readonly carried: Carried[];
  rowsMax: number | undefined;
}

const ranks: Readonly<Record<VerdictKind, number>> = { allow: 0, hold: 1, deny: 2 };
const rank = (kind: VerdictKind): number => ranks[kind];

interface Lifting {
  /** Rules that allow and speak for this statement for sure. */
  readonly speaking: readonly Rule[];
  readonly rules: readonly Rule[];
  readonly catalog: Catalog;
}

function judgeLevels(found: Found, facts: Facts, lifting: Lifting): void {
  const groups = new Map<string, { kind: 'hold' | 'deny'; touches: Touch[] }>();
  const canMask = isMaskable(facts.analysis);
  for (const touch of facts.reads) {
    const { level } = touch.found;
    const mask = level.read === 'deny' ? undefined : maskingOf(touch, facts, lifting);
    if (mask !== undefined && canMask && isShownOnly(touch, facts.analysis)) {
      addMask(found, touch, mask);
      continue;
    }
    const allowing =
      level.read === 'hold' ? lifting.speaking.find((rule) => liftsLevel(rule, touch, facts)) : undefined;
    if (level.read === 'allow' || allowing !== undefined) {
      if (allowing !== undefined) addLift(found, allowing, [touch], actionOfReading(facts));
      // What may be shown only masked, and cannot be here, is for people to decide.
      if (mask?.rule !== undefined) addUnmasked(found, mask.rule, touch, facts);
      continue;
    }
    const group = groups.get(level.name) ?? { kind: level.read, touches: [] };
    group.touches.push(touch);
    groups.set(level.name, group);
  }
  for (const [name, { kind, touches }] of groups) {
    found.reasons.push({
      verdict: kind,
      action: actionOfReading(facts),
      rule: `level ${name}`,
      place: touches[0]?.found.place ?? touches[0]?.found.level.place,
      words: `reads ${touchesText(touches)} (${name})`,
      columns: touches.map(leveled),
    });
    if (kind === 'hold') found.causes.push({ by: 'level', touches });
  }
}

interface Masking {
  /** Undefined: the level itself. */
  readonly rule: Rule | undefined;
  readonly style: MaskStyle;
}

/** A rule that masks narrows what is allowed as soon as it may be meant; it lifts a hold only where it is meant for sure. */
function maskingOf(touch: Touch, facts: Facts, { rules, speaking, catalog }: Lifting): Masking | undefined {
  const { level } = touch.found;
  const isAllowed = level.read === 'allow' || speaking.some((rule) => liftsLevel(rule, touch, facts));
  const rule = rules.find((one) =>
    isAllowed
      ? mayMask(one, touch, facts)
      : one.then === 'mask' && speaksFor(one, facts, 'mask') && liftsLevel(one, touch, facts),
  );
  if (rule !== undefined) return { rule, style: rule.mask ?? styleOf(touch, catalog) };
  return level.isMasked && !isAllowed ? { rule, style: styleOf(touch, catalog) } : undefined;
}

function addMask(found: Found, touch: Touch, { rule, style }: Masking): void {
  const { level, place } = touch.found;
  if (rule?.rowsMax !== undefined) found.rowsMax = Math.min(found.rowsMax ?? rule.rowsMax, rule.rowsMax);
  const column = { relation: touch.relation, column: touch.column ?? '' };
  found.masks.push({ column, style });
  found.reasons.push({
    verdict: 'allow',
    action: 'read',
    rule: rule?.name ?? `level ${level.name}`,
    place: rule?.place ?? place ?? level.place,
    words: `${nameText(touch)} is masked (${style})`,
    columns: [leveled(touch)],
  });
}

function addUnmasked(found: Found, rule: Rule, touch: Touch, facts: Facts): void {
  found.reasons.push({
    verdict: 'hold',
    action: actionOfReading(facts),
    rule: rule.name,
    place: rule.place,
    words: `${nameText(touch)} may be shown masked only, and is used otherwise here`,
    columns: [leveled(touch)],
  });
  found.causes.push({ by: 'rule', rule, touches: [touch] });
}

/** What approvers can choose instead of yes: nothing stands in the way but values that are only shown. */
function offerOf(found: Found, facts: Facts, catalog: Catalog): { readonly masksOffered?: readonly MaskedRead[] } {
  if (!isMaskable(facts.analysis)) return {};
  const masks = [...found.masks];
  for (const cause of found.causes) {
    // How many rows is another question, which the same people answer.
    if (cause.by === 'large') continue;
    if (cause.by !== 'level' || !cause.touches.every((touch) => isShownOnly(touch, facts.analysis))) return {};
    for (const touch of cause.touches) {
      masks.push({
        column: { relation: touch.relation, column: touch.column ?? '' },
        style: styleOf(touch, catalog),
      });
    }
  }
  return masks.length === 0 ? {} : { masksOffered: masks };
}

function actionOfReading(facts: Facts): Action {
  return facts.actions.has('export') ? 'export' : 'read';
}

function addLift(found: Found, rule: Rule, touches: readonly Touch[], action: Action): void {
  if (rule.rowsMax !== undefined) found.rowsMax = Math.min(found.rowsMax ?? rule.rowsMax, rule.rowsMax);
  const what = touches.length === 0 ? action : touchesText(touches);
  found.reasons.push({
    verdict: 'allow',
    action,
    rule: rule.name,
    place: rule.place,
    words: `${rule.name} lifts the hold of ${what}`,
    columns: touches.map(leveled),
  });
}

/** Held as what it is: the data, its level, and where it goes. A rule that names exports and these columns lifts it. */
function judgeFlows(
  found: Found,
  facts: Facts,
  how: { readonly speaking: readonly Rule[]; readonly classification: Classification },
): void {
  const place = how.classification.policy.defaults.places.get('export');
  const rule = place === undefined ? 'no policy: export' : 'default: export';
  const lifting = how.speaking.filter((one) => one.actions?.has('export') === true);
  for (const { level, into, touches: all, columns } of loweredFlows(facts, how.classification)) {
    // Whoever lets it through, it stays what it is.
    found.carried.push(...columns);
    const touches = all.filter((touch) => !lifting.some((one) => liftsLevel(one, touch, facts)));
    if (touches.length === 0) continue;
    const words = `data of level ${level} into ${into}: ${touchesText(touches)}`;
    found.reasons.push({ verdict: 'hold', action: 'export', rule, place, words, columns: touches.map(leveled) });
    found.causes.push({ by: 'level', touches });
  }
}

/** Functions that the catalog speaks for; those without a word are not known, see judgeUnknowns. */
function judgeFunctions(found: Found, facts: Facts): void {
  for (const { use, word } of facts.functions) {
    if (word === undefined || word.level.read === 'allow') continue;
    const verdict = word.level.read;
    const words = `calls ${visible(dottedVisible(use.schema, use.name), 200)} (${word.level.name})`;
    found.reasons.push({
      verdict,
      action: 'read',
      rule: `level ${word.level.name}`,
      place: word.place,
      words,
      columns: [],
    });
    if (verdict === 'hold') found.causes.push({ by: 'function', word });
  }
}

const actionWords: Readonly<Partial<Record<Action, string>>> = {
  destructive: 'removes or overwrites, whole or in part',
  schema: 'changes the schema',
  privilege: 'changes rights, roles or the server’s own settings',
  escape: 'leaves the database: files, programs or replication of the server',
};

function judgeActions(found: Found, facts: Facts, defaults: Defaults, speaking: readonly Rule[]): void {
  for (const action of ['destructive', 'schema', 'privilege', 'escape'] as const) {
    if (!facts.actions.has(action)) continue;
    const verdict = defaults[action];
    const lifting = verdict === 'hold' ? speaking.find((rule) => liftsAction(rule, action, facts)) : undefined;
    if (lifting !== undefined) {
      addLift(found, lifting, [], action);
      continue;
    }
    addDefault(found, { verdict, action, words: actionText(action, facts) }, defaults);
  }
  if (facts.actions.has('large')) {
    const expected = facts.estimate.known ? Math.round(facts.estimate.value) : 0;
    const words = `about ${expected} rows; ${found.rowsMax ?? 0} at once are let through`;
    addDefault(found, { verdict: defaults.large, action: 'large', words }, defaults);
  }
  if (facts.actions.has('export') && defaults.export !== 'level') {
    const words = `${facts.analysis.command}: copies rows out as a whole`;
    addDefault(found, { verdict: defaults.export, action: 'export', words }, defaults);
  }
}

function addDefault(
  found: Found,
  { verdict, action, words }: { readonly verdict: VerdictKind; readonly action: Action; readonly words: string },
  defaults: Defaults,
): void {
  const place = defaults.places.get(action);
  const rule = place === undefined ? `no policy: ${action}` : `default: ${action}`;
  found.reasons.push({ ...plainReason(verdict, action, rule, words), place });
  if (verdict === 'hold') found.causes.push({ by: action === 'large' ? 'large' : 'action' });
}

function judgeUnknowns(found: Found, facts: Facts, defaults: Defaults): void {
  if (!facts.isUnknown) return;
  const whys = facts.analysis.unknowns.map((unknown) => unknown.why);
  for (const { use, word } of facts.functions) {
    if (word === undefined) whys.push(`nobody said what ${functionText(use)} reads`);
  }
  if (whys.length === 0) whys.push('a statement that is not understood');
  const place = defaults.places.get('notKnown');
  const rule = place === undefined ? 'no policy: not_known' : 'default: not_known';
  for (const why of [...new Set(whys)].slice(0, unknownsMax)) {
    found.reasons.push({ ...plainReason(defaults.notKnown, 'notKnown', rule, visible(why, 300)), place });
  }
  if (defaults.notKnown === 'hold') found.causes.push({ by: 'notKnown' });
}

/** A statement can have thousands of unknown things; people read a few. */
const unknownsMax = 10;

function judgeRules(found: Found, facts: Facts, rules: readonly Rule[]): void {
  for (const rule of rules) {
    if (rule.then === 'allow' || rule.then === 'mask') continue;
    const match = matchAgainst(rule, facts);
    if (!match.applies) continue;
    const about = match.touches.length === 0 ? facts.analysis.command : touchesText(match.touches);
    found.reasons.push({
      verdict: rule.then,
      action: actionOfRule(rule, facts),
      rule: rule.name,
      place: rule.place,
      words: `${rule.reason ?? `rule ${rule.name}`}: ${about}`,
      columns: match.touches.map(leveled),
    });
    if (rule.then === 'hold') found.causes.push({ by: 'rule', rule, touches: match.touches });
  }
}

function actionOfRule(rule: Rule, facts: Facts): Action {
  const own = [...facts.actions].find((action) => rule.actions?.has(action) === true);
  return own ?? facts.analysis.kinds[0] ?? 'notKnown';
}

function plainReason(verdict: VerdictKind, action: Action, rule: string, words: string): Reason {
  return { verdict, action, rule, place: undefined, words, columns: [] };
}

function isWorthNaming(touch: Touch): boolean {
  return touch.column !== undefined || touch.found.level.read !== 'allow';
}

export function leveled(touch: Touch): LeveledColumn {
  return {
    column: { relation: touch.relation, column: touch.column ?? '*' },
    level: touch.found.level.name,
    category: touch.found.category,
    uses: touch.uses,
    place: touch.found.place,
    owner: touch.found.owner,
    ...(touch.found.origin === undefined ? {} : { origin: touch.found.origin }),
  };
}

/** A column that is read in several ways, by the statement itself and by a trigger, is one column to people. */
export function uniqueColumns(columns: readonly LeveledColumn[]): readonly LeveledColumn[] {
  const found = new Map<string, LeveledColumn>();
  for (const each of columns) {
    const { relation, column } = each.column;
    const key = JSON.stringify([relation.schema, relation.name, column, each.level]);
    const before = found.get(key);
    found.set(key, before === undefined ? each : { ...before, uses: [...new Set([...before.uses, ...each.uses])] });
  }
  return [...found.values()];
}

const namesMax = 8;

/** The first names in full; a statement may use thousands of columns, and people read a few. */
function touchesText(touches: readonly Touch[]): string {
  const shown = new Set<string>();
  let at = 0;
  for (; at < touches.length && shown.size < namesMax; at += 1) {
    const touch = touches[at];
    if (touch !== undefined) shown.add(nameText(touch));
  }
  const more = touches.length - at;
  return [...shown].join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function nameText({ relation, column, found: { origin } }: Touch): string {
  const parts = [...shortSchema(relation.schema), relation.name, ...(column === undefined ? [] : [column])];
  const text = dotted(...parts);
  // Nearly every name is plain; making it safe costs more than all the rest of judging.
  const name = plainName.test(text) ? text : visible(dottedVisible(...parts), 200);
  return origin === undefined ? name : `${name} (${originText(origin)})`;
}

const plainName = /^[\w.$]{1,200}$/;

/** `public` goes without saying, as in Postgres's own messages. */
function shortSchema(schema: string): readonly string[] {
  return schema === 'public' ? [] : [schema];
}

function actionText(action: Action, { analysis, others }: Facts): string {
  const does = actionWords[action] ?? action;
  if (others.length > 0) {
    const targets = touchesText(others.map((touch) => ({ ...touch, column: undefined })));
    return `${analysis.command}: ${does}: ${targets}`;
  }
  return `${analysis.command}: ${action === 'destructive' ? 'removes or overwrites what is there' : does}`;
}

function functionText(use: { readonly schema: string; readonly name: string; readonly signature: string }): string {
  return visible(`${dottedVisible(use.schema, use.name)}(${use.signature})`, 200);
}
