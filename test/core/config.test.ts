// Goal: countersign.yaml means what a person reads in it; every mistake names its line, column and mend, all at once.
// Method: the contract's own example; a table of single edits with the exact words; hostile variables; real certificates.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { configFromText, loadConfig } from '../../src/core/config.ts';
import { configTable } from '../../src/core/config-table.ts';
import type { Config } from '../../src/core/config-types.ts';
import { mistakeText } from '../../src/core/place.ts';
import { parseUpstreamUrl } from '../../src/core/upstream-url.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const scram = `SCRAM-SHA-256$4096:${'A'.repeat(22)}==$${'A'.repeat(43)}=:${'A'.repeat(43)}=`;

/** The contract's example, with a real verifier and without the files that are not here. */
const example = `listen: 127.0.0.1:6432
http: { listen: 127.0.0.1:6480, public_url: https://countersign.example.com }           # API, console, health, metrics
classification: ./classification
state: journal:./state                 # or redis://… , rediss://…
audit: { dir: ./audit }
databases:
  shop: { url: "postgres://gate:\${GATE_PASSWORD}@127.0.0.1:5432/shop?sslmode=verify-full" }
agents:
  report-bot: { scram: "${scram}", owner: ana, databases: [shop] }           # or password: \${REPORT_BOT_PASSWORD}
  ci-bot:     { password: "\${CI_BOT_PASSWORD}", owner: ben, databases: [shop], wait: 5s } # any key of \`holds\` per agent
  etl-bot:    { password: "\${ETL_BOT_PASSWORD}", owner: ben, databases: [shop], upstream: { user: etl, password: "\${ETL_PASSWORD}" } }  # its own Postgres role
holds: { wait: 60s, pending: 1h, grant: 15m, heartbeat: 15s }
slack: { mode: socket, bot_token: "\${SLACK_BOT_TOKEN}", app_token: "\${SLACK_APP_TOKEN}", channel: C0123456 }
`;
const env: Readonly<Record<string, string>> = {
  GATE_PASSWORD: 'gate-hunter2',
  CI_BOT_PASSWORD: 'ci-hunter2',
  ETL_BOT_PASSWORD: 'etl-bot-hunter2',
  ETL_PASSWORD: 'etl-hunter2',
  SLACK_BOT_TOKEN: 'xoxb-hunter2',
  SLACK_APP_TOKEN: 'xapp-hunter2',
};
const makeVerifier = async (password: string): Promise<string> => Promise.resolve(`verifier of ${password.length}`);

const read = (text: string, more: Readonly<Record<string, string>> = {}) =>
  configFromText(join(folder, 'countersign.yaml'), text, { env: { ...env, ...more }, makeVerifier });

async function config(text: string, more: Readonly<Record<string, string>> = {}): Promise<Config> {
  const loaded = await read(text, more);
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

async function mistakes(text: string, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const loaded = await read(text, more);
  return loaded.kind === 'bad'
    ? loaded.mistakes.map((mistake) => mistakeText(mistake).replace(`${folder}/countersign.yaml`, 'c'))
    : [];
}

describe('the config', () => {
  test('of the contract reads as the contract says', async () => {
    const read = await config(example);
    expect(read).toMatchObject({
      listen: { host: '127.0.0.1', port: 6432 },
      http: { listen: { host: '127.0.0.1', port: 6480 }, publicUrl: 'https://countersign.example.com' },
      classificationDir: join(folder, 'classification'),
      state: { kind: 'journal', dir: join(folder, 'state') },
      auditDir: join(folder, 'audit'),
      holds: { waitMs: 60_000, pendingMs: 3_600_000, grantMs: 900_000, heartbeatMs: 15_000 },
      slack: { mode: 'socket', channel: 'C0123456' },
    });
    expect(read.databases.get('shop')).toMatchObject({ host: '127.0.0.1', port: 5432, tls: { mode: 'verify-full' } });
    expect(read.databases.get('shop')?.login.password?.reveal()).toBe('gate-hunter2');
    expect(read.agents.get('report-bot')).toMatchObject({ verifier: scram, owner: 'ana', databases: ['shop'] });
    expect(read.agents.get('ci-bot')?.holds).toMatchObject({ waitMs: 5000, pendingMs: 3_600_000 });
    expect(read.agents.get('etl-bot')?.login).toMatchObject({ user: 'etl' });
  });

  test('needs nothing but a database', async () => {
    const read = await config('databases: { shop: { url: "postgres://gate@db" } }');
    expect(read).toMatchObject({ listen: { port: 6432 }, http: { listen: { host: '127.0.0.1', port: 6480 } } });
    expect(read.databases.get('shop')).toMatchObject({ database: 'shop', port: 5432, tls: { mode: 'prefer' } });
  });

  test('keeps only a verifier of an agent’s password, and prints no secret in any way', async () => {
    const read = await config(example);
    expect(read.agents.get('ci-bot')?.verifier).toBe('verifier of 10');
    expect(
      inspect(read, { depth: 20, showHidden: true }) + JSON.stringify([...read.databases, ...read.agents, read.slack]),
    ).not.toContain('hunter2');
  });

  const edits: readonly (readonly [name: string, from: string | RegExp, to: string, said: readonly string[]])[] = [
    ['an unknown key', 'listen: 127', 'lisen: 127', ["c:1:1: lisen: no such key here (did you mean 'listen'?)"]],
    [
      'an unknown key of an agent',
      'wait: 5s',
      'wiat: 5s',
      ["c:10:80: agents.ci-bot.wiat: no such key here (did you mean 'wait'?)"],
    ],
    [
      'a duration without a unit',
      'heartbeat: 15s',
      'heartbeat: 15',
      ['c:12:57: holds.heartbeat: must be a duration like 500ms, 30s, 10m, 2h or 7d (write for example 15s)'],
    ],
    [
      'a duration that timers cannot hold',
      'pending: 1h',
      'pending: 30d',
      ['c:12:30: holds.pending: must be from 0s to 20d (write for example 1h)'],
    ],
    [
      'a database that is not there',
      'ben, databases: [shop], wait',
      'ben, databases: [shpo], wait',
      ["c:10:73: agents.ci-bot: no such database under 'databases' (did you mean 'shop'?)"],
    ],
    [
      'an agent without a password',
      'password: "${CI_BOT_PASSWORD}", ',
      '',
      ['c:10:3: agents.ci-bot: has no password (make one with: countersign agents rotate ci-bot)'],
    ],
    [
      'an agent with two passwords',
      'scram: ',
      'password: x, scram: ',
      ["c:9:17: agents.report-bot: has both 'scram' and 'password' (keep one of them)"],
    ],
    [
      'a verifier that is none',
      '$4096:',
      '$1:',
      ['c:9:24: agents.report-bot.scram: not a SCRAM-SHA-256 verifier (make one with: countersign agents add NAME)'],
    ],
    [
      'cleartext without TLS',
      'wait: 5s',
      'auth: cleartext',
      ['c:10:86: cleartext passwords need TLS (add `tls: { cert: …, key: … }`)'],
    ],
    [
      'a misspelt sslmode',
      'sslmode=verify-full',
      'sslmode=verify_full',
      [
        'c:7:16: databases.shop.url: sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full (mend the URL)',
      ],
    ],
    [
      'a variable that is not set',
      '${ETL_PASSWORD}',
      '${NO_SUCH}',
      ['c:11:114: the environment variable NO_SUCH is not set (set it: export NO_SUCH=…)'],
    ],
    [
      'a file that is not there',
      '${ETL_PASSWORD}',
      '${file:nowhere}',
      ['c:11:114: the file nowhere cannot be read: there is no such file (mend path or permissions)'],
    ],
    [
      'a variable that is not closed',
      '${ETL_PASSWORD}',
      '${ETL_PASSWORD',
      ['c:11:114: a variable is not closed: ${ without } (close it, or write $${ for the characters themselves)'],
    ],
    [
      'a root certificate that is not there',
      'sslmode=verify-full',
      'sslmode=verify-full&sslrootcert=nowhere.crt',
      ['c:7:11: databases.shop.url.sslrootcert: cannot be read: there is no such file (mend path or permissions)'],
    ],
    [
      'one word where several may stand',
      'owner: ana, databases: [shop]',
      'owner: ana, databases: shop',
      ['c:9:184: agents.report-bot.databases: must be a list, is a text (write it in brackets: [ … ])'],
    ],
    [
      'a console below a path',
      'https://countersign.example.com',
      'https://example.com/countersign',
      [
        'c:2:45: http.public_url: not the address of a whole site: scheme, name and port, no path (write for example https://countersign.example.com)',
      ],
    ],
    [
      'a token of the other kind',
      'bot_token: "${SLACK_BOT_TOKEN}"',
      'bot_token: xapp-1',
      ['c:13:35: slack.bot_token: is an app-level token (the bot’s begins with xoxb-)'],
    ],
    [
      'a webhook that is none',
      'audit:',
      'teams: { webhook_url: somewhere }\naudit:',
      ['c:5:23: teams.webhook_url: not an http(s) URL (copy it from the workflow in Teams)'],
    ],
    ['an empty password', '"${ETL_PASSWORD}"', '""', ['c:11:114: agents.etl-bot.upstream.password: must not be empty']],
    [
      'no app token in socket mode',
      ', app_token: "${SLACK_APP_TOKEN}"',
      '',
      ["c:13:1: slack: socket mode needs 'app_token' (make an app-level token with connections:write)"],
    ],
    [
      'the same address twice',
      '127.0.0.1:6480',
      '127.0.0.1:6432',
      ['c:2:17: the same address as `listen` (give it another port)'],
    ],
    [
      'an address that is none',
      '127.0.0.1:6432',
      '127.0.0.1:99999',
      ['c:1:9: listen: not an address to listen on (write HOST:PORT, for example 127.0.0.1:6432, or [::1]:6432)'],
    ],
    [
      'certificates that are not there',
      'audit:',
      'tls: { cert: a.crt, key: a.key }\naudit:',
      [
        'c:5:14: tls.cert: cannot be read: there is no such file (mend path or permissions)',
        'c:5:26: tls.key: cannot be read: there is no such file (mend path or permissions)',
      ],
    ],
  ];
  test.each(edits)('says where and how to mend %s', async (_name, from, to, said) => {
    const text = example.replace(from, () => to);
    expect(text).not.toBe(example);
    expect(await mistakes(text)).toEqual(said);
  });

  test('says mistakes of every sort at once', async () => {
    const text = example
      .replace('${GATE_PASSWORD}', () => '${NO_SUCH}')
      .replace('ben, databases: [shop], wait', 'ben, databases: [nowhere], wait')
      .replace(', app_token: "${SLACK_APP_TOKEN}"', '');
    expect(await mistakes(text)).toHaveLength(3);
  });

  test('that cannot be read says so in one line', async () => {
    const loaded = await loadConfig(join(folder, 'none.yaml'), { env, makeVerifier });
    expect(loaded.kind === 'bad' ? loaded.mistakes.map(mistakeText) : []).toEqual([
      `${folder}/none.yaml:1:1: cannot be read: there is no such file (name it with --config FILE)`,
    ]);
  });
});

describe('a variable', () => {
  test.each([
    ['p@ss:w/?#&x'],
    ['x@evil.example/other?sslmode=disable#'],
    ['"}\nagents: {}'],
    ['${CI_BOT_PASSWORD}'],
    ['%41'],
  ])('with %j in it stays a password in a URL', async (password) => {
    const shop = (await config(example, { GATE_PASSWORD: password })).databases.get('shop');
    expect(shop?.login.password?.reveal()).toBe(password);
    expect(shop).toMatchObject({ host: '127.0.0.1', database: 'shop', tls: { mode: 'verify-full' } });
  });

  test('may hold the whole URL', async () => {
    const text = 'databases: { shop: { url: "${URL}" } }';
    const read = await config(text, { URL: 'postgresql://a:b%40c@[::1]:5433/x' });
    expect(read.databases.get('shop')).toMatchObject({ host: '::1', port: 5433, database: 'x' });
    expect(read.databases.get('shop')?.login.password?.reveal()).toBe('b@c');
  });

  test('may be a number or a yes', async () => {
    const text =
      'databases: { shop: { url: "postgres://a@b", pool: { warm: "${WARM}" } } }\nlimits: { connections: "${N}" }';
    const read = await config(text, { WARM: '7', N: '12' });
    expect([read.databases.get('shop')?.poolWarm, read.limits.connectionsMax]).toEqual([7, 12]);
  });

  test('that is empty counts as missing', async () => {
    expect(await mistakes(example, { ETL_PASSWORD: '' })).toEqual([
      'c:11:114: the environment variable ETL_PASSWORD is empty (set it: export ETL_PASSWORD=…)',
    ]);
  });

  test('is a file’s text without its last line break, relative to the config file', async () => {
    writeFileSync(join(folder, 'password.txt'), 'from-a-file\n');
    const read = await config(example.replace('${ETL_PASSWORD}', () => '${file:password.txt}'));
    expect(read.agents.get('etl-bot')?.login?.password?.reveal()).toBe('from-a-file');
  });

  test('is not looked for after $$', async () => {
    const read = await config(example.replace('${ETL_PASSWORD}', () => 'a$${B}$c'));
    expect(read.agents.get('etl-bot')?.login?.password?.reveal()).toBe('a${B}$c');
  });
});

describe('certificates', () => {
  const made = (name: string): void => {
    const command = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name}`;
    const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
    execFileSync('openssl', [...command.split(' '), ...files], { stdio: 'ignore' });
  };
  const withTls = (tls: string): string => `tls: ${tls}\n${example}`;
  made('one');
  made('two');

  test('that fit are read with the config', async () => {
    const read = await config(withTls('{ cert: one.crt, key: one.key, client_ca: two.crt, required: true }'));
    expect(read.tls).toMatchObject({ cert: readFileSync(join(folder, 'one.crt'), 'utf8'), required: true });
    expect(read.tls?.key.reveal()).toBe(readFileSync(join(folder, 'one.key'), 'utf8'));
  });

  test('may stand in a variable', async () => {
    const read = await config(withTls('{ cert: "${file:one.crt}", key: "${KEY}" }'), {
      KEY: readFileSync(join(folder, 'one.key'), 'utf8'),
    });
    expect(read.tls?.required).toBe(false);
  });

  test.each([
    [
      '{ cert: one.crt, key: two.key }',
      'c:1:28: tls.key: the private key does not belong to the certificate (give the key that the certificate was made for)',
    ],
    [
      '{ cert: one.key, key: one.key }',
      'c:1:14: tls.cert: is no certificate in PEM form (it begins with -----BEGIN CERTIFICATE-----)',
    ],
    [
      '{ cert: one.crt, key: one.crt }',
      'c:1:28: tls.key: is no private key in PEM form (it begins with -----BEGIN PRIVATE KEY----- and has no pass phrase)',
    ],
  ])('%s is a mistake', async (tls, said) => {
    expect(await mistakes(withTls(tls))).toEqual([said]);
  });
});

describe('a database’s URL', () => {
  test.each([
    'mysql://a@b/c',
    'postgres://a:b',
    'postgres://a:b@/c',
    'postgres://a:b@h1,h2/c',
    'postgres://a:b@h:port/c',
    'postgres://a:b@h:70000/c',
    'postgres://a:%zz@h/c',
    'postgres://a:%00@h/c',
    'postgres://a:b@h/c?sslmode=verify-full&sslmode=disable',
    'postgres://a:b@h/c?sslmode',
    'postgres://a:b@h/c?target_session_attrs=any',
    'postgres://a:b@h/c?require_auth=trust',
    'postgres://a:b@h/c#x',
    'postgres://a:b@h/c?sslmode=require&sslrootcert=system',
  ])('%s is refused', (url) => {
    expect(parseUpstreamUrl(url).kind).toBe('bad');
  });

  test('takes libpq’s options, and a folder as host for a Unix socket', () => {
    const url =
      'postgres://a@/c?host=/run/postgresql&connect_timeout=3&require_auth=scram-sha-256,none&sslrootcert=system';
    expect(parseUpstreamUrl(url)).toMatchObject({
      kind: 'good',
      value: {
        host: '/run/postgresql',
        connectTimeoutMs: 3000,
        requireAuth: ['scram-sha-256', 'none'],
        sslRootCert: 'system',
        sslMode: 'verify-full',
      },
    });
  });
});

describe('docs/config.md', () => {
  test('has the table that the schema makes (UPDATE_DOCS=1 writes it)', () => {
    const file = new URL('../../docs/config.md', import.meta.url).pathname;
    const text = readFileSync(file, 'utf8');
    const marked = /(<!-- prettier-ignore-start -->\n)[\s\S]*?(<!-- prettier-ignore-end -->)/;
    const wanted = text.replace(marked, (_, start: string, end: string) => `${start}\n${configTable()}\n\n${end}`);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted);
    expect(marked.test(text)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(wanted);
  });
});
