// Goal: frames come out the same however their bytes were split and glued, and lengths that lie are caught at the header.
// Method: streams of arbitrary messages cut at every byte and at random; big frames handed on in parts; each bad length.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { FrameReader, type FrameRules } from '../../src/wire/frame.ts';
import { encodeServerMessage, type ServerMessage } from '../../src/wire/server-messages.ts';
import { clientMessages, serverMessages } from './arbitraries.ts';

const whole: FrameRules = { streams: () => false, lengthMax: () => 1_000_000 };
const dataRow = 'D'.charCodeAt(0);
const inParts: FrameRules = { streams: (type) => type === dataRow, lengthMax: () => 1_000_000 };
const rowsTogether: FrameRules = { ...inParts, together: (type) => type === dataRow };
const allTogether: FrameRules = { ...whole, together: () => true };

interface Out {
  readonly frames: Buffer[];
  readonly places: string[];
  readonly counts: number[];
}

/** Pushes the chunks; frames are copied, because their bytes are only lent. Parts are joined again. */
function framesOf(reader: FrameReader, chunks: readonly Buffer[]): Out {
  const out: Out = { frames: [], places: [], counts: [] };
  let parts: Buffer[] = [];
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    reader.push(lent, {
      frame: (type, bytes, start, end) => {
        expect(bytes[start]).toBe(type);
        expect(parts).toEqual([]);
        out.frames.push(Buffer.from(bytes.subarray(start, end)));
      },
      part: (type, bytes, start, end, place) => {
        expect(type).toBe(dataRow);
        out.places.push(place);
        parts.push(Buffer.from(bytes.subarray(start, end)));
        if (place !== 'last') return;
        out.frames.push(Buffer.concat(parts));
        parts = [];
      },
      several: (type, bytes, start, end, count) => {
        expect(parts).toEqual([]);
        const before = out.frames.length;
        for (let at = start; at < end; at += 1 + bytes.readUInt32BE(at + 1)) {
          expect(bytes[at]).toBe(type);
          out.frames.push(Buffer.from(bytes.subarray(at, at + 1 + bytes.readUInt32BE(at + 1))));
        }
        expect(out.frames.length - before).toBe(count);
        out.counts.push(count);
      },
    });
  }
  return out;
}

function cut(stream: Buffer, at: readonly number[]): readonly Buffer[] {
  const places = [...new Set(at.map((place) => place % (stream.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((start, index) => stream.subarray(start, places[index] ?? stream.length));
}

const client = fc.array(
  fc.oneof(...Object.values<fc.Arbitrary<ClientMessage>>(clientMessages)).map(encodeClientMessage),
  { maxLength: 8 },
);
const server = fc.array(
  fc.oneof(...Object.values<fc.Arbitrary<ServerMessage>>(serverMessages)).map(encodeServerMessage),
  { maxLength: 8 },
);
const stream = fc.oneof(client, server);

describe.each([
  ['whole frames', whole],
  ['rows in parts', inParts],
  ['rows side by side', rowsTogether],
  ['whatever is alike side by side', allTogether],
])('%s', (_, rules) => {
  test('are the same when the stream is split at each byte, once', () => {
    fc.assert(
      fc.property(stream, (frames) => {
        const bytes = Buffer.concat(frames);
        for (let place = 0; place <= bytes.length; place += 1) {
          const reader = new FrameReader(rules);
          expect(framesOf(reader, cut(bytes, [place])).frames).toEqual(frames);
          expect(reader.buffered).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('are the same when every byte comes alone', () => {
    fc.assert(
      fc.property(stream, (frames) => {
        const bytes = Buffer.concat(frames);
        const alone = Array.from(bytes, (byte) => Buffer.from([byte]));
        expect(framesOf(new FrameReader(rules), alone).frames).toEqual(frames);
      }),
    );
  });

  test('are the same when split anywhere, many times', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (frames, places) => {
        expect(framesOf(new FrameReader(rules), cut(Buffer.concat(frames), places)).frames).toEqual(frames);
      }),
      { numRuns: 1000 },
    );
  });
});

test('a frame that came whole is not handed on in parts, one that was split begins, goes on and ends', () => {
  const row = encodeServerMessage({ kind: 'dataRow', values: [Buffer.alloc(100)] });
  expect(framesOf(new FrameReader(inParts), [row]).places).toEqual([]);
  const pieces = [row.subarray(0, 20), row.subarray(20, 60), row.subarray(60)];
  expect(framesOf(new FrameReader(inParts), pieces).places).toEqual(['first', 'middle', 'last']);
});

test('rows that stand side by side come at once, up to what is another message or not whole', () => {
  const row = encodeServerMessage({ kind: 'dataRow', values: [Buffer.alloc(100)] });
  const done = encodeServerMessage({ kind: 'commandComplete', tag: 'SELECT 3' });
  const [head, tail] = [row.subarray(0, 20), row.subarray(20)];
  const { counts, frames } = framesOf(new FrameReader(rowsTogether), [
    Buffer.concat([row, row, done, row, row, row, head]),
    Buffer.concat([tail, row]),
  ]);
  expect(counts).toEqual([2, 3, 1]);
  expect(frames).toEqual([row, row, done, row, row, row, row, row]);
});

const header = (length: number): Buffer => {
  const bytes = Buffer.from('Q....');
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

test.each([
  [0, 'PROTOCOL_VIOLATION'],
  [3, 'PROTOCOL_VIOLATION'],
  [1_000_001, 'MESSAGE_TOO_LARGE'],
  [0xffff_ffff, 'MESSAGE_TOO_LARGE'],
])('a length of %d ends it as soon as the header is there, alone or byte by byte', (length, code) => {
  for (const chunks of [[header(length)], Array.from(header(length), (byte) => Buffer.from([byte]))]) {
    for (const rules of [whole, allTogether]) {
      expect(() => framesOf(new FrameReader(rules), chunks)).toThrow(ProxyError);
      expect(() => framesOf(new FrameReader(rules), chunks)).toThrow(expect.objectContaining({ code }));
    }
  }
});

test('a frame that grows byte by byte costs time in proportion to its bytes', () => {
  const frame = encodeClientMessage({ kind: 'copyData', data: Buffer.alloc(900_000) });
  const pieces = Array.from({ length: 9000 }, (_, index) => frame.subarray(index * 101, (index + 1) * 101));
  const started = performance.now();
  expect(framesOf(new FrameReader(whole), pieces).frames).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(2000);
});
