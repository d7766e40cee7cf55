// Goal: a conversation can be read and compared, and shows no secret and no forged line.
// Method: lines for known messages; for any message one line, without the bytes that must not be in it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeClientMessage, encodePassword, type ClientMessage } from '../../src/wire/client-messages.ts';
import { encodeServerMessage, errorResponse, type ServerMessage } from '../../src/wire/server-messages.ts';
import { encodeStartup, sslRequest } from '../../src/wire/startup.ts';
import { traceFrame, traceStartup } from '../../src/wire/trace.ts';
import { clientMessages, serverMessages, startupPackets } from './arbitraries.ts';

const bind: ClientMessage = {
  kind: 'bind',
  portal: '',
  statement: 's',
  formats: [],
  parameters: [Buffer.from('secret value'), null],
  resultFormats: [1],
};
const row: ServerMessage = { kind: 'dataRow', values: [Buffer.from('secret value'), null] };

describe('a line', () => {
  test.each<[string, string]>([
    [
      traceFrame('client', encodeClientMessage({ kind: 'query', sql: Buffer.from('select 1;\nselect "ä"') })),
      '> Query "select 1;\\\\u{a}select \\"ä\\""',
    ],
    [traceFrame('client', encodeClientMessage(bind)), '> Bind "" to "s" [12 bytes, NULL] formats=[] results=[1]'],
    [
      traceFrame('client', encodeClientMessage(bind), { values: 'shown' }),
      '> Bind "" to "s" ["secret value", NULL] formats=[] results=[1]',
    ],
    [traceFrame('client', encodePassword('hunter2'), { values: 'shown' }), '> Password of 8 bytes'],
    [traceFrame('client', encodeClientMessage({ kind: 'sync' })), '> Sync'],
    [traceFrame('client', Buffer.from('Q\0\0\0\x06ab', 'latin1')), '> ? type "Q": invalid string in message'],
    [traceFrame('server', encodeServerMessage(row)), '< DataRow [12 bytes, NULL]'],
    [traceFrame('server', encodeServerMessage({ kind: 'readyForQuery', status: 'T' })), '< ReadyForQuery T'],
    [
      traceFrame('server', errorResponse({ severity: 'ERROR', sqlState: '42501', message: 'no\n< ReadyForQuery I' })),
      '< Error S="ERROR" C="42501" M="no\\\\u{a}< ReadyForQuery I"',
    ],
    [traceStartup(sslRequest), '> SSLRequest'],
    [
      traceStartup(
        encodeStartup({
          kind: 'startup',
          major: 3,
          minor: 2,
          parameters: new Map([['user', 'ana']]),
          protocolOptions: ['_pq_.x'],
        }),
      ),
      '> Startup 3.2 "user"="ana" "_pq_.x"',
    ],
    [
      traceStartup(encodeStartup({ kind: 'cancel', processId: 5, secret: Buffer.from('hush') })),
      '> CancelRequest process=5 key of 4 bytes',
    ],
  ])('%s', (line, expected) => {
    expect(line).toBe(expected);
  });

  test('is one for any message, in characters that show themselves', () => {
    const shown = /^[<>] [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u;
    const client = fc.oneof(...Object.values<fc.Arbitrary<ClientMessage>>(clientMessages));
    const server = fc.oneof(...Object.values<fc.Arbitrary<ServerMessage>>(serverMessages));
    const values = fc.constantFrom('hidden' as const, 'shown' as const);
    fc.assert(
      fc.property(client, server, startupPackets.startup, values, (sent, answered, startup, shownValues) => {
        expect(traceFrame('client', encodeClientMessage(sent), { values: shownValues })).toMatch(shown);
        expect(traceFrame('server', encodeServerMessage(answered), { values: shownValues })).toMatch(shown);
        expect(traceStartup(encodeStartup(startup))).toMatch(shown);
      }),
    );
  });
});
