// Goal: a proof of a passkey holds only whole: whatever somebody changes in it, or takes from elsewhere, breaks it.
// Method: an authenticator made of node:crypto signs with each kind of key; then one thing at a time is forged.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { brokenPasskey, challengeOf, passkeyProofShape, type PasskeyProof } from '../../src/core/passkey-proof.ts';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const pairs: Readonly<Record<'ES256' | 'EdDSA' | 'RS256', Pair>> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

interface Asked {
  readonly kind?: keyof typeof pairs;
  readonly signed?: string;
  readonly rp?: string;
  readonly flags?: number;
  readonly client?: Readonly<Record<string, unknown>>;
}

const text = '{"approve":"h_00000000000000000000","binding":"b","person":"ben","terms":{"kind":"once"}}';

function proofOf({
  kind = 'ES256',
  signed = text,
  rp = 'gate.example.com',
  flags = 0x05,
  client = {},
}: Asked): PasskeyProof {
  const { publicKey, privateKey } = pairs[kind];
  const said = { type: 'webauthn.get', challenge: challengeOf(signed), origin: 'https://gate.example.com', ...client };
  const clientData = Buffer.from(JSON.stringify(said));
  const counter = Buffer.from([0, 0, 0, 7]);
  const data = Buffer.concat([createHash('sha256').update(rp).digest(), Buffer.from([flags]), counter]);
  const message = Buffer.concat([data, createHash('sha256').update(clientData).digest()]);
  return {
    credential: 'Y3JlZGVudGlhbA',
    key: publicKey.export({ format: 'der', type: 'spki' }).toString('base64url'),
    rp: 'gate.example.com',
    signed,
    client: clientData.toString('base64url'),
    authenticator: data.toString('base64url'),
    signature: sign(kind === 'EdDSA' ? null : 'sha256', message, privateKey).toString('base64url'),
  };
}

describe('a whole proof', () => {
  test.each(Object.keys(pairs) as (keyof typeof pairs)[])('of a key for %s holds', (kind) => {
    const proof = proofOf({ kind });
    expect(passkeyProofShape.parse(proof)).toEqual(proof);
    expect(brokenPasskey(proof)).toBeUndefined();
  });

  test('may come from a page of a subdomain', () => {
    expect(brokenPasskey(proofOf({ client: { origin: 'https://eu.gate.example.com:8443' } }))).toBeUndefined();
  });
});

const forged: readonly (readonly [string, PasskeyProof, RegExp])[] = [
  ['a text that was not signed', { ...proofOf({}), signed: text.replace('once', 'rows') }, /something else was signed/],
  ['a ceremony of another kind', proofOf({ client: { type: 'webauthn.create' } }), /something else than/],
  [
    'the challenge of another hold',
    proofOf({ client: { challenge: challengeOf('another') } }),
    /something else was signed/,
  ],
  ['a page of another site', proofOf({ client: { origin: 'https://evil.example.net' } }), /another name/],
  ['a site that only ends alike', proofOf({ client: { origin: 'https://evilgate.example.com' } }), /another name/],
  ['a frame in another site', proofOf({ client: { crossOrigin: true } }), /somebody else/],
  ['no origin at all', proofOf({ client: { origin: 'null' } }), /somebody else/],
  ['an authenticator that meant another name', proofOf({ rp: 'evil.example.net' }), /another name/],
  ['a key that nobody unlocked', proofOf({ flags: 0x01 }), /nobody was there/],
  ['a key that nobody touched', proofOf({ flags: 0x04 }), /nobody was there/],
  ['flags changed after signing', flagged(proofOf({ flags: 0x01 })), /signature does not fit/],
  ['somebody else’s key', { ...proofOf({}), key: proofOf({ kind: 'EdDSA' }).key }, /signature does not fit/],
  ['a key of nonsense', { ...proofOf({}), key: 'AAAA' }, /key cannot be read/],
  ['a signature of nonsense', { ...proofOf({}), signature: 'AAAA' }, /signature does not fit/],
  [
    'a signature of another proof',
    { ...proofOf({}), signature: proofOf({ signed: 'x' }).signature },
    /signature does not fit/,
  ],
  ['half an authenticator', { ...proofOf({}), authenticator: 'AAAA' }, /another name/],
  ['an account that is no JSON', { ...proofOf({}), client: 'AAAA' }, /cannot be read/],
];

function flagged(proof: PasskeyProof): PasskeyProof {
  const data = Buffer.from(proof.authenticator, 'base64url');
  data[32] = 0x05;
  return { ...proof, authenticator: data.toString('base64url') };
}

describe('a proof breaks with', () => {
  test.each(forged)('%s', (_, proof, words) => expect(brokenPasskey(proof)).toMatch(words));
});

test('every byte of what was signed counts', () => {
  const proof = proofOf({});
  for (const member of ['client', 'authenticator'] as const) {
    const bytes = Buffer.from(proof[member], 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x20;
      expect(brokenPasskey({ ...proof, [member]: changed.toString('base64url') }), `${member} ${at}`).toBeDefined();
    }
  }
});
