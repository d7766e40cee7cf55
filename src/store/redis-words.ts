// What Redis and the way to it complain about, in words for an operator. Matched by the codes that Redis puts first, and by the
// system's; what is left is quoted, made visible and without secrets: a server's text is text from outside.
import { wordsOf } from '../core/errors.ts';
import { codeOf } from '../core/file-words.ts';
import { withoutSecrets } from '../core/secrets.ts';
import { visible } from '../core/visible.ts';

export const lostWords = 'the connection is lost';

const known: readonly (readonly [RegExp, string])[] = [
  [/\bOOM\b/, 'it is full (maxmemory is reached, and nothing may be thrown away)'],
  [/\bREADONLY\b/, 'it is a replica, and takes no writes'],
  [/\bMISCONF\b/, 'it cannot write to its own disk'],
  [/\bNOREPLICAS\b/, 'it has too few replicas to take writes'],
  [/\bLOADING\b/, 'it is still reading its files'],
  [/\bBUSY\b/, 'it is busy with somebody’s script'],
  [/\bWRONGPASS\b|\bNOAUTH\b|invalid (?:username-)?password/i, 'it refuses the login (user or password)'],
  [
    /\bNOPERM\b|user executing the script/,
    'its user may not do what is needed here: all commands of docs/state.md, on keys and channels of the prefix',
  ],
  [/\bCLUSTERDOWN\b/, 'the Cluster is down: some of its slots have no node'],
  [/\bWRONGTYPE\b/, 'keys of the prefix hold something else: give this state a prefix of its own'],
  [/\bLATE\b|timed? ?out/i, 'no answer in time'],
  [/All sentinels are unreachable/, 'no Sentinel answers, or none knows that group'],
  [/Failed to refresh slots cache/, 'no node of the Cluster answers'],
  [/closed|isn.t writeable|max retries|ended/i, lostWords],
];

const system: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  ETIMEDOUT: 'no answer in time',
  ECONNRESET: lostWords,
  EPIPE: lostWords,
  EHOSTUNREACH: 'there is no way to the host',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody we trust: name the authority with ?ca=FILE',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody we trust: name the authority with ?ca=FILE',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by nobody we trust: name the authority with ?ca=FILE',
};

export function redisWords(thrown: unknown): string {
  const byCode = system[codeOf(thrown) ?? ''];
  if (byCode !== undefined) return byCode;
  const text = wordsOf(thrown);
  const found = known.find(([form]) => form.test(text))?.[1];
  return found ?? `it says: ${visible(withoutSecrets(text), 200)}`;
}
