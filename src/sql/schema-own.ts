// The schema as one session sees it inside its own transaction, uncommitted definitions included: asked in that session by one exchange, and
// only for what differs from what everybody sees. The agent must notice none of it: everything stands behind a savepoint that is taken back,
// with its settings and the locks of printing definitions; an error of ours is undone by the same savepoint.
//
// An agent can make relations and types of its own (pg_temp), which Postgres finds first by an unqualified name: so pg_temp is put last,
// and the questions qualify what is no key word.
import { known, notKnown, type Known } from '../core/known.ts';
import { buildSnapshot, groupText } from './schema-build.ts';
import {
  fingerprintOf,
  fingerprintQuery,
  groupIfMoved,
  groupNames,
  noteFingerprint,
  tooLarge,
} from './schema-groups.ts';
import type { Picture } from './schema-picture.ts';

const savepoint = '"countersign own 5f0c2a"';

const before = [
  `SAVEPOINT ${savepoint}`,
  'SET LOCAL search_path = pg_catalog, pg_temp',
  "SET LOCAL client_encoding = 'UTF8'",
  'SET LOCAL quote_all_identifiers = off',
  "SET LOCAL statement_timeout = '5s'",
  // Printing a definition takes a lock: the agent must not wait for somebody else's DDL because we look.
  "SET LOCAL lock_timeout = '250ms'",
  'SHOW transaction_isolation',
  noteFingerprint,
] as const;
const isolationAt = 6;
const fingerprintAt = 7;

/** Also by themselves, behind an error. */
export const ownTakenBack: readonly string[] = [`ROLLBACK TO SAVEPOINT ${savepoint}`, `RELEASE SAVEPOINT ${savepoint}`];

export function ownQuestions(base: Picture | undefined): readonly string[] {
  const groups = groupNames.map((group) => groupIfMoved(group, base?.fingerprint));
  return [...before, ...groups, fingerprintQuery, ...ownTakenBack];
}

type OwnAnswers = readonly (readonly (readonly (string | null)[])[])[];

/** Whether the questions saw the time when the transaction began, whatever others have done since; names mean what they mean now. */
export function sawThePast(answers: OwnAnswers): boolean {
  const isolation = answers[isolationAt]?.[0]?.[0];
  return isolation !== 'read committed' && isolation !== 'read uncommitted';
}

/** `answers`: of `ownQuestions(base)`. `moved`: others changed definitions meanwhile, and it has to be asked again. */
export function ownPicture(answers: OwnAnswers, base: Picture | undefined): Known<Picture> | 'moved' {
  const one = (at: number): string | null | undefined => answers[at]?.[0]?.[0];
  const [noted, behind] = [one(fingerprintAt), one(before.length + groupNames.length)];
  if (typeof noted !== 'string' || noted === '') throw new Error('the session gave no fingerprint of its schema');
  // Each question sees what is committed by then: only when nothing moved all the while do they tell of one schema.
  if (noted !== behind) return 'moved';
  const texts = new Map(base?.texts);
  for (const [at, group] of groupNames.entries()) {
    const text = one(before.length + at);
    if (text === undefined) throw new Error(`the schema query ${group} gave no row`);
    if (text === tooLarge)
      return notKnown('definitions changed in this transaction, and the schema is too large to be read in it');
    if (text !== null && text !== texts.get(group)?.text) texts.set(group, groupText(group, text));
  }
  return known({ snapshot: buildSnapshot(texts, base), fingerprint: fingerprintOf(noted), texts });
}
