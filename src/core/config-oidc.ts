// The `http.oidc` part of countersign.yaml: the identity provider that people sign in to the console with, and which of its groups mean
// which approver group here.
import * as z from 'zod';
import { duration, fieldNotes, secret, text, webUrl } from './config-fields.ts';
import type { Secret } from './secrets.ts';

export const oidcSchema = z.strictObject({
  issuer: webUrl('The provider’s issuer, over https; the rest is found there.'),
  client_id: text('What the provider knows the console as.', 'id'),
  client_secret: secret('The console’s secret there.').optional(),
  name: text('What stands on the button: Sign in with NAME.', 'name').optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'one word'))
    .min(1)
    .optional()
    .register(fieldNotes, { form: 'list of words', usual: 'openid email profile' })
    .describe('What is asked of the provider; `openid` is always with it.'),
  groups_claim: text('The claim that lists a person’s groups.', 'claim')
    .optional()
    .register(fieldNotes, { form: 'claim', usual: 'groups' }),
  groups: z
    .record(
      z.string(),
      z
        .string()
        .min(1)
        .register(fieldNotes, { form: 'approver group' })
        .describe(
          'For people in this group of the provider: the approver group that they are in, while their sign-in is fresh.',
        ),
    )
    .optional(),
  fresh: duration({
    words: 'How long after signing in the provider’s word about groups counts.',
    usual: '1h',
    min: '1m',
    max: '12h',
  }),
});

export type OidcShape = z.output<typeof oidcSchema>;

export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly groupsClaim: string;
  readonly groups: ReadonlyMap<string, string>;
  readonly freshMs: number;
}

export function oidcConfig(shape: OidcShape): OidcConfig {
  return Object.freeze({
    issuer: shape.issuer,
    clientId: shape.client_id,
    clientSecret: shape.client_secret,
    name: shape.name ?? new URL(shape.issuer).hostname,
    scopes: [...new Set(['openid', ...(shape.scopes ?? ['email', 'profile'])])],
    groupsClaim: shape.groups_claim ?? 'groups',
    groups: new Map(Object.entries(shape.groups ?? {})),
    freshMs: shape.fresh ?? 3_600_000,
  });
}
