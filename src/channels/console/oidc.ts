// Signing in by an identity provider (OpenID Connect: authorization code, PKCE, state, nonce, signed ID token), as far as knowing who
// somebody is there. The only door to openid-client. Who they are here, and what they may, is decided by person-of.ts and the files.
import * as client from 'openid-client';
import type { OidcConfig } from '../../core/config-oidc.ts';
import { wordsOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { visible } from '../../core/visible.ts';
import type { Clock } from '../../core/clock.ts';

/** What is kept in the browser, signed, between going to the provider and coming back. */
export interface Journey {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly next: string;
}

export interface Identity {
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  /** As the provider names them. */
  readonly groups: readonly string[];
}

export type Finished =
  | { readonly kind: 'identity'; readonly identity: Identity }
  /** `away`: the provider; `refused`: it said no; `invalid`: what came is not what was asked for. */
  | { readonly kind: 'away' | 'refused' | 'invalid'; readonly words: string };

export interface OidcParts {
  readonly config: () => OidcConfig | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const discoveryMs = 60 * 60 * 1000;
const timeoutSeconds = 10;
const groupsMax = 2_000;

export class Oidc {
  readonly #parts: OidcParts;
  #found: { readonly config: OidcConfig; readonly until: number; readonly provider: client.Configuration } | undefined;

  constructor(parts: OidcParts) {
    this.#parts = parts;
  }

  get config(): OidcConfig | undefined {
    return this.#parts.config();
  }

  /** Where the browser goes, and what it has to bring back. Undefined: the provider does not answer. */
  async begin(
    next: string,
    redirectUri: string,
  ): Promise<{ readonly url: URL; readonly journey: Journey } | undefined> {
    const provider = await this.#provider();
    const { config } = this;
    if (provider === undefined || config === undefined) return undefined;
    const verifier = client.randomPKCECodeVerifier();
    const journey = { state: client.randomState(), nonce: client.randomNonce(), verifier, next };
    const url = client.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUri,
      scope: config.scopes.join(' '),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: journey.state,
      nonce: journey.nonce,
    });
    return { url, journey };
  }

  async finish(current: URL, { state, nonce, verifier }: Journey): Promise<Finished> {
    const provider = await this.#provider();
    const { config } = this;
    if (provider === undefined || config === undefined) return away;
    try {
      const tokens = await client.authorizationCodeGrant(provider, current, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) return invalid;
      return {
        kind: 'identity',
        identity: identityOf(await this.#claimsOf(provider, config, tokens.access_token, claims), config),
      };
    } catch (error) {
      this.#parts.log.warn('a sign-in by the identity provider failed', { error });
      if (error instanceof client.AuthorizationResponseError)
        return { kind: 'refused', words: `The identity provider said no (${visible(error.error, 60)}).` };
      return error instanceof client.ClientError || error instanceof client.ResponseBodyError ? invalid : away;
    }
  }

  /** Where somebody signs out at the provider too; undefined: it has no such page. */
  async signOutUrl(backTo: string): Promise<string | undefined> {
    const provider = await this.#provider();
    if (provider?.serverMetadata().end_session_endpoint === undefined) return undefined;
    return client.buildEndSessionUrl(provider, { post_logout_redirect_uri: backTo }).href;
  }

  /** Some providers say in the ID token only who it is; the rest is asked for, of the same subject. */
  async #claimsOf(provider: client.Configuration, config: OidcConfig, accessToken: string, claims: client.IDToken) {
    const isWhole =
      claims['email'] !== undefined && (config.groups.size === 0 || claims[config.groupsClaim] !== undefined);
    if (isWhole || provider.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more = await client.fetchUserInfo(provider, accessToken, claims.sub);
    return { ...more, ...claims };
  }

  async #provider(): Promise<client.Configuration | undefined> {
    const { clock, log } = this.#parts;
    const { config } = this;
    if (config === undefined) return undefined;
    if (this.#found?.config === config && clock.now() < this.#found.until) return this.#found.provider;
    try {
      const provider = await discovered(config);
      this.#found = { config, until: clock.now() + discoveryMs, provider };
      return provider;
    } catch (error) {
      log.warn('the identity provider does not answer as one', { issuer: config.issuer, why: wordsOf(error) });
      return undefined;
    }
  }
}

const away: Finished = { kind: 'away', words: 'The identity provider does not answer.' };
const invalid: Finished = {
  kind: 'invalid',
  words: 'What came back from the identity provider does not fit to what was asked; it may be too old.',
};

async function discovered(config: OidcConfig): Promise<client.Configuration> {
  const issuer = new URL(config.issuer);
  // Plain http only where nobody else listens: config-cross.ts lets only loopback through.
  const insecure = issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [];
  const options = { execute: insecure, timeout: timeoutSeconds };
  const found = await client.discovery(issuer, config.clientId, undefined, client.None(), options);
  const server = found.serverMetadata();
  const provider = new client.Configuration(server, config.clientId, undefined, authOf(config, server));
  for (const each of insecure) each(provider);
  // The specification lets a token that came over TLS pass unsigned; we check the signature all the same.
  client.enableNonRepudiationChecks(provider);
  provider.timeout = timeoutSeconds;
  return provider;
}

/** The specification's usual way is Basic; many providers know only the other. */
function authOf({ clientSecret }: OidcConfig, server: client.ServerMetadata): client.ClientAuth {
  if (clientSecret === undefined) return client.None();
  const ways = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const secret = clientSecret.reveal();
  return ways.includes('client_secret_basic') ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

function identityOf(
  claims: Readonly<Record<string, unknown>> & { readonly sub: string },
  config: OidcConfig,
): Identity {
  const { sub: subject, email } = claims;
  return {
    subject,
    email: typeof email === 'string' && email !== '' ? email : undefined,
    // Nothing but the word itself: some providers send "true" as text, and some let anybody write an address.
    emailVerified: claims['email_verified'] === true,
    groups: namesIn(claims[config.groupsClaim]),
  };
}

function namesIn(claim: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return list.filter((name) => typeof name === 'string').slice(0, groupsMax);
}
