// Verdicts on whole texts, remembered: judging is pure, so the same reading by the same asker under the same files has the same verdict
// until a clock says otherwise. A text of several statements gets the strictest of them, with the reasons of all.
import { isNonEmpty, type Sha256 } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import type { Known } from '../core/known.ts';
import type { ReadText } from '../sql/reading.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import type { Asker } from './asker.ts';
import type { Classification } from './classification.ts';
import type { Carried } from './flows.ts';
import { judge, uniqueColumns } from './judge.ts';
import { leftBehind } from './left-behind.ts';
import { stricter, type Need, type Verdict } from './verdict.ts';

export interface JudgingParts {
  /** What is in force now. */
  readonly classification: () => Classification;
  readonly clock: Clock;
}

/** Askers whose verdict is remembered for one text. */
const askersMax = 64;

export class Judging {
  readonly #parts: JudgingParts;
  #remembered = new WeakMap<ReadText, Map<string, Verdict>>();
  #version: Sha256 | undefined;
  #floors = 0;
  readonly #keys = new WeakMap<Asker, string>();
  #inForce: Classification | undefined;
  #moment = 0;

  constructor(parts: JudgingParts) {
    this.#parts = parts;
  }

  /** With what the planner expects, where somebody asked it; that is never remembered. */
  verdict(text: ReadText, asker: Asker, estimate?: Known<number>): Verdict {
    const classification = this.#current();
    const now = this.#parts.clock.now();
    if (estimate !== undefined) return judgeText(text, { classification, asker, now, estimate });
    const key = this.#keyOf(asker);
    let verdicts = this.#remembered.get(text);
    const before = verdicts?.get(key);
    if (before !== undefined && (before.validUntil === undefined || now < before.validUntil)) return before;
    const fresh = judgeText(text, { classification, asker, now });
    if (verdicts === undefined || verdicts.size >= askersMax) {
      verdicts = new Map();
      this.#remembered.set(text, verdicts);
    }
    verdicts.set(key, fresh);
    return fresh;
  }

  /** Another number when what verdicts stand on (files, lineage) is another. */
  get moment(): number {
    this.#current();
    return this.#moment;
  }

  #current(): Classification {
    const classification = this.#parts.classification();
    const floors = classification.floors?.version ?? 0;
    if (classification === this.#inForce && floors === this.#floors) return classification;
    this.#inForce = classification;
    if (classification.catalog.version === this.#version && floors === this.#floors) return classification;
    this.#version = classification.catalog.version;
    this.#floors = floors;
    this.#remembered = new WeakMap();
    this.#moment += 1;
    return classification;
  }

  /** Of what was stopped too late; see left-behind.ts. */
  leftBehind(text: ReadText, index: SchemaIndex | undefined, database: string): readonly Carried[] {
    return leftBehind(text, index, { catalog: this.#parts.classification().catalog, database });
  }

  /** Everything that a condition may look at, but for the port that the agent's machine happened to choose. */
  #keyOf(asker: Asker): string {
    const known = this.#keys.get(asker);
    if (known !== undefined) return known;
    const { agent, owner, database, role, applicationName, reason, transaction } = asker;
    const address = asker.clientAddress.replace(/:\d+$/, '');
    const key = JSON.stringify([agent, owner, database, role, applicationName, address, reason, transaction]);
    this.#keys.set(asker, key);
    return key;
  }
}

type Input = Parameters<typeof judge>[1];

/** What is expected of other values speaks against a statement, and never for it: then the planner is asked about its own. */
export function judgeText(text: ReadText, input: Input): Verdict {
  const verdict = judgeBy(text.estimate, text, input);
  if (verdict.kind !== 'allow' || text.replan === undefined || input.estimate !== undefined) return verdict;
  const without = judgeBy(undefined, text, input);
  return without.kind === 'allow' ? verdict : without;
}

function judgeBy(said: ReadText['estimate'], text: ReadText, input: Input): Verdict {
  const known = input.estimate ?? said;
  const estimated = known === undefined ? input : { ...input, estimate: known };
  const verdicts = text.statements.map((one) => judge(one.analysis, estimated));
  const [first, ...more] = verdicts;
  if (first === undefined) return nothing(input);
  return more.reduce(together, first);
}

/** Space and comments: the server answers without running anything. */
function nothing({ classification }: Input): Verdict {
  return {
    kind: 'allow',
    reasons: [],
    columns: [],
    catalogVersion: classification.catalog.version,
    validUntil: undefined,
    rowsMax: undefined,
  };
}

function together(one: Verdict, other: Verdict): Verdict {
  const reasons = [one, other].flatMap((each) => each.reasons);
  const judged = {
    reasons: [
      ...reasons.filter((each) => each.verdict !== 'allow'),
      ...reasons.filter((each) => each.verdict === 'allow'),
    ],
    columns: uniqueColumns([...one.columns, ...other.columns]),
    catalogVersion: one.catalogVersion,
    validUntil: least(one.validUntil, other.validUntil),
    rowsMax: least(one.rowsMax, other.rowsMax),
    ...masksOf(one, other),
    ...carriedOf(one, other),
  };
  const kind = stricter(one.kind, other.kind);
  if (kind === 'allow' || !isNonEmpty(judged.reasons)) return { ...judged, kind: 'allow' };
  const { reasons: why } = judged;
  if (kind === 'deny') return { ...judged, reasons: why, kind };
  const needs = [one, other].flatMap((each) => (each.kind === 'hold' ? each.needs : []));
  const merged = mergedNeeds(needs);
  if (!isNonEmpty(merged)) throw new Error('a hold without anybody to ask');
  return { ...judged, reasons: why, kind, needs: merged };
}

/** What one of them masks is masked in the results of all: masks are by column, and a column is one thing in one text. */
function masksOf(one: Verdict, other: Verdict): Pick<Verdict, 'masks'> {
  const masks = [...(one.masks ?? []), ...(other.masks ?? [])];
  return masks.length === 0 ? {} : { masks };
}

function carriedOf(one: Verdict, other: Verdict): Pick<Verdict, 'carried'> {
  const carried = [...(one.carried ?? []), ...(other.carried ?? [])];
  return carried.length === 0 ? {} : { carried };
}

function mergedNeeds(needs: readonly Need[]): readonly Need[] {
  const merged = new Map<string, Need>();
  for (const need of needs) {
    const key = need.groups.join('\0');
    merged.set(key, { groups: need.groups, quorum: Math.max(need.quorum, merged.get(key)?.quorum ?? 1) });
  }
  return [...merged.values()];
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
