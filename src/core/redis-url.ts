// Where the shared state is: one Redis, one behind Sentinels, or a Cluster. Parsed by hand, since several hosts stand in one URL.
//
//   redis://USER:PASSWORD@HOST:PORT/DB            rediss:// for TLS
//   redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/GROUP/DB
//   redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT
import { isNonEmpty, type NonEmpty } from './brand.ts';
import { Secret } from './secrets.ts';
import { isPort } from './upstream-url.ts';
import { decoded, queryOf } from './url-parts.ts';

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface RedisUrl {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly hosts: NonEmpty<RedisHost>;
  /** What the Sentinels call the Redis that is meant. */
  readonly group: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly database: number;
  /** What all keys and channels begin with, in braces: one slot of a Cluster, since changes of several keys are one step. */
  readonly prefix: string;
  readonly tls: 'on' | 'off';
  /** Files, or PEM text as it is. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** The Sentinels' own login. */
  readonly sentinelUser: string | undefined;
  readonly sentinelPassword: Secret | undefined;
}

export type RedisUrlRead =
  | { readonly kind: 'good'; readonly value: RedisUrl }
  | { readonly kind: 'bad'; readonly words: string; readonly mend: string };

const forms: Readonly<Record<RedisUrl['kind'], string>> = {
  single: 'redis://USER:PASSWORD@HOST:PORT/DB, or rediss://… for TLS',
  sentinel: 'redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/GROUP/DB',
  cluster: 'redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT',
};

const whole =
  /^redis(s?)(?:[+-](sentinel|cluster))?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

const options = ['prefix', 'ca', 'cert', 'key', 'sentinel_user', 'sentinel_password'] as const;
const prefixForm = /^[A-Za-z0-9_.:-]{1,64}$/;
const bad = (words: string, mend: string): RedisUrlRead => ({ kind: 'bad', words, mend });

export function parseRedisUrl(text: string): RedisUrlRead {
  const match = whole.exec(text);
  const escapes = '@ : / ? # in a password are written %40 …';
  if (match === null) return bad('not a Redis URL', `it has the form ${forms.single}; ${escapes}`);
  const [, secure, kindText, user, password, hostsText = '', path = '', queryText] = match;
  const kind = kindOf(kindText);
  const query = queryOf(queryText);
  const login = [user, password].map((part) => (part === undefined ? undefined : decoded(part)));
  if (query === undefined || login.includes('\0')) return bad('a % that is no escape, or an option twice', escapes);
  const strange = [...query.keys()].find((key) => !options.some((option) => option === key));
  if (strange !== undefined) {
    return bad(`the option '${strange.slice(0, 40)}' is not known`, `known are ${options.join(', ')}`);
  }
  const hosts = hostsText.split(',').map((each) => hostOf(each, kind === 'sentinel' ? 26_379 : 6379));
  const good = hosts.filter((host) => host !== undefined);
  if (good.length < hosts.length || !isNonEmpty(good)) return bad('a host or port that is none', forms[kind]);
  if (kind === 'single' && good.length > 1) return bad('several hosts', `${forms.sentinel}, or ${forms.cluster}`);
  const place = placeOf(kind, path);
  if (place === undefined) return bad('what stands behind the host is not of the form', forms[kind]);
  const prefix = query.get('prefix') ?? 'countersign';
  if (!prefixForm.test(prefix)) return bad('the prefix has other characters than a-z, 0-9, _ . : -', 'prefix=NAME');
  const tls = secure === '' ? 'off' : 'on';
  const files = { ca: query.get('ca'), cert: query.get('cert'), key: query.get('key') };
  if (tls === 'off' && Object.values(files).some((file) => file !== undefined)) {
    return bad('certificates without TLS', 'write rediss instead of redis');
  }
  if ((files.cert === undefined) !== (files.key === undefined)) return bad('cert and key go together', 'give both');
  const sentinel = {
    sentinelUser: query.get('sentinel_user'),
    sentinelPassword: secret(query.get('sentinel_password')),
  };
  const who = { user: filled(login[0]), password: secret(login[1]) };
  return { kind: 'good', value: { kind, hosts: good, ...who, ...place, prefix, tls, ...files, ...sentinel } };
}

function kindOf(text: string | undefined): RedisUrl['kind'] {
  const word = text?.toLowerCase();
  return word === 'sentinel' || word === 'cluster' ? word : 'single';
}

function hostOf(text: string, usualPort: number): RedisHost | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? usualPort);
  const host = match?.[1]?.replace(/^\[(.*)\]$/, '$1');
  return host === undefined || !isPort(port) ? undefined : { host, port };
}

type Where = Pick<RedisUrl, 'group' | 'database'>;

function placeOf(kind: RedisUrl['kind'], path: string): Where | undefined {
  const parts = path === '' ? [] : path.split('/').map(decoded);
  const group = kind === 'sentinel' ? parts.shift() : undefined;
  if (kind === 'sentinel' && (group === undefined || group === '' || group === '\0')) return undefined;
  const [database = '0', ...more] = parts;
  if (more.length > 0 || !/^\d{1,5}$/.test(database)) return undefined;
  // A Cluster has one database only.
  if (kind === 'cluster' && database !== '0') return undefined;
  return { group, database: Number(database) };
}

const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
const secret = (text: string | undefined): Secret | undefined =>
  filled(text) === undefined ? undefined : new Secret(text ?? '');
