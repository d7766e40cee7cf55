// The keys of one log: the Ed25519 pair that signs checkpoints, and the secret of the keyed statement hash. Made at the first start.
// The secret parts are files of mode 0600 beside the log; a key that others may read is a start-up error, not a warning.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import { readPublicKey } from './note.ts';
import { commandSigner, keySigner, type Signer } from './signer.ts';

export interface LogKeys {
  readonly signer: Signer;
  /** Who may have signed the newest checkpoint: this key, or in the middle of a rotation the one before. */
  readonly headKeys: readonly KeyObject[];
  /** Secret of the keyed hash. Whoever has it can test guesses about a statement, nothing more. */
  readonly hashSecret: Buffer;
}

export const publicKeyFile = 'key.pub';
/** There only in the middle of a rotation. */
export const publicKeyBeforeFile = 'key.before.pub';
export const privateKeyFile = 'key.pem';
const hashSecretFile = 'hash.key';

/** `signerCommand`: the private key is not here but with a command; see signer.ts. */
export function openKeys(dir: string, signerCommand?: readonly string[]): LogKeys {
  const signer = signerCommand === undefined ? localSigner(dir) : remoteSigner(dir, signerCommand);
  const before = readPublicKey(readText(join(dir, publicKeyBeforeFile)) ?? '');
  const secret = readSecret(join(dir, hashSecretFile)) ?? makeHashSecret(dir);
  const hashSecret = Buffer.from(secret.trim(), 'hex');
  if (hashSecret.length !== 32) throw invalid(join(dir, hashSecretFile), 'does not hold 32 bytes in hex');
  return { signer, headKeys: before === undefined ? [signer.public] : [signer.public, before], hashSecret };
}

/** The secret of a log that has one already. */
export function existingHashSecret(dir: string): Buffer | undefined {
  const text = readSecret(join(dir, hashSecretFile));
  return text === undefined ? undefined : Buffer.from(text.trim(), 'hex');
}

/** For a log beside another of the same proxy: the same statement has to have the same hash in both. Once it has a secret, it keeps it. */
export function shareHashSecret(from: string, to: string): void {
  const secret = existingHashSecret(from);
  if (secret === undefined || readText(join(to, hashSecretFile)) !== undefined) return;
  writeWhole(join(to, hashSecretFile), `${secret.toString('hex')}\n`, 0o600);
}

function localSigner(dir: string): Signer {
  const pem = readSecret(join(dir, privateKeyFile));
  // A new pair would take the place of the public key by which all that was signed so far can be checked.
  if (pem === undefined && readText(join(dir, publicKeyFile)) !== undefined) {
    const mend = 'restore it from the backup, or move the folder aside to begin a new log';
    throw invalid(join(dir, privateKeyFile), 'is missing beside its public key', mend);
  }
  const key = createPrivateKey(pem ?? makePrivateKey(dir));
  if (key.asymmetricKeyType !== 'ed25519') throw invalid(join(dir, privateKeyFile), 'is not an Ed25519 key');
  const publicKey = createPublicKey(key);
  writePublicKey(dir, publicKey);
  return keySigner({ private: key, public: publicKey });
}

/** For whoever only signs: the signer of a folder that has a key already. */
export function existingSigner(dir: string, signerCommand?: readonly string[]): Signer | undefined {
  if (signerCommand !== undefined)
    return readText(join(dir, publicKeyFile)) === undefined ? undefined : remoteSigner(dir, signerCommand);
  return readText(join(dir, privateKeyFile)) === undefined ? undefined : localSigner(dir);
}

function remoteSigner(dir: string, command: readonly string[]): Signer {
  const file = join(dir, publicKeyFile);
  const key = readPublicKey(readText(file) ?? '');
  if (key === undefined) throw invalid(file, 'has to hold the Ed25519 public key of the signer command, in PEM');
  return commandSigner(command, key);
}

/** The key's SPKI form in base64: PEM without its head and foot. */
export function keyText(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

export function keyFromText(text: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), type: 'spki', format: 'der' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The words a key signs to vouch for its successor; never mistakable for the body of a checkpoint, which begins with an origin. */
const vouchText = (next: string): Buffer => Buffer.from(`countersign key rotation\n${next}\n`);

export function vouchFor(next: KeyObject, by: KeyObject): string {
  return sign(null, vouchText(keyText(next)), by).toString('base64');
}

export function isVouchedFor(next: string, signature: string, by: KeyObject): boolean {
  return verify(null, vouchText(next), by, Buffer.from(signature, 'base64'));
}

function makePrivateKey(dir: string): string {
  const pair = generateKeyPairSync('ed25519');
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeWhole(join(dir, privateKeyFile), pem, 0o600);
  return pem;
}

function makeHashSecret(dir: string): string {
  const text = `${randomBytes(32).toString('hex')}\n`;
  writeWhole(join(dir, hashSecretFile), text, 0o600);
  return text;
}

function writePublicKey(dir: string, key: KeyObject): void {
  const file = join(dir, publicKeyFile);
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  if (readText(file) !== pem) writeWhole(file, pem, 0o644);
}

/** A whole file or none: written beside, synced, then put in place. */
export function writeWhole(file: string, text: string, mode: number): void {
  const beside = `${file}.new`;
  const fd = openSync(beside, 'w', mode);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, file);
}

/** The same without holding up the event loop. */
export async function writeWholeAside(file: string, text: string, mode: number): Promise<void> {
  const beside = `${file}.new`;
  const opened = await open(beside, 'w', mode);
  try {
    await opened.writeFile(text);
    await opened.datasync();
  } finally {
    await opened.close();
  }
  await rename(beside, file);
}

function readSecret(file: string): string | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  const fd = openSync(file, 'r');
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0) throw invalid(file, 'can be read by others', `chmod 600 ${file}`);
  } finally {
    closeSync(fd);
  }
  return text;
}

/** A file's text; undefined when there is none. Any other trouble is thrown. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function invalid(file: string, words: string, hint?: string): ProxyError {
  return new ProxyError('CONFIG_INVALID', `${file} ${words}`, hint === undefined ? {} : { hint });
}
