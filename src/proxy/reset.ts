// Makes a used upstream connection like new, and proves it. Whatever cannot be proved is closed: a new connection costs
// milliseconds, a setting that outlived its agent is a hole.
//
// DISCARD ALL takes back settings, role, prepared statements, cursors, listens, locks, temporary tables and sequences. The proof
// is a fingerprint of every setting that has not its built-in value, compared with that of a connection fresh from login.
// Beyond proof is what a library keeps in the memory of the server process (%_SHARED of PL/Perl, links of dblink): where agents may
// call such functions and must not meet, `pool: { warm: 0 }` gives each its own.
import type { IdleLink, Reply } from './idle-link.ts';

const resetMsMax = 5000;

/** `source <> 'default'` leaves out what a library brings along when it is first used, which is no setting of anybody's. */
const fingerprintQuery = `
  SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(name, '=', setting), E'\\n' ORDER BY name COLLATE "C"))
      OPERATOR(pg_catalog.||) pg_catalog.current_setting('is_superuser')
      OPERATOR(pg_catalog.||) pg_catalog.current_setting('in_hot_standby')
      OPERATOR(pg_catalog.||) CURRENT_USER OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) SESSION_USER
  FROM pg_catalog.pg_settings
  WHERE source OPERATOR(pg_catalog.<>) 'default'`;

/** What a connection of these start-up parameters looks like right after login. */
export async function fingerprint(link: IdleLink): Promise<string> {
  return provedBy(await link.ask([fingerprintQuery], resetMsMax));
}

/** SQLSTATEs of DISCARD ALL inside a transaction block that is good, or failed. */
const insideTransaction = new Set(['25001', '25P02']);

/** Throws unless the reset was clean; gives the fingerprint afterwards. */
export async function reset(link: IdleLink): Promise<string> {
  const replies = await link.ask(['DISCARD ALL', fingerprintQuery], resetMsMax);
  if (!insideTransaction.has(replies[0]?.error ?? '')) return provedBy(replies);
  return provedBy(await link.ask(['ROLLBACK', 'DISCARD ALL', fingerprintQuery], resetMsMax));
}

function provedBy(replies: readonly Reply[]): string {
  const wrong = replies.find((reply) => reply.error !== undefined || reply.status !== 'I');
  if (wrong !== undefined) throw new Error(`the reset failed (${wrong.error ?? `status ${wrong.status}`})`);
  const value = replies.at(-1)?.value;
  if (value === undefined) throw new Error('the reset gave no fingerprint');
  return value;
}
