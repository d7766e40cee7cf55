// Who somebody of the identity provider is here. An attacker would own an address there that is written here: so an address counts only
// when the provider vouches for it, and never for a person whose account is named. Nobody is guessed: no name, no part of an address. Pure.
import type { OidcConfig } from '../../core/config-oidc.ts';
import { visible } from '../../core/visible.ts';
import type { Approver } from '../../catalog/catalog.ts';
import type { Identity } from './oidc.ts';

export type Matched =
  | { readonly kind: 'person'; readonly person: Approver; readonly groups: readonly string[] }
  | { readonly kind: 'nobody'; readonly words: string };

export function personOf(
  identity: Identity,
  approvers: ReadonlyMap<string, Approver>,
  { groups }: Pick<OidcConfig, 'groups'>,
): Matched {
  const people = [...approvers.values()];
  const { subject, email, emailVerified } = identity;
  const mapped = [...new Set(identity.groups.flatMap((name) => groups.get(name) ?? []))];
  const named = people.find((person) => person.oidc === subject);
  if (named !== undefined) return { kind: 'person', person: named, groups: mapped };
  const mend = `A DBA adds oidc: ${visible(JSON.stringify(subject), 120)} to the person in approvers.yaml.`;
  if (email === undefined)
    return { kind: 'nobody', words: `The identity provider names no e-mail address for you. ${mend}` };
  const shown = visible(email, 120);
  if (!emailVerified)
    return { kind: 'nobody', words: `The identity provider does not vouch for your address ${shown}. ${mend}` };
  const same = people.filter((person) => person.email?.toLowerCase() === email.toLowerCase());
  const free = same.find((person) => person.oidc === undefined);
  if (free !== undefined) return { kind: 'person', person: free, groups: mapped };
  return same.length > 0
    ? { kind: 'nobody', words: `${shown} belongs to an approver who signs in with another account. ${mend}` }
    : { kind: 'nobody', words: `${shown} is no approver’s address in approvers.yaml. ${mend}` };
}
