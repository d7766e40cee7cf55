// Goal: SCRAM lets in who knows the password and nobody else, tells nothing about who exists, and gives way to no downgrade.
// Method: the vectors of the RFCs, our client against our server, and every message bent one way at a time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { preparedPassword } from '../../src/wire/saslprep.ts';
import { chooseMechanism, iterationsMax, ScramClient } from '../../src/wire/scram-client.ts';
import {
  isPasswordOf,
  makeVerifier,
  mockVerifier,
  parseVerifier,
  ScramServer,
  type Verifier,
} from '../../src/wire/scram.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

async function verifierOf(password: string, salt?: string): Promise<Verifier> {
  const made = await makeVerifier(password, salt === undefined ? {} : { salt: Buffer.from(salt, 'base64') });
  const verifier = parseVerifier(made);
  if (verifier === undefined) throw new Error(made);
  return verifier;
}

const endPoint = Buffer.alloc(32, 7);

describe('the server', () => {
  /** RFC 7677, 3. */
  const vector = {
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  };
  const final = `c=biws,r=${vector.clientNonce}${vector.serverNonce},p=${vector.proof}`;

  async function asked(options: { endPoint?: Buffer } = {}): Promise<ScramServer> {
    const verifier = await verifierOf('pencil', vector.salt);
    return new ScramServer({ verifier, endPoint: options.endPoint, newNonce: () => vector.serverNonce });
  }

  test('speaks the conversation of RFC 7677 to the letter', async () => {
    const server = await asked();
    const first = server.first('SCRAM-SHA-256', latin1(`n,,n=user,r=${vector.clientNonce}`));
    expect(first.toString()).toBe(`r=${vector.clientNonce}${vector.serverNonce},s=${vector.salt},i=4096`);
    expect(server.final(latin1(final))).toEqual({ kind: 'accepted', data: latin1(`v=${vector.signature}`) });
  });

  test.each([
    ['one bit of the proof', final.replace('p=dH', 'p=eH')],
    ['an extension the client never signed', final.replace(',p=', ',x=1,p=')],
  ])('refuses %s', async (_, message) => {
    const server = await asked();
    server.first('SCRAM-SHA-256', latin1(`n,,n=user,r=${vector.clientNonce}`));
    expect(server.final(latin1(message))).toEqual({ kind: 'refused' });
  });

  test.each([
    ['another nonce', final.replace('%hv', '%hw')],
    ['another header than at first', final.replace('c=biws', 'c=eSws')],
    ['a proof of 31 bytes', final.replace(vector.proof, Buffer.alloc(31).toString('base64'))],
    ['no proof', final.slice(0, final.indexOf(',p='))],
    ['a NUL', `${final}\0`],
    ['nothing', ''],
  ])('ends the login at %s in the last message', async (_, message) => {
    const server = await asked();
    server.first('SCRAM-SHA-256', latin1(`n,,n=user,r=${vector.clientNonce}`));
    expect(() => server.final(latin1(message))).toThrow(ProxyError);
    expect(() => server.final(latin1(final))).toThrow(ProxyError);
  });

  test.each<[string, string, string, boolean]>([
    ['binding where none was offered', 'SCRAM-SHA-256', 'p=tls-server-end-point,,n=,r=a', false],
    ['-PLUS where none was offered', 'SCRAM-SHA-256-PLUS', 'p=tls-server-end-point,,n=,r=a', false],
    ['-PLUS without binding', 'SCRAM-SHA-256-PLUS', 'n,,n=,r=a', true],
    ['binding without -PLUS', 'SCRAM-SHA-256', 'p=tls-server-end-point,,n=,r=a', true],
    ['"you did not offer binding" when we did', 'SCRAM-SHA-256', 'y,,n=,r=a', true],
    ['another kind of binding', 'SCRAM-SHA-256-PLUS', 'p=tls-unique,,n=,r=a', true],
    ['somebody else to act for', 'SCRAM-SHA-256', 'n,a=root,n=,r=a', false],
    ['a mandatory extension', 'SCRAM-SHA-256', 'n,,m=x,n=,r=a', false],
    ['no nonce', 'SCRAM-SHA-256', 'n,,n=,r=', false],
    ['another mechanism', 'SCRAM-SHA-1', 'n,,n=,r=a', false],
    ['a nonce of 10 kB', 'SCRAM-SHA-256', `n,,n=,r=${'a'.repeat(10_000)}`, false],
  ])('ends the login at %s', async (_, mechanism, message, isSecure) => {
    const server = await asked(isSecure ? { endPoint } : {});
    expect(() => server.first(mechanism, latin1(message))).toThrow(ProxyError);
    expect(() => server.first('SCRAM-SHA-256', latin1('n,,n=,r=a'))).toThrow(ProxyError);
  });

  test('throws nothing but protocol violations, whatever it is sent', () => {
    const piece = fc.constantFrom('n,,', 'y,,', 'p=', 'n=', ',', 'r=', 'c=biws', 'a', '=', '\0', 'p=AAAA', '%');
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
      fc.array(piece).map((all) => latin1(all.join(''))),
    );
    const verifier = mockVerifier({ name: 'a', key: Buffer.alloc(32) });
    const violates = (act: () => unknown): void => {
      try {
        act();
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
      }
    };
    fc.assert(
      fc.property(message, message, (one, two) => {
        const server = new ScramServer({ verifier, endPoint: undefined });
        violates(() => server.first('SCRAM-SHA-256', one));
        violates(() => server.final(two));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('client and server', () => {
  async function meet(parts: {
    verifier: Verifier;
    password: string;
    client?: Buffer;
    server?: Buffer;
    offered?: readonly string[];
  }): Promise<string> {
    const server = new ScramServer({ verifier: parts.verifier, endPoint: parts.server });
    const channel = { endPoint: parts.client };
    const mechanism = chooseMechanism(parts.offered ?? server.mechanisms, channel);
    if (mechanism === undefined) throw new Error('no mechanism');
    const client = new ScramClient({ mechanism, password: parts.password, channel });
    const result = server.final(await client.respond(server.first(mechanism, client.first)));
    if (result.kind === 'refused') return 'refused';
    client.finish(result.data);
    return mechanism;
  }

  test.each(['pencil', '', 'pä ß\u00a0wörd', 'Ⅸ\u00ad', 'גרמניה', '😀ﬁ'])(
    'agree on the password %j',
    async (password) => {
      const verifier = await verifierOf(password);
      expect(await meet({ verifier, password })).toBe('SCRAM-SHA-256');
      expect(await meet({ verifier, password, client: endPoint, server: endPoint })).toBe('SCRAM-SHA-256-PLUS');
      expect(await meet({ verifier, password: `${password}x` })).toBe('refused');
      expect(await isPasswordOf(verifier, password)).toBe(true);
      expect(await isPasswordOf(verifier, `${password}x`)).toBe(false);
    },
  );

  test('a client that could bind gets in where binding is not offered', async () => {
    expect(await meet({ verifier: await verifierOf('a'), password: 'a', client: endPoint })).toBe('SCRAM-SHA-256');
  });

  test('somebody who ends TLS in the middle does not get through', async () => {
    const verifier = await verifierOf('a');
    await expect(meet({ verifier, password: 'a', client: Buffer.alloc(32, 8), server: endPoint })).rejects.toThrow(
      'binding',
    );
  });

  test('somebody who takes the offer of binding away is noticed', async () => {
    const parts = { verifier: await verifierOf('a'), password: 'a', client: endPoint, server: endPoint };
    await expect(meet({ ...parts, offered: ['SCRAM-SHA-256'] })).rejects.toThrow('negotiation');
  });
});

describe('the client', () => {
  const channel = { endPoint: undefined };
  const client = (): ScramClient =>
    new ScramClient({ mechanism: 'SCRAM-SHA-256', password: 'pencil', channel, newNonce: () => 'abc' });

  test.each([
    ['a nonce that is not ours', 'r=abd-xyz,s=AAAA,i=4096'],
    ['our nonce and nothing of its own', 'r=abc,s=AAAA,i=4096'],
    ['no salt', 'r=abcd,s=,i=4096'],
    ['no iterations', 'r=abcd,s=AAAA,i=0'],
    ['too many iterations', `r=abcd,s=AAAA,i=${iterationsMax + 1}`],
    ['a mandatory extension', 'm=x,r=abcd,s=AAAA,i=4096'],
    ['noise', '\0\xff'],
  ])('leaves a server that answers with %s', async (_, message) => {
    await expect(client().respond(latin1(message))).rejects.toMatchObject({ code: 'UPSTREAM_REFUSED' });
  });

  test.each(['', 'v=', 'v=AAAA', `v=${Buffer.alloc(32).toString('base64')}`, 'e=invalid-proof'])(
    'leaves a server that cannot prove itself: %j',
    async (message) => {
      const started = client();
      await started.respond(latin1('r=abcd,s=AAAA,i=4096'));
      expect(() => started.finish(latin1(message))).toThrow('cannot prove');
    },
  );

  test('leaves a server that skips the exchange', () => {
    expect(() => client().finish(latin1('v=AAAA'))).toThrow('out of order');
  });
});

describe('verifiers', () => {
  test.each([
    '',
    'md5aabbccddeeff00112233445566778899',
    'SCRAM-SHA-256$0:AAAA$AAAA:AAAA',
    `SCRAM-SHA-256$4096:AAAA$${Buffer.alloc(32).toString('base64')}:AAAA`,
  ])('%j is none', (text) => {
    expect(parseVerifier(text)).toBeUndefined();
  });

  test('the mock of a name is the same each time, in a form that tells it from no other', () => {
    const key = Buffer.alloc(32, 1);
    const [one, two] = [mockVerifier({ name: 'ana', key }), mockVerifier({ name: 'ana', key })];
    expect(one.salt).toBe(two.salt);
    expect(Buffer.from(one.salt, 'base64')).toHaveLength(16);
    expect(mockVerifier({ name: 'ben', key }).salt).not.toBe(one.salt);
    expect(mockVerifier({ name: 'ana', key: Buffer.alloc(32, 2) }).salt).not.toBe(one.salt);
  });

  test('the mock lets nobody in, even who knew its keys', async () => {
    const genuine = await verifierOf('a');
    expect(await isPasswordOf({ ...genuine, genuine: false }, 'a')).toBe(false);
  });
});

describe('SASLprep', () => {
  test.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b\u200bc', 'a b c'],
    ['\u0627\u0628', '\u0627\u0628'],
  ])('%j becomes %j', (password, prepared) => {
    expect(preparedPassword(password).toString()).toBe(prepared);
  });

  test.each([
    ['control characters in ASCII', '\u0007'],
    ['right-to-left beside left-to-right', '\u0627\u0031ﬁ'],
    ['left-to-right inside right-to-left', '\u0627a\u0628'],
    ['what Unicode 3.2 did not know', '😀ﬁ'],
    ['private use', '\ue000ﬁ'],
    ['nothing left', '\u00ad'],
    ['tags', '\u{e0041}ﬁ'],
  ])('%s: taken raw', (_, password) => {
    expect(preparedPassword(password).toString()).toBe(password);
  });
});
