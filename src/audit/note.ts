// Checkpoints as signed notes (C2SP signed-note and tlog-checkpoint): text that a person can read, with an Ed25519 signature under it.
// Pure; what is signed here can be checked with openssl alone.
import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import type { Signer } from './signer.ts';

export interface Checkpoint {
  /** `countersign/<instance>`: which chain this is the head of. */
  readonly origin: string;
  /** Blocks, which are the leaves of the tree. */
  readonly blocks: number;
  /** Root of the tree, in hex. */
  readonly root: string;
  readonly records: number;
  readonly at: string;
  /** Newest heads of the other instances, as this one saw them: `origin blocks root`. */
  readonly peers: readonly string[];
}

const dash = '\u2014';

function noteBody(point: Checkpoint): string {
  const root = Buffer.from(point.root, 'hex').toString('base64');
  const peers = point.peers.map((peer) => `peer ${peer}\n`).join('');
  return `${point.origin}\n${point.blocks}\n${root}\nrecords ${point.records}\nat ${point.at}\n${peers}`;
}

export async function signNote(point: Checkpoint, signer: Signer): Promise<string> {
  const body = noteBody(point);
  return joinNote(point.origin, body, signer.public, await signer.sign(Buffer.from(body)));
}

function joinNote(origin: string, body: string, key: KeyObject, signature: Uint8Array): string {
  return `${body}\n${dash} ${origin} ${Buffer.concat([keyId(origin, key), signature]).toString('base64')}\n`;
}

/** First four bytes of SHA-256 over name, line feed, algorithm 1 and the raw key. */
function keyId(origin: string, key: KeyObject): Buffer {
  return Buffer.from(
    hash('sha256', Buffer.concat([Buffer.from(`${origin}\n\u0001`), rawKey(key)]), 'hex').slice(0, 8),
    'hex',
  );
}

/** The 32 bytes of an Ed25519 public key: the end of its SPKI form. */
function rawKey(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}

export type ReadNote =
  | { readonly kind: 'note'; readonly checkpoint: Checkpoint; readonly signed: 'yes' | 'no' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** `signed: no` says that the text is a checkpoint, but none of these keys signed it. */
export function readNote(text: string, keys: readonly KeyObject[]): ReadNote {
  const end = text.indexOf('\n\n');
  if (end < 0) return { kind: 'unreadable', why: 'no empty line between the text and its signatures' };
  const body = text.slice(0, end + 1);
  const [origin = '', blocks = '', root = '', ...more] = body.split('\n');
  const rootBytes = Buffer.from(root, 'base64');
  if (origin === '' || !/^\d{1,15}$/.test(blocks) || rootBytes.length !== 32) {
    return { kind: 'unreadable', why: 'the first three lines are not an origin, a size and a root' };
  }
  const fact = (name: string): string => more.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  const signatures = text
    .slice(end + 2)
    .split('\n')
    .filter((line) => line.startsWith(`${dash} ${origin} `))
    .map((line) => Buffer.from(line.slice(dash.length + origin.length + 2), 'base64'));
  return {
    kind: 'note',
    signed: signatures.some((each) => keys.some((key) => signedBy(key, origin, body, each))) ? 'yes' : 'no',
    checkpoint: {
      origin,
      blocks: Number(blocks),
      root: rootBytes.toString('hex'),
      records: Number(fact('records')),
      at: fact('at'),
      peers: more.filter((line) => line.startsWith('peer ')).map((line) => line.slice('peer '.length)),
    },
  };
}

/** The notes of a file that holds several: each begins with its origin, and nothing else in a note begins so. */
export function splitNotes(text: string): readonly string[] {
  return text.split(/^(?=countersign\/)/m).filter((note) => note !== '');
}

/**
 * The notes in a text that somebody kept: a file of ours, what a webhook brought as JSON, or what was copied out of a channel, with
 * other words around. Whether one is genuine shows by its signature, so it does not matter how it came here.
 */
export function notesIn(text: string): readonly string[] {
  const plain = [...jsonNotes(text), text].join('\n').replaceAll('```', '\n').replaceAll('\r\n', '\n');
  const notes = splitNotes(plain).flatMap((part) => {
    const whole = /^countersign\/[^]*?\n\n(?:\u2014 .*(?:\n|$))+/.exec(part)?.[0];
    return whole === undefined ? [] : [whole.endsWith('\n') ? whole : `${whole}\n`];
  });
  return [...new Set(notes)];
}

function jsonNotes(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      const note = typeof value === 'object' && value !== null && 'note' in value ? value.note : undefined;
      return typeof note === 'string' ? [note] : [];
    } catch {
      return []; // Not JSON: then it is looked at as it stands.
    }
  });
}

function signedBy(key: KeyObject, origin: string, body: string, signature: Buffer): boolean {
  return (
    signature.length === 68 &&
    keyId(origin, key).equals(signature.subarray(0, 4)) &&
    verify(null, Buffer.from(body), key, signature.subarray(4))
  );
}

/** A public key from PEM, or undefined when it is not an Ed25519 key. */
export function readPublicKey(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
