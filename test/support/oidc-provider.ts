// A small OpenID provider on loopback, real enough to be told apart from none: discovery, PKCE, single-use codes, client secrets, signed ID
// tokens, userinfo, signing out. Its people sign in by a click. `lie` makes it, or somebody between, misbehave.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

export interface ProviderPerson {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: unknown;
  readonly groups?: readonly string[];
}

export type Lie = 'nonce' | 'issuer' | 'audience' | 'key' | 'none' | 'denies' | 'state' | 'expired';

export interface OidcProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who can be clicked. */
  people: readonly ProviderPerson[];
  lie: Lie | undefined;
  /** Whether e-mail and groups stand in the ID token, or only at userinfo. */
  tells: 'in the token' | 'at userinfo';
  readonly signedOut: string[];
  stop(): Promise<void>;
}

interface Grant {
  readonly person: ProviderPerson;
  readonly nonce: string;
  readonly challenge: string;
  readonly redirectUri: string;
}

export async function startOidcProvider(): Promise<OidcProvider> {
  const provider = new Provider(await generateKeyPair('RS256'), await generateKeyPair('RS256'));
  await provider.listen();
  return provider;
}

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

class Provider implements OidcProvider {
  readonly clientId = 'countersign-console';
  readonly clientSecret = 'a client secret: with/odd+marks';
  people: readonly ProviderPerson[] = [];
  lie: Lie | undefined;
  tells: OidcProvider['tells'] = 'in the token';
  readonly signedOut: string[] = [];
  readonly #keys: Pair;
  readonly #otherKeys: Pair;
  readonly #server: Server;
  readonly #codes = new Map<string, Grant>();
  readonly #tokens = new Map<string, ProviderPerson>();
  #port = 0;

  constructor(keys: Pair, otherKeys: Pair) {
    this.#keys = keys;
    this.#otherKeys = otherKeys;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((settle) => this.#server.listen(0, '127.0.0.1', settle));
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((settle) => this.#server.close(() => settle()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.issuer);
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(response, 200, this.#metadata());
      case '/jwks':
        return json(response, 200, {
          keys: [{ ...(await exportJWK(this.#keys.publicKey)), alg: 'RS256', use: 'sig', kid: 'one' }],
        });
      case '/authorize':
        return this.#authorize(url, response);
      case '/token':
        return this.#token(request, response);
      case '/userinfo':
        return this.#userinfo(request, response);
      case '/end':
        this.signedOut.push(url.search);
        response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Signed out at the provider</h1>');
        return;
      default:
        response.writeHead(404).end();
    }
  }

  #metadata() {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      end_session_endpoint: `${issuer}/end`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    };
  }

  /** A page with a button for each person; each goes back with a code of theirs. */
  #authorize({ searchParams: asked }: URL, response: ServerResponse): void {
    const need = (name: string): string => {
      const value = asked.get(name);
      if (value === null) throw new Error(`authorize: no ${name}`);
      return value;
    };
    if (need('client_id') !== this.clientId || need('code_challenge_method') !== 'S256')
      throw new Error('wrong client');
    const back = new URL(need('redirect_uri'));
    back.searchParams.set('state', this.lie === 'state' ? 'another' : need('state'));
    if (this.lie === 'denies') {
      back.searchParams.set('error', 'access_denied');
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    const grant = { nonce: need('nonce'), challenge: need('code_challenge'), redirectUri: need('redirect_uri') };
    const links = this.people.map((person) => {
      const code = randomUUID();
      this.#codes.set(code, { ...grant, person });
      back.searchParams.set('code', code);
      return `<p><a href="${back.href.replaceAll('&', '&amp;')}">${person.sub}</a></p>`;
    });
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<h1>Provider</h1>${links.join('')}`);
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await bodyOf(request));
    const basic = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
    const [id, secret] = basic.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    if (id !== this.clientId || secret !== this.clientSecret) return json(response, 401, { error: 'invalid_client' });
    const code = form.get('code') ?? '';
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant?.challenge !== verifier || grant.redirectUri !== form.get('redirect_uri'))
      return json(response, 400, { error: 'invalid_grant' });
    const accessToken = randomUUID();
    this.#tokens.set(accessToken, grant.person);
    return json(response, 200, {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 300,
      id_token: await this.#idToken(grant),
    });
  }

  async #idToken({ person, nonce }: Grant): Promise<string> {
    const { sub, ...rest } = person;
    const more: JWTPayload = this.tells === 'in the token' ? { ...rest } : {};
    const now = Math.floor(Date.now() / 1000);
    const claims = { ...more, nonce: this.lie === 'nonce' ? 'another' : nonce };
    if (this.lie === 'none')
      return unsigned({ ...claims, sub, iss: this.issuer, aud: this.clientId, iat: now, exp: now + 300 });
    const key: CryptoKey = this.lie === 'key' ? this.#otherKeys.privateKey : this.#keys.privateKey;
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setSubject(sub)
      .setIssuer(this.lie === 'issuer' ? 'https://evil.example.net' : this.issuer)
      .setAudience(this.lie === 'audience' ? 'another-client' : this.clientId)
      .setIssuedAt(this.lie === 'expired' ? now - 7200 : now)
      .setExpirationTime(this.lie === 'expired' ? now - 3600 : now + 300)
      .sign(key);
  }

  #userinfo(request: IncomingMessage, response: ServerResponse): void {
    const person = this.#tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (person === undefined) return json(response, 401, { error: 'invalid_token' });
    return json(response, 200, person);
  }
}

function unsigned(payload: JWTPayload): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(payload)}.`;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
