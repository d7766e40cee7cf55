// Goal: every message survives encode and decode unchanged, and no bytes of a stranger make a decoder do anything but refuse.
// Method: fast-check on each kind; prefixes, lies in counts and noise must throw PROTOCOL_VIOLATION or give a message.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import {
  decodeClientMessage,
  decodePassword,
  decodeSaslInitialResponse,
  encodeClientMessage,
  encodePassword,
  encodeSaslInitialResponse,
} from '../../src/wire/client-messages.ts';
import { fromClient, fromServer } from '../../src/wire/message-types.ts';
import {
  decodeServerMessage,
  encodeServerMessage,
  errorResponse,
  fieldOf,
  noticeResponse,
  readyForQuery,
} from '../../src/wire/server-messages.ts';
import { decodeStartup, encodeStartup } from '../../src/wire/startup.ts';
import { clientMessages, serverMessages, startupPackets } from './arbitraries.ts';

/** Gives what `decode` gives, or undefined when it refused in the one allowed way. */
function orRefused<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof ProxyError && thrown.code === 'PROTOCOL_VIOLATION') return undefined;
    throw thrown;
  }
}

const bodyOf = (frame: Buffer): Buffer => {
  expect(frame.readUInt32BE(1)).toBe(frame.length - 1);
  return frame.subarray(5);
};

/** Messages whose body is "whatever is there": a part of one is one too. */
const openEnded = new Set([
  'copyData',
  'password',
  'authenticationSaslContinue',
  'authenticationSaslFinal',
  'authenticationOther',
]);

interface Codec<M extends { readonly kind: string }> {
  readonly name: string;
  readonly kinds: Readonly<Record<string, fc.Arbitrary<M>>>;
  readonly encode: (message: M) => Buffer;
  readonly decode: (type: number, body: Buffer) => M;
  readonly types: readonly number[];
}

function suite<M extends { readonly kind: string }>(codec: Codec<M>): void {
  describe(codec.name, () => {
    test.each(Object.entries(codec.kinds))('%s is the same after encode and decode', (_, arbitrary) => {
      fc.assert(
        fc.property(arbitrary, (message) => {
          const frame = codec.encode(message);
          expect(codec.decode(frame[0] ?? 0, bodyOf(frame))).toEqual(message);
        }),
      );
    });

    test.each(Object.entries(codec.kinds))(
      '%s is refused when any byte is missing or one is added',
      (kind, arbitrary) => {
        if (openEnded.has(kind)) return;
        fc.assert(
          fc.property(arbitrary, (message) => {
            const frame = codec.encode(message);
            const body = bodyOf(frame);
            const longer = Buffer.concat([body, Buffer.from([0])]);
            // A key's length is given by the frame alone.
            if (kind !== 'backendKeyData') {
              expect(orRefused(() => codec.decode(frame[0] ?? 0, longer))).toBeUndefined();
              for (let length = 0; length < body.length; length += 1) {
                expect(orRefused(() => codec.decode(frame[0] ?? 0, body.subarray(0, length)))).toBeUndefined();
              }
            }
          }),
          { numRuns: 50 },
        );
      },
    );

    test('bytes changed anywhere give a message or a refusal, and what was read encodes to the same bytes', () => {
      const any = fc.oneof(...Object.values(codec.kinds));
      fc.assert(
        fc.property(any, fc.nat(), fc.integer({ min: 0, max: 255 }), (message, place, byte) => {
          const frame = codec.encode(message);
          const body = Buffer.from(frame.subarray(5));
          if (body.length > 0) body[place % body.length] = byte;
          const read = orRefused(() => codec.decode(frame[0] ?? 0, body));
          if (read !== undefined) expect(codec.encode(read).subarray(5)).toEqual(body);
        }),
        { numRuns: 2000 },
      );
    });

    test('noise of any type gives a message or a refusal, never another error', () => {
      const type = fc.oneof(fc.constantFrom(...codec.types), fc.integer({ min: 0, max: 255 }));
      fc.assert(
        fc.property(type, fc.uint8Array({ maxLength: 80 }), (code, noise) => {
          orRefused(() => codec.decode(code, Buffer.from(noise)));
        }),
        { numRuns: 5000 },
      );
    });
  });
}

suite({
  name: 'client messages',
  kinds: clientMessages,
  encode: encodeClientMessage,
  decode: decodeClientMessage,
  types: Object.values(fromClient),
});
suite({
  name: 'server messages',
  kinds: serverMessages,
  encode: encodeServerMessage,
  decode: decodeServerMessage,
  types: Object.values(fromServer),
});

describe('counts that lie', () => {
  const body = (...parts: readonly (string | number[])[]): Buffer =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

  test.each([
    ['Parse with 65535 types and none there', fromClient.parse, body('s\0select 1\0', [255, 255])],
    ['Bind with 65535 formats', fromClient.bind, body('\0\0', [255, 255, 0, 0])],
    ['Bind with 65535 parameters', fromClient.bind, body('\0\0', [0, 0, 255, 255, 0, 0])],
    ['Bind with a value of 2 GB', fromClient.bind, body('\0\0', [0, 0, 0, 1, 127, 255, 255, 255, 0, 0])],
    ['Bind with a value of length -2', fromClient.bind, body('\0\0', [0, 0, 0, 1, 255, 255, 255, 254, 0, 0])],
    [
      'Bind with two formats for one value',
      fromClient.bind,
      body('\0\0', [0, 2, 0, 0, 0, 1, 0, 1, 255, 255, 255, 255, 0, 0]),
    ],
    ['Query without its NUL', fromClient.query, body('select 1')],
    ['Query with words behind its NUL', fromClient.query, body('select 1\0; drop table t\0')],
    ['Describe of neither statement nor portal', fromClient.describe, body('X\0')],
  ])('%s is refused', (_, type, bytes) => {
    expect(orRefused(() => decodeClientMessage(type, bytes))).toBeUndefined();
  });

  test.each([
    [
      'NegotiateProtocolVersion with 4 billion names',
      fromServer.negotiateProtocolVersion,
      [0, 3, 0, 2, 255, 255, 255, 255],
    ],
    ['RowDescription with 65535 columns', fromServer.rowDescription, [255, 255]],
    ['DataRow with a value longer than the row', fromServer.dataRow, [0, 1, 0, 0, 0, 9, 1]],
    ['ReadyForQuery with another letter', fromServer.readyForQuery, [88]],
    ['BackendKeyData with 3 bytes of key', fromServer.backendKeyData, [0, 0, 0, 1, 1, 2, 3]],
  ])('%s is refused', (_, type, bytes) => {
    expect(orRefused(() => decodeServerMessage(type, Buffer.from(bytes)))).toBeUndefined();
  });
});

describe('start-up packets', () => {
  test.each(Object.entries(startupPackets))('%s is the same after encode and decode', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<ReturnType<typeof decodeStartup>>, (packet) => {
        expect(decodeStartup(encodeStartup(packet))).toEqual(packet);
      }),
    );
  });

  test('any cut or any other length is refused', () => {
    fc.assert(
      fc.property(startupPackets.startup, (packet) => {
        const whole = encodeStartup(packet);
        for (let length = 0; length < whole.length; length += 1) {
          expect(orRefused(() => decodeStartup(whole.subarray(0, length)))).toBeUndefined();
          const honest = Buffer.from(whole.subarray(0, length));
          if (length >= 4) honest.writeUInt32BE(length);
          expect(orRefused(() => decodeStartup(honest))).toBeUndefined();
        }
      }),
      { numRuns: 50 },
    );
  });

  test('noise with an honest length and each known code is read or refused', () => {
    const code = fc.constantFrom(80877102, 80877103, 80877104, 0x0003_0000, 0x0003_0002, 0x0002_0000, 0);
    fc.assert(
      fc.property(code, fc.uint8Array({ maxLength: 60 }), (number, noise) => {
        const packet = Buffer.alloc(8 + noise.length);
        packet.writeUInt32BE(packet.length);
        packet.writeUInt32BE(number, 4);
        packet.set(noise, 8);
        orRefused(() => decodeStartup(packet));
      }),
      { numRuns: 3000 },
    );
  });

  const startup = (...words: readonly string[]): Buffer => {
    const body = Buffer.from(`${words.map((word) => `${word}\0`).join('')}\0`, 'latin1');
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + body.length);
    head.writeUInt32BE(0x0003_0000, 4);
    return Buffer.concat([head, body]);
  };

  test.each([
    ['a name given twice', startup('user', 'a', 'user', 'b')],
    ['a name without a value', startup('user')],
    ['bytes behind the end', startup('user', 'a', '', 'database')],
    ['a name that is not UTF-8', startup('user', 'caf\xe9')],
  ])('refuses %s', (_, packet) => {
    expect(orRefused(() => decodeStartup(packet))).toBeUndefined();
  });

  test('keeps the version of a protocol it cannot read', () => {
    const packet = startup('user', 'a');
    packet.writeUInt32BE(0x0002_0000, 4);
    expect(decodeStartup(packet)).toMatchObject({ kind: 'startup', major: 2, minor: 0 });
  });
});

describe('bodies of the p message', () => {
  test('a SASL opening is the same after encode and decode', () => {
    for (const data of [undefined, Buffer.alloc(0), Buffer.from('n,,n=,r=abc')]) {
      const opening = { mechanism: 'SCRAM-SHA-256', data };
      expect(decodeSaslInitialResponse(encodeSaslInitialResponse(opening).subarray(5))).toEqual(opening);
    }
  });

  test('a password may be anything but hold a NUL', () => {
    expect(decodePassword(encodePassword('päß wörd').subarray(5))).toBe('päß wörd');
    expect(() => encodePassword('a\0b')).toThrow(ProxyError);
    expect(orRefused(() => decodePassword(Buffer.from('a\0b\0')))).toBeUndefined();
  });
});

describe('answers of our own', () => {
  test('an error carries its fields in the order of Postgres', () => {
    const frame = errorResponse({
      severity: 'ERROR',
      sqlState: '42501',
      message: 'né',
      detail: 'd',
      hint: 'h',
      position: 7,
    });
    const read = decodeServerMessage(frame[0] ?? 0, frame.subarray(5));
    if (read.kind !== 'error') throw new Error(read.kind);
    expect(read.fields.map((field) => field.letter).join('')).toBe('SVCMDHP');
    expect(fieldOf(read.fields, 'M')).toBe('né');
    expect(fieldOf(read.fields, 'x')).toBeUndefined();
  });

  test('a NUL in the words cannot end a field and begin another', () => {
    const frame = noticeResponse({ severity: 'NOTICE', sqlState: '01000', message: 'a\0SFATAL' });
    const read = decodeServerMessage(frame[0] ?? 0, frame.subarray(5));
    if (read.kind !== 'notice') throw new Error(read.kind);
    expect(read.fields.map((field) => field.letter).join('')).toBe('SVCM');
  });

  test('a name with a NUL is not sent', () => {
    expect(() => encodeClientMessage({ kind: 'describe', target: 'portal', name: 'a\0b' })).toThrow(ProxyError);
  });

  test.each(['I', 'T', 'E'] as const)('ready for query says %s', (status) => {
    expect(readyForQuery(status).toString('latin1')).toBe(`Z\0\0\0\x05${status}`);
  });
});
