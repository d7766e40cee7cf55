// An agent's Parse goes to the server ahead of its judging, which is at Bind. Where parsing itself may run a function of users
// (early-checks.ts) it must not: here is for which texts that is so. In nearly every database nothing here is ever called.
import { hasCallingChecks } from './early-checks.ts';
import type { PoolAnswer } from './parser-pool.ts';
import type { AskedSession, Meaning, ReadText } from './reading.ts';
import { firstUserOid, type SchemaIndex } from './schema-index.ts';
import { decodeText, type Exactness } from './text.ts';

export interface ParseTools {
  ready(): Promise<SchemaIndex | undefined>;
  remembered(meaning: Meaning, index: SchemaIndex): ReadText | undefined;
  analyse(cold: {
    readonly meaning: Meaning;
    readonly index: SchemaIndex;
    readonly text: string;
    readonly exact: Exactness;
  }): Promise<PoolAnswer>;
}

interface Parsed {
  readonly sql: Buffer;
  readonly types: readonly number[];
  readonly session: Pick<AskedSession, 'settle'>;
}

export async function parsesEarly({ sql, types, session }: Parsed, tools: ParseTools): Promise<boolean> {
  const standing = await session.settle();
  if (standing.kind === 'skipping') return false;
  // Nobody knows, and it can be tried again.
  if (standing.kind === 'stopped') return true;
  const { meaning } = standing;
  const index = meaning.own?.index ?? (await tools.ready());
  if (index === undefined) return true;
  if (!hasCallingChecks(index)) return false;
  if (isTypedEarly(types, index)) return true;
  const known = tools.remembered(meaning, index);
  if (known !== undefined) return known.statements.some((one) => one.analysis.early === true);
  const decoded = decodeText(sql, meaning.encodings);
  if (decoded.kind !== 'text') return decoded.kind === 'unreadable';
  const answer = await tools.analyse({ meaning, index, text: decoded.text, exact: decoded.exact });
  switch (answer.kind) {
    case 'statements':
      return answer.statements.some((one) => one.analysis.early === true);
    case 'empty':
      return false;
    case 'refused':
      return answer.by === 'house';
    case 'syntaxError':
      return mayQuote(sql);
    case 'notKnown':
      return true;
  }
}

/** Without a quote there is no constant to be made of: whatever the server makes of such a text, it makes when it runs. */
export function mayQuote(sql: Buffer): boolean {
  return sql.includes("'") || sql.includes('$');
}

/** A constant beside a parameter becomes what the parameter is. */
export function isTypedEarly(types: readonly number[], index: SchemaIndex): boolean {
  return hasCallingChecks(index) && types.some((oid) => oid >= firstUserOid);
}
