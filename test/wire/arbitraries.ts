// Arbitrary messages of each kind, for the tests that encode and decode. Records, so that a new kind does not compile without one.
import fc from 'fast-check';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import type { StartupPacket } from '../../src/wire/startup.ts';

type Arbitraries<M extends { readonly kind: string }> = {
  readonly [K in M['kind']]: fc.Arbitrary<Extract<M, { readonly kind: K }>>;
};

const bytes = (lengths: { minLength?: number; maxLength?: number } = { maxLength: 40 }): fc.Arbitrary<Buffer> =>
  fc.uint8Array(lengths).map((array) => Buffer.from(array));
const withoutNul = fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 20 }).map((array) => Buffer.from(array));
const text = withoutNul.map((buffer) => buffer.toString('latin1'));
const filled = text.filter((word) => word !== '');
const oid = fc.integer({ min: 0, max: 0xffff_ffff });
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const int16 = fc.integer({ min: -0x8000, max: 0x7fff });
const format = fc.constantFrom(0, 1);
const value = fc.option(bytes(), { nil: null });
const target = fc.constantFrom('statement' as const, 'portal' as const);
const kind = <const K extends string>(name: K) => fc.constant(name);

/** Values with formats that go with them: none, one, or one for each. */
const values = fc.array(value, { maxLength: 6 }).chain((parameters) =>
  fc.record({
    parameters: fc.constant(parameters),
    formats: fc
      .constantFrom(0, 1, parameters.length)
      .chain((length) => fc.array(format, { minLength: length, maxLength: length })),
  }),
);

export const clientMessages: Arbitraries<ClientMessage> = {
  query: fc.record({ kind: kind('query'), sql: withoutNul }),
  parse: fc.record({ kind: kind('parse'), statement: text, sql: withoutNul, types: fc.array(oid, { maxLength: 5 }) }),
  bind: fc
    .record({ portal: text, statement: text, values, resultFormats: fc.array(format, { maxLength: 5 }) })
    .map((made) => ({
      kind: 'bind' as const,
      portal: made.portal,
      statement: made.statement,
      ...made.values,
      resultFormats: made.resultFormats,
    })),
  describe: fc.record({ kind: kind('describe'), target, name: text }),
  execute: fc.record({ kind: kind('execute'), portal: text, maxRows: int32 }),
  close: fc.record({ kind: kind('close'), target, name: text }),
  flush: fc.record({ kind: kind('flush') }),
  sync: fc.record({ kind: kind('sync') }),
  terminate: fc.record({ kind: kind('terminate') }),
  functionCall: fc.record({ functionOid: oid, values, resultFormat: format }).map((made) => ({
    kind: 'functionCall' as const,
    functionOid: made.functionOid,
    ...made.values,
    resultFormat: made.resultFormat,
  })),
  copyData: fc.record({ kind: kind('copyData'), data: bytes() }),
  copyDone: fc.record({ kind: kind('copyDone') }),
  copyFail: fc.record({ kind: kind('copyFail'), reason: text }),
  password: fc.record({ kind: kind('password'), body: bytes() }),
};

const fields = fc.array(
  fc.record({ letter: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)), text }),
  { maxLength: 6 },
);
const copyShape = { format, columnFormats: fc.array(format, { maxLength: 5 }) };
const column = fc.record({
  name: text,
  tableOid: oid,
  columnNumber: int16,
  typeOid: oid,
  typeSize: int16,
  typeModifier: int32,
  format,
});

export const serverMessages: Arbitraries<ServerMessage> = {
  authenticationOk: fc.record({ kind: kind('authenticationOk') }),
  authenticationCleartext: fc.record({ kind: kind('authenticationCleartext') }),
  authenticationMd5: fc.record({ kind: kind('authenticationMd5'), salt: bytes({ minLength: 4, maxLength: 4 }) }),
  authenticationSasl: fc.record({ kind: kind('authenticationSasl'), mechanisms: fc.array(filled, { maxLength: 3 }) }),
  authenticationSaslContinue: fc.record({ kind: kind('authenticationSaslContinue'), data: bytes() }),
  authenticationSaslFinal: fc.record({ kind: kind('authenticationSaslFinal'), data: bytes() }),
  authenticationOther: fc.record({
    kind: kind('authenticationOther'),
    code: fc.constantFrom(2, 7, 8, 9, 13, 0xffff_ffff),
    data: bytes(),
  }),
  backendKeyData: fc.record({
    kind: kind('backendKeyData'),
    processId: int32,
    secret: bytes({ minLength: 4, maxLength: 256 }),
  }),
  bindComplete: fc.record({ kind: kind('bindComplete') }),
  closeComplete: fc.record({ kind: kind('closeComplete') }),
  commandComplete: fc.record({ kind: kind('commandComplete'), tag: text }),
  copyIn: fc.record({ kind: kind('copyIn'), ...copyShape }),
  copyOut: fc.record({ kind: kind('copyOut'), ...copyShape }),
  copyBoth: fc.record({ kind: kind('copyBoth'), ...copyShape }),
  copyData: fc.record({ kind: kind('copyData'), data: bytes() }),
  copyDone: fc.record({ kind: kind('copyDone') }),
  dataRow: fc.record({ kind: kind('dataRow'), values: fc.array(value, { maxLength: 6 }) }),
  emptyQuery: fc.record({ kind: kind('emptyQuery') }),
  error: fc.record({ kind: kind('error'), fields }),
  notice: fc.record({ kind: kind('notice'), fields }),
  functionCallResponse: fc.record({ kind: kind('functionCallResponse'), value }),
  negotiateProtocolVersion: fc.record({
    kind: kind('negotiateProtocolVersion'),
    version: oid,
    options: fc.array(text, { maxLength: 4 }),
  }),
  noData: fc.record({ kind: kind('noData') }),
  notification: fc.record({ kind: kind('notification'), processId: int32, channel: text, payload: text }),
  parameterDescription: fc.record({ kind: kind('parameterDescription'), types: fc.array(oid, { maxLength: 6 }) }),
  parameterStatus: fc.record({ kind: kind('parameterStatus'), name: text, value: text }),
  parseComplete: fc.record({ kind: kind('parseComplete') }),
  portalSuspended: fc.record({ kind: kind('portalSuspended') }),
  readyForQuery: fc.record({ kind: kind('readyForQuery'), status: fc.constantFrom('I' as const, 'T', 'E') }),
  rowDescription: fc.record({ kind: kind('rowDescription'), columns: fc.array(column, { maxLength: 5 }) }),
};

const unicode = fc.string({ unit: 'binary', maxLength: 12 }).map((word) => word.replaceAll('\0', ''));
const name = unicode.filter((word) => word !== '' && !word.startsWith('_pq_.'));

export const startupPackets: Arbitraries<StartupPacket> = {
  ssl: fc.record({ kind: kind('ssl') }),
  gss: fc.record({ kind: kind('gss') }),
  cancel: fc.record({ kind: kind('cancel'), processId: int32, secret: bytes({ minLength: 1, maxLength: 256 }) }),
  startup: fc.record({
    kind: kind('startup'),
    major: fc.constant(3),
    minor: fc.integer({ min: 0, max: 0xffff }),
    parameters: fc.uniqueArray(fc.tuple(name, unicode), { selector: ([key]) => key }).map((pairs) => new Map(pairs)),
    protocolOptions: fc.array(
      name.map((word) => `_pq_.${word}`),
      { maxLength: 3 },
    ),
  }),
};
