// Persons by the token in `Authorization: Bearer …`. The files hold only hashes of tokens; each is compared, in constant time and
// whichever fits, so that neither a wrong token nor its nearness to a right one can be told from how long the answer takes.
import { createHash, timingSafeEqual } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import type { Approver } from '../catalog/catalog.ts';
import type { Authenticate, Person } from './authenticate.ts';

/** A token is made by us or by a password manager: anything longer is something else. */
const tokenLengthMax = 500;

/** Of the approvers in the files that are in force now. */
export function bearerAuthenticate(approvers: () => Iterable<Approver>): Authenticate {
  return (request) => {
    const person = personOfBearer(request.headers.authorization, approvers());
    if (person !== undefined) return person;
    throw new ProxyError('UNAUTHENTICATED', 'no valid token; send Authorization: Bearer and the token of an approver');
  };
}

export function personOfBearer(header: string | undefined, approvers: Iterable<Approver>): Person | undefined {
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];
  if (token === undefined || token.length > tokenLengthMax) return undefined;
  const given = createHash('sha256').update(token).digest();
  let found: Person | undefined;
  for (const { name, groups, tokenSha256 } of approvers) {
    const kept = Buffer.from(tokenSha256 ?? '', 'hex');
    // Of another length only when there is none: the files are checked when they are read.
    const fits = timingSafeEqual(kept.length === given.length ? kept : noToken, given);
    if (fits && kept.length === given.length) found = { name, groups };
  }
  return found;
}

const noToken = Buffer.alloc(32);
