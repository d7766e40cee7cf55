// Who is it: SCRAM over the stored verifier, or a password in the open where an agent is configured so and TLS hides it. A name
// that nobody has goes through the same exchange as a wrong password and gets the same words, so strangers learn no names.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ProxyError } from '../core/errors.ts';
import { decodePassword, decodeSaslInitialResponse } from '../wire/client-messages.ts';
import { fromClient } from '../wire/message-types.ts';
import { isPasswordOf, mockVerifier, parseVerifier, ScramServer, type Verifier } from '../wire/scram.ts';
import { encodeServerMessage } from '../wire/server-messages.ts';
import type { AgentAccount, Directory } from './directory.ts';
import type { LoginReader } from './login-reader.ts';

export interface ScramSecrets {
  /** Makes the salt of a name that nobody has the same each time it is asked for. */
  readonly mockKey: Buffer;
}

export interface AuthenticationParts {
  readonly socket: Socket;
  readonly reader: LoginReader;
  readonly name: string;
  readonly directory: Directory;
  /** The hash of our certificate, when the agent came by TLS. */
  readonly endPoint: Buffer | undefined;
  readonly secrets: ScramSecrets;
  /** `tls.client_ca` is set: nobody comes in without a certificate of that authority. */
  readonly needsCertificate: boolean;
  readonly messageBytesMax: number;
}

/** Gives the account of whoever proved to be it; throws the same refusal for a wrong name and a wrong password. */
export async function authenticate(parts: AuthenticationParts): Promise<AgentAccount> {
  const account = parts.directory.agent(parts.name);
  const verifier =
    (account === undefined ? undefined : parseVerifier(account.verifier)) ??
    mockVerifier({ name: parts.name, key: parts.secrets.mockKey });
  const proven = account?.auth === 'cleartext' ? await byPassword(parts, verifier) : await byScram(parts, verifier);
  if (!proven || account === undefined || !verifier.genuine) {
    // The same for a name that nobody has.
    throw new ProxyError('INVALID_PASSWORD', `password authentication failed for user "${parts.name}"`, {
      hint: 'Name and password are those that countersign agents add has shown, not the database’s; countersign agents rotate makes a new one.',
    });
  }
  checkCertificate(parts, account);
  return account;
}

async function byScram(parts: AuthenticationParts, verifier: Verifier): Promise<boolean> {
  const { socket } = parts;
  const scram = new ScramServer({ verifier, endPoint: parts.endPoint });
  socket.write(encodeServerMessage({ kind: 'authenticationSasl', mechanisms: scram.mechanisms }));
  const { mechanism, data } = decodeSaslInitialResponse(await answer(parts));
  if (data === undefined)
    throw new ProxyError('PROTOCOL_VIOLATION', 'a SASL exchange begins with the first message of the client');
  socket.write(encodeServerMessage({ kind: 'authenticationSaslContinue', data: scram.first(mechanism, data) }));
  const result = scram.final(await answer(parts));
  if (result.kind === 'refused') return false;
  socket.write(encodeServerMessage({ kind: 'authenticationSaslFinal', data: result.data }));
  return true;
}

async function byPassword(parts: AuthenticationParts, verifier: Verifier): Promise<boolean> {
  if (!(parts.socket instanceof TLSSocket)) {
    throw new ProxyError('TLS_REQUIRED', 'this agent sends its password in the open, so it must come by TLS', {
      hint: 'Connect with sslmode=require or stronger.',
    });
  }
  parts.socket.write(encodeServerMessage({ kind: 'authenticationCleartext' }));
  return await isPasswordOf(verifier, decodePassword(await answer(parts)));
}

async function answer(parts: AuthenticationParts): Promise<Buffer> {
  const { type, body } = await parts.reader.message(parts.messageBytesMax);
  if (type !== fromClient.password)
    throw new ProxyError('PROTOCOL_VIOLATION', `expected password response, got message type ${type}`);
  return body;
}

/** A certificate is asked for beside the password, never instead of it: a stolen key file alone opens nothing. */
function checkCertificate({ socket, needsCertificate }: AuthenticationParts, account: AgentAccount): void {
  if (account.certificateName === undefined && !needsCertificate) return;
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    throw new ProxyError(
      'INVALID_AUTHORIZATION',
      `agent "${account.name}" must show a client certificate that this proxy trusts`,
      {
        hint: 'Connect with sslcert and sslkey; the certificate must be signed by the authority in tls.client_ca.',
      },
    );
  }
  if (account.certificateName === undefined) return;
  const { subject, subjectaltname } = socket.getPeerCertificate();
  const names = [
    subject?.CN,
    ...(subjectaltname ?? '').split(', ').map((name) => name.replace(/^(?:DNS|URI|email):/, '')),
  ];
  if (names.flat().includes(account.certificateName)) return;
  throw new ProxyError('INVALID_AUTHORIZATION', `the client certificate is not the one of agent "${account.name}"`, {
    hint: 'Its CN, or a DNS or URI name in it, has to be what certificate_name says at the agent.',
  });
}
