// A new signing key for a log, while no proxy writes it. The old key vouches for the new one in the log itself, so that whoever kept
// either public key can check everything before and after.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { openAudit } from './keeper.ts';
import { keyText, privateKeyFile, publicKeyBeforeFile, readText, vouchFor, writeWhole } from './keys.ts';

/**
 * Every step may be the last one before a crash. Until the rename the old key is in force and the new one is only recorded; from then
 * on the new one is, and the old public key lies beside it until the first checkpoint of the new key has taken its place.
 */
export async function rotateKey(dir: string, clock: Clock): Promise<string> {
  const audit = await openAudit({ dir, clock });
  const old = createPrivateKey(readText(join(dir, privateKeyFile)) ?? '');
  const next = generateKeyPairSync('ed25519');
  const file = join(dir, `${privateKeyFile}.next`);
  writeWhole(file, next.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  try {
    await audit.log.recordSelf({
      kind: 'key',
      public: keyText(next.publicKey),
      vouched: vouchFor(next.publicKey, old),
    });
  } finally {
    await audit.stop();
  }
  const before = createPublicKey(old).export({ type: 'spki', format: 'pem' }).toString();
  writeFileSync(join(dir, publicKeyBeforeFile), before, { flush: true });
  renameSync(file, join(dir, privateKeyFile));
  const again = await openAudit({ dir, clock });
  await again.stop();
  unlinkSync(join(dir, publicKeyBeforeFile));
  return keyText(next.publicKey);
}
