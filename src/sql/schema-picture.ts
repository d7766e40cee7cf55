// Reading the live schema: whole the first time, then only the groups that have moved since. The caller owns the connection.
import { buildSnapshot, groupText, type Built, type GroupTexts } from './schema-build.ts';
import { fingerprintOf, fingerprintQuery, movedGroups, type Fingerprint, type Group } from './schema-groups.ts';
import { isNaming, namesStand, queryKeeping, withKept } from './schema-kept.ts';
import { beginSnapshot, endSnapshot, type Query } from './schema-queries.ts';
import type { Snapshot } from './schema.ts';

/** A schema as it was read, with all that the next reading needs to ask only for what has moved since. */
export interface Picture extends Built {
  readonly fingerprint: Fingerprint;
  /**
   * The last reading during which nothing moved. What prints definitions (pg_get_viewdef) looks past the snapshot at what is there by
   * then: only of a reading that met nobody is it certain by which names it was printed, and only that can be kept.
   */
  readonly lender?: GroupTexts | undefined;
}

/** Reads the whole schema in one transaction. On any error the transaction is ended and the error passed on. */
export async function readSnapshot(query: Query): Promise<Snapshot> {
  return (await readPicture(query)).snapshot;
}

/** The same; what has not moved since `before` is neither asked for nor made again, and what was printed of it is kept. */
export async function readPicture(query: Query, before?: Picture): Promise<Picture> {
  const read = await inSnapshot(query, (noted) => readGroups(query, noted, before));
  const behind = (await query(fingerprintQuery))[0]?.[0];
  return { ...read, lender: behind === read.noted ? read.texts : before?.lender };
}

async function inSnapshot<T>(
  query: Query,
  read: (noted: string) => Promise<T>,
): Promise<T & { readonly noted: string }> {
  for (const text of beginSnapshot) await query(text);
  try {
    const noted = (await query(fingerprintQuery))[0]?.[0] ?? '';
    return { ...(await read(noted)), noted };
  } finally {
    await query(endSnapshot);
  }
}

/** Where one snapshot of the server answers all, and names are printed by an empty search_path. */
async function readGroups(query: Query, noted: string, before: Picture | undefined): Promise<Picture> {
  const fingerprint = fingerprintOf(noted);
  const texts = new Map(before?.texts);
  const moved = movedGroups(fingerprint, before?.fingerprint);
  const read = async (groups: readonly Group[], lender: GroupTexts | undefined): Promise<void> => {
    for (const group of groups) {
      const lent = lender?.get(group);
      const answer = (await query(queryKeeping(group, lent)))[0]?.[0];
      if (typeof answer !== 'string') throw new Error(`the schema query ${group} gave no row`);
      const text = withKept(answer, lent);
      // The same object: whoever compares need not look inside.
      if (text !== texts.get(group)?.text) texts.set(group, groupText(group, text));
    }
  };
  const lender = before?.lender;
  const [names, others] = [moved.filter(isNaming), moved.filter((group) => !isNaming(group))];
  await read(names, lender);
  const isStanding = lender !== undefined && namesStand(lender, texts);
  if (lender !== undefined && !isStanding) await read(names, undefined);
  await read(others, isStanding ? lender : undefined);
  return { snapshot: buildSnapshot(texts, before), fingerprint, texts };
}
