// Reading the live schema: whole the first time, then only the groups that have moved since. The caller owns the connection.
import { buildSnapshot, groupText, type Built } from './schema-build.ts';
import { fingerprintOf, fingerprintQuery, groupQueries, movedGroups, type Fingerprint } from './schema-groups.ts';
import { beginSnapshot, endSnapshot, type Query } from './schema-queries.ts';
import type { Snapshot } from './schema.ts';

/** A schema as it was read, with all that the next reading needs to ask only for what has moved since. */
export interface Picture extends Built {
  readonly fingerprint: Fingerprint;
}

/** Reads the whole schema in one transaction. On any error the transaction is ended and the error passed on. */
export async function readSnapshot(query: Query): Promise<Snapshot> {
  return (await readPicture(query)).snapshot;
}

/** The same; what has not moved since `before` is neither asked for nor made again. */
export async function readPicture(query: Query, before?: Picture): Promise<Picture> {
  for (const text of beginSnapshot) await query(text);
  try {
    return await readGroups(query, before);
  } finally {
    await query(endSnapshot);
  }
}

/**
 * Where one snapshot of the server answers all, and names are printed by an empty search_path. What prints definitions (pg_get_viewdef)
 * looks past the snapshot at what is there by then: whatever moved so makes a mark move, and the next reading prints it anew.
 */
async function readGroups(query: Query, before: Picture | undefined): Promise<Picture> {
  const fingerprint = fingerprintOf((await query(fingerprintQuery))[0]?.[0]);
  const texts = new Map(before?.texts);
  for (const group of movedGroups(fingerprint, before?.fingerprint)) {
    const text = (await query(groupQueries[group]))[0]?.[0];
    if (typeof text !== 'string') throw new Error(`the schema query ${group} gave no row`);
    // The same object: whoever compares need not look inside.
    if (text !== texts.get(group)?.text) texts.set(group, groupText(group, text));
  }
  return { snapshot: buildSnapshot(texts, before), fingerprint, texts };
}
