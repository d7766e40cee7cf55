// The catalog as the house uses it: frozen types, every name looked up, every word with its place. Made by link.ts; asked by
// levels.ts. It knows nothing of rules: what a level means for a statement is the policy's business.
import type { Sha256 } from '../core/brand.ts';
import type { MaskStyle } from '../core/mask-style.ts';
import type { Place } from '../core/place.ts';
import type { RelationName } from '../sql/analysis.ts';
import type { LevelMemo } from './level-memo.ts';
import type { NamePattern } from './pattern.ts';

/** `console`: never by a button in a chat. `passkey`: in the console, and with a passkey of the approver's own. */
export type StepUp = 'console' | 'passkey';

export interface Level {
  readonly name: string;
  /** 0 is the least sensitive. */
  readonly rank: number;
  /** A level that masks holds whatever is not masked. */
  readonly read: 'allow' | 'hold' | 'deny';
  /** `read: mask` in the file. */
  readonly isMasked: boolean;
  readonly mask: MaskStyle | undefined;
  readonly rows: number | undefined;
  readonly approvers: readonly string[];
  readonly quorum: number;
  /** What a yes takes beyond being an approver. */
  readonly stepUp?: StepUp;
  readonly place: Place;
}

export interface Category {
  readonly name: string;
  readonly level: Level;
  readonly mask: MaskStyle | undefined;
  readonly frameworks: readonly string[];
  readonly place: Place;
}

/** What one entry, default or pattern says. */
export interface Word {
  readonly level: Level;
  readonly category: string | undefined;
  readonly reason: string | undefined;
  readonly owner: string | undefined;
  readonly place: Place;
}

export interface TableWords {
  readonly relation: RelationName;
  /** Table in one word: it stands for every column. */
  readonly isWhole: boolean;
  readonly default: Word | undefined;
  readonly columns: ReadonlyMap<string, Word>;
  readonly owner: string | undefined;
  readonly place: Place;
}

export interface ViewWord extends Word {
  readonly relation: RelationName;
}

export interface FunctionWord extends Word {
  readonly schema: string;
  readonly name: string;
  /** Types as regprocedure prints them; undefined: every overload. */
  readonly signature: string | undefined;
}

export interface DatabaseWords {
  readonly name: string;
  /** Owners of its files: asked when nothing more particular is known. */
  readonly owners: readonly string[];
  readonly tables: ReadonlyMap<string, TableWords>;
  readonly views: ReadonlyMap<string, ViewWord>;
  readonly functions: ReadonlyMap<string, readonly FunctionWord[]>;
}

export interface Approver {
  readonly name: string;
  readonly email: string | undefined;
  readonly slack: string | undefined;
  readonly tokenSha256: string | undefined;
  /** Their account at the identity provider. */
  readonly oidc?: string | undefined;
  readonly groups: readonly string[];
  readonly place: Place;
}

export interface Catalog {
  /** Hash over the names and texts of all files of the folder that take part in a verdict. */
  readonly version: Sha256;
  readonly levels: readonly Level[];
  readonly levelByName: ReadonlyMap<string, Level>;
  readonly categories: ReadonlyMap<string, Category>;
  readonly unclassified: Level;
  readonly patterns: readonly NamePattern<Word>[];
  readonly databases: ReadonlyMap<string, DatabaseWords>;
  readonly approvers: ReadonlyMap<string, Approver>;
  /** Group → names of its people. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** What levels.ts found before. */
  readonly memo: LevelMemo;
}

/** NUL cannot stand in a Postgres name, so two different relations never share a key. */
export function relationKey(relation: RelationName): string {
  return `${relation.schema}\0${relation.name}`;
}
