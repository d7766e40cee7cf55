// Goal: nobody becomes an approver by a word that the identity provider does not vouch for, nor by looking like one.
// Method: identities as rows against a list of people; the pure function alone.
import { describe, expect, test } from 'vitest';
import type { Approver } from '../../../src/catalog/catalog.ts';
import type { Identity } from '../../../src/channels/console/oidc.ts';
import { personOf } from '../../../src/channels/console/person-of.ts';
import { aPerson } from '../../approval/fixtures.ts';

const approvers = new Map<string, Approver>(
  [
    aPerson('ana', ['data-owners'], { email: 'ana@example.com' }),
    aPerson('ben', ['security'], { email: 'Ben@Example.com', oidc: 'sub-ben' }),
    aPerson('cem', ['security'], { email: undefined, oidc: 'sub-cem' }),
  ].map((person) => [person.name, person]),
);
const groups = new Map([
  ['idp-security', 'security'],
  ['idp-sec-leads', 'security'],
]);

function anIdentity(more: Partial<Identity>): Identity {
  return { subject: 'sub-x', email: 'ana@example.com', emailVerified: true, groups: [], ...more };
}

const rows: readonly (readonly [string, Partial<Identity>, string])[] = [
  ['a verified address', {}, 'ana'],
  ['a verified address in other letters', { email: 'ANA@example.COM' }, 'ana'],
  ['an account that is named', { subject: 'sub-cem', email: undefined, emailVerified: false }, 'cem'],
  ['an account that is named, with another address', { subject: 'sub-ben', email: 'new@example.com' }, 'ben'],
  ['an address that nobody vouches for', { emailVerified: false }, 'does not vouch'],
  ['no address', { email: undefined }, 'names no e-mail'],
  ['an address of nobody', { email: 'eve@example.com' }, 'no approver’s address'],
  ['an address that only contains one', { email: 'ana@example.com.evil.net' }, 'no approver’s address'],
  ['an address with a letter that looks the same', { email: 'аna@example.com' }, 'no approver’s address'],
  ['a name in place of an account', { subject: 'ben', email: undefined }, 'names no e-mail'],
  ['the verified address of somebody whose account is named', { email: 'ben@example.com' }, 'another account'],
];

describe('at the identity provider', () => {
  test.each(rows)('%s', (_, more, expected) => {
    const matched = personOf(anIdentity(more), approvers, { groups });
    if (matched.kind === 'person') expect(matched.person.name).toBe(expected);
    else expect(matched.words).toContain(expected);
  });

  test('only groups that the config maps mean anything, each once', () => {
    const asked = anIdentity({ groups: ['idp-security', 'security', 'operators', 'idp-sec-leads', '__proto__'] });
    expect(personOf(asked, approvers, { groups })).toMatchObject({ kind: 'person', groups: ['security'] });
  });

  test('what it sends is shown as text, not as what it would do to a screen', () => {
    const matched = personOf(anIdentity({ email: 'eve\u202e@example.com', subject: '\u001b[2J' }), approvers, {
      groups,
    });
    expect(matched.kind === 'nobody' ? matched.words : '').toMatch(/eve\\u\{202e\}@example\.com.*\\\\?u001b\[2J/);
  });
});
