// Salts of agents' verifiers that are made from a password in the config. A fresh one at each start, or one for each worker, would tell
// strangers which names are real: those that nobody has keep theirs. So both come from the same secret, which lies beside the record.
import { randomBytes } from 'node:crypto';
import { existingHashSecret } from '../audit/keys.ts';
import { StatementHash } from '../audit/statement-hash.ts';
import { saltOfName } from '../wire/scram.ts';

/** A keyed hash of bytes that are no statement (they hold a zero): secret, and the same after a restart. */
export function saltKeyOf(hash: StatementHash): Buffer {
  return Buffer.from(hash.ofBytes(Buffer.from('mock salt\0')));
}

/** The same salt for a name each time it is asked: after a reload an unchanged password has to give an unchanged verifier. */
export function agentSalts(): (name: string, auditDir: string) => Buffer {
  const given = new Map<string, Buffer>();
  return (name, auditDir) => {
    const salt = given.get(name) ?? derived(name, auditDir) ?? randomBytes(16);
    given.set(name, salt);
    return salt;
  };
}

/** Undefined before the very first start: the secret comes with the record. */
function derived(name: string, auditDir: string): Buffer | undefined {
  const secret = secretIn(auditDir);
  return secret === undefined ? undefined : saltOfName({ name, key: saltKeyOf(new StatementHash(secret)) });
}

/** A folder that cannot be read is the record's to complain about: it is opened next, and nothing starts without it. */
function secretIn(auditDir: string): Buffer | undefined {
  try {
    return existingHashSecret(auditDir);
  } catch {
    return undefined;
  }
}
