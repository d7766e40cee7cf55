// Goal: what users and their scripts rely on is there, name by name: commands and exit codes, the forms of answers, words on the wire.
// Method: a site set up by hand, real processes before a real Postgres; tables of what is asked and what has to come.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAgent } from '../support/held.ts';
import { makeSite, type Serving, type Site } from '../support/site.ts';
import { query } from '../support/client.ts';
import { waitFor } from '../support/wait.ts';

let site: Site;
let proxy: Serving;

beforeAll(async () => {
  site = await makeSite();
  proxy = await site.serve();
  const mere = `listen: 127.0.0.1:0
http: { listen: 127.0.0.1:0 }
state: journal:./elsewhere
databases: { shop: { url: "postgres://gate@127.0.0.1/shop" } }
`;
  site.write('elsewhere.yaml', `${mere}classification: ./nowhere\naudit: { dir: ./elsewhere }\n`);
  site.write('unwritable.yaml', `${mere}audit: { dir: /proc/1/none }\n`);
  site.write('signer.yaml', `${mere}audit: { dir: ./signed, signer: [/no/such/program] }\n`);
});
afterAll(() => site.remove());

const token = (name: string): Record<string, string> => ({ authorization: `Bearer token-of-${name}` });

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function ask(path: string, name: string | undefined = 'eve', body?: unknown): Promise<Answer> {
  const headers = {
    ...(name === '' ? {} : token(name)),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const sent =
    body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(proxy.http(path), { headers, ...sent });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The id of a new hold: each reason is another statement, since it is in its text. */
async function held(
  agent = 'report-bot',
): Promise<{ readonly id: string; readonly waiting: Awaited<ReturnType<typeof asAgent>> }> {
  const waiting = await asAgent(proxy.url(agent), `select email from customers where id = ${(asked += 1)}`);
  return { id: waiting.page.split('/').at(-1) ?? '', waiting };
}
let asked = 0;

describe('a command', () => {
  const good: readonly (readonly [args: string, code: number, out: RegExp])[] = [
    ['check', 0, /^classification: no mistakes \(5 levels, 3 categories, 1 databases, 4 approvers, 0 rules\)$/],
    ['check --json', 0, /^\{"mistakes":\[\],"version":"[0-9a-f]{64}"\}$/],
    ['check --database shop', 0, /100 % of 2 tables and 100 % of \d+ columns are classified; no drift$/],
    ['test', 0, /^2 of 2 cases hold$/],
    ['scan --database shop', 0, /^version: 1\ndatabase: "shop"\n/],
    ['explain --agent report-bot --database shop select+1', 0, /^ALLOW: /],
    [
      'explain --agent report-bot --database shop -',
      0,
      /^HOLD: .*\n {2}hold {3}level restricted \(classification\/shop\.yaml:10:7\)/,
    ],
    [
      'explain --json --agent report-bot --database shop -',
      0,
      /^\{"verdict":"hold",.*"place":"classification\/shop\.yaml:10:7"/,
    ],
    ['holds', 0, /^$/],
    ['holds list --json', 0, /^\[/],
    ['audit verify', 0, /^\d+ records from \S+Z to \S+Z are whole, under head [0-9a-f]{16} .*$/],
    ['audit verify --json', 0, /^\{"kind":"whole","records":\d+,"from"/],
    ['audit search --kind start', 0, /^\S+Z +\d+ start .*$/],
    ['audit export', 0, /^(\{"at":.*\}\n?)+$/],
    ['agents list', 0, /^NAME +OWNER +DATABASES\nreport-bot +ana +shop\nci-bot +ben +shop$/],
    ['agents list --json', 0, /^\[\{"name":"report-bot","owner":"ana","databases":\["shop"\]\}/],
  ];
  test.each(good)('%s exits %d', async (args, code, out) => {
    const env = { COUNTERSIGN_TOKEN: 'token-of-eve', COUNTERSIGN_URL: proxy.http('') };
    const ran = await site.ran(
      args.split(' ').map((each) => each.replaceAll('+', ' ')),
      'select email from customers',
      env,
    );
    expect(ran.code).toBe(code);
    if (!args.startsWith('holds')) expect(ran.out).toMatch(out);
    else expect(ran.out + ran.err).toMatch(/nothing waits|^\[|^h_/);
  });

  const bad: readonly (readonly [args: string, code: number, err: RegExp])[] = [
    [
      'serve --config elsewhere.yaml',
      1,
      /^countersign: nowhere:1:1: the classification folder cannot be read: there is no such file \(the key `classification` .+\)$/,
    ],
    ['serve --config unwritable.yaml', 1, /^countersign: the audit log in \/proc\/1\/none cannot be opened: .+$/],
    ['nothing', 2, /^countersign: unknown command 'nothing'/],
    [
      'serve --config nowhere.yaml',
      1,
      /^countersign: nowhere\.yaml:1:1: cannot be read: there is no such file \(.+\)$/,
    ],
    [
      'check --classification nowhere',
      1,
      /^nowhere: the classification folder cannot be read: there is no such file \(.+\)$/,
    ],
    ['scan', 2, /^countersign: required option '--database <name>' not specified$/],
    ['scan --database shoop', 1, /^countersign\.yaml has no database 'shoop' \(it has: shop\)$/],
    ['explain --agent report-bot select+1', 2, /^countersign: required option '--database <name>' not specified$/],
    ['holds show', 2, /^countersign: missing required argument 'id'$/],
    ['holds list', 2, /^countersign: no token of an approver: .+$/],
    ['audit search --kind nothing', 2, /^countersign: option '--kind <kind>' argument 'nothing' is invalid\. /],
    ['audit verify nowhere.json', 1, /^countersign: nowhere\.json: there is no such file \(.+\)$/],
    ['audit verify --key countersign.yaml', 1, /^the record cannot be checked: countersign\.yaml: .+$/],
    ['audit report --from 2026-13-01 --out x', 2, /^countersign: option '--from <time>' .+ is invalid\. .+$/],
    ['audit report --from 2026-12 --to 2026-11 --out x', 2, /^countersign: --from 2026-12 --to 2026-11: .+$/],
    ['audit verify --dir nowhere', 1, /^.*nowhere.*$/],
    ['audit search --dir nowhere', 1, /^countersign: \S*nowhere: there is no such folder \(.+--dir.+\)$/],
    ['agents rotate nobody', 1, /^countersign: countersign\.yaml: no agent 'nobody' \(it has: report-bot, ci-bot\)$/],
    ['explain --agent a --database shop --rows many select+1', 2, /^--rows many: not a count \(.+\)$/],
    ['explain --agent a --database shop --at noon select+1', 2, /^--at noon: not a time \(.+\)$/],
    ['explain --agent a --database shop --client-address 1.2.3.400 select+1', 2, /^--client-address .+ \(.+\)$/],
  ];
  test.each(bad)('%s exits %d, with one line', async (args, code, err) => {
    const ran = await site.ran(args.split(' ').map((each) => each.replaceAll('+', ' ')));
    expect([ran.code, ran.out]).toEqual([code, '']);
    expect(ran.err).toMatch(err);
    expect(ran.err.split('\n')).toHaveLength(1);
  });

  test('a signer that is not there ends the start at once, not when its time would have been over', async () => {
    mkdirSync(join(site.folder, 'signed'));
    site.write(
      'signed/key.pub',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    );
    const began = performance.now();
    const ran = await site.ran(['serve', '--config', 'signer.yaml']);
    expect([ran.code, ran.err]).toEqual([
      1,
      expect.stringMatching(/signer \/no\/such\/program cannot be started: there is no such file \(.+\)$/),
    ]);
    expect(performance.now() - began).toBeLessThan(9_000);
  });

  test('names every mistake of the classification at once, each on a line, whichever command meets it', async () => {
    const other = makeBroken();
    for (const [command, prefix] of [
      ['check', ''],
      ['serve', 'countersign: '],
    ] as const) {
      const { code, err } = await site.ran([command, '--config', other]);
      const lines = err.split('\n').filter((line) => !line.startsWith('{'));
      expect([command, code, lines]).toEqual([
        command,
        1,
        [
          `${prefix}broken/shop.yaml:4:24: no level or category named 'publik' (did you mean 'public'?)`,
          `${prefix}broken/taxonomy.yaml:3:27: no level named 'nothing' (known: public)`,
        ],
      ]);
    }
  });

  test('whose reader has gone ends in peace', () => {
    const bin = new URL('../../bin/countersign.js', import.meta.url).pathname;
    const line = `for i in 1 2 3 4 5 6; do cat audit/segment-*.jsonl > /dev/null; done; ${process.execPath} ${bin} audit export | head -1 > /dev/null`;
    const { stderr, status } = spawnSync('/bin/sh', ['-c', line], { cwd: site.folder, encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  });
});

function makeBroken(): string {
  site.write(
    'broken.yaml',
    'classification: ./broken\naudit: { dir: ./broken-audit }\nstate: journal:./broken-state\nlisten: 127.0.0.1:0\nhttp: { listen: 127.0.0.1:0 }\ndatabases: { shop: { url: "postgres://gate@127.0.0.1/shop" } }\n',
  );
  mkdirSync(join(site.folder, 'broken'), { recursive: true });
  site.write(
    'broken/taxonomy.yaml',
    'version: 1\nlevels: [{ name: public, read: allow }]\ndefaults: { unclassified: nothing }\n',
  );
  site.write('broken/shop.yaml', 'version: 1\ndatabase: shop\ntables:\n  public.a: { default: publik }\n');
  return 'broken.yaml';
}

interface Notice {
  readonly severity: string | undefined;
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
}

describe('on the wire', () => {
  test('a hold is told at once and with each heartbeat: severity, SQLSTATE, words, a line of JSON, the link', async () => {
    const client = new pg.Client({ connectionString: proxy.url('ci-bot') });
    const notices: Notice[] = [];
    client.on('notice', ({ message, detail, hint, ...rest }) => {
      const { severity, code } = rest as { readonly severity?: string; readonly code?: string };
      notices.push({ severity, code, message, detail, hint });
    });
    await client.connect();
    const refused = await client.query('select email from customers').then(
      () => expect.fail('it passed'),
      (thrown: unknown) => thrown,
    );
    expect(notices[0]).toMatchObject({ severity: 'NOTICE', code: '01000' });
    const [first] = notices;
    expect(first?.message).toMatch(
      /^held for approval h_[A-Za-z0-9]{20}: reads customers\.email \(restricted\); asked: security; waiting up to 1 s$/,
    );
    expect(first?.hint).toMatch(/^https:\/\/countersign\.example\.com\/holds\/h_\w{20}$/);
    expect(first?.detail).not.toContain('\n');
    expect(refused).toMatchObject({ severity: 'ERROR', code: '42501' });
    await client.query('select 1');
    await client.end();
  });

  const refusals: readonly (readonly [sql: string, detail: Record<string, unknown>])[] = [
    [
      'select phone from customers',
      {
        code: 'POLICY',
        rule: 'level secret',
        columns: [{ column: 'public.customers.phone', level: 'secret' }],
        reason: 'reads customers.phone (secret)',
        retry: 'narrower',
      },
    ],
    [
      'select email from customers where id > 5',
      {
        code: 'HOLD_TIMEOUT',
        hold: expect.stringMatching(/^h_\w{20}$/),
        rule: 'level restricted',
        columns: [{ column: 'public.customers.email', level: 'restricted' }],
        reason: 'reads customers.email (restricted)',
        retry: 'after-approval',
      },
    ],
    [
      "copy orders to '/tmp/x'",
      { code: 'POLICY', rule: 'no policy: escape', columns: [], reason: expect.any(String), retry: 'narrower' },
    ],
  ];
  test.each(refusals)('%s is refused with every member of the detail', async (sql, members) => {
    const refused: unknown = await query(proxy.url('ci-bot'), sql).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ severity: 'ERROR', code: '42501' });
    const { detail } = refused as { readonly detail: string };
    expect(JSON.parse(detail)).toMatchObject(members);
    expect(detail).not.toContain('\n');
  });

  test('a denial says who and why; a refusal in a transaction fails it, and COMMIT rolls back', async () => {
    const { id, waiting } = await held();
    expect((await ask(`/api/holds/${id}/votes`, 'ben', { vote: 'deny', reason: 'not today' })).status).toBe(200);
    const { message, detail } = await waiting.refusal;
    expect([message, JSON.parse(detail ?? '')]).toEqual([
      'denied by ben: not today',
      expect.objectContaining({
        code: 'DENIED',
        hold: id,
        reason: 'not today',
        retry: 'never',
        rule: 'level restricted',
      }),
    ]);
    const client = new pg.Client({ connectionString: proxy.url() });
    await client.connect();
    await client.query('begin');
    await expect(client.query('select phone from customers')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    expect((await client.query('commit')).command).toBe('ROLLBACK');
    await client.end();
  });

  const ways: readonly (readonly [how: string, more: string, sql: readonly string[]])[] = [
    [
      'SET countersign.reason',
      '',
      ["set countersign.reason = 'why not'", 'select email from customers where id = 901'],
    ],
    ['options=-c', '?options=-c%20countersign.reason%3Dwhy%5C%20not', ['select email from customers where id = 902']],
    ['a comment tag', '', ["select email from customers where id = 903 /*reason='why%20not'*/"]],
  ];
  test.each(ways)('a reason by %s stands on the hold', async (_how, more, statements) => {
    const client = new pg.Client({ connectionString: proxy.url('report-bot', more) });
    client.on('error', () => undefined);
    await client.connect();
    const notice = new Promise<{ readonly hint?: string | undefined }>((told) => client.once('notice', told));
    const over = (async () => {
      for (const sql of statements) await client.query(sql);
    })().catch(() => undefined);
    const id = (await notice).hint?.split('/').at(-1) ?? '';
    expect((await ask(`/api/holds/${id}`)).body).toMatchObject({ agent_reason: 'why not', state: 'open' });
    await client.end();
    await over;
    await waitFor('the withdrawal', async () => (await ask(`/api/holds/${id}`)).body['state'] === 'withdrawn');
  });
});

test('half of a start-up packet of a stranger stops nobody', async () => {
  const { hostname, port } = new URL(proxy.url());
  const stranger = connect(Number(port), hostname).on('error', () => undefined);
  await new Promise<void>((sent) => stranger.write(Buffer.from([0, 0, 0, 80, 0, 3]), () => sent()));
  expect(await query(proxy.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
  stranger.destroy();
});

describe('over HTTP', () => {
  test('alive, ready with a line per part, and Prometheus', async () => {
    const at = async (path: string): Promise<readonly [number, string]> => {
      const response = await fetch(proxy.http(path));
      return [response.status, await response.text()];
    };
    expect((await at('/healthz'))[0]).toBe(200);
    const [status, ready] = await at('/readyz');
    expect(status).toBe(200);
    expect(ready.trim().split('\n').slice(1).length).toBeGreaterThan(3);
    expect((await at('/metrics'))[1]).toMatch(/^# TYPE countersign_\w+ \w+$/m);
  });

  test('a hold whole, from open to used by two votes of a quorum of two', async () => {
    const { id, waiting } = await held();
    expect(id).toMatch(/^h_[A-Za-z0-9_-]{20}$/);
    const open = await ask('/api/holds?state=open');
    expect(open.body['holds']).toContainEqual(expect.objectContaining({ id, state: 'open' }));
    const one = (await ask(`/api/holds/${id}`)).body;
    const facts = [
      'agent',
      'owner',
      'database',
      'sql',
      'columns',
      'rule',
      'reason',
      'rows_expected',
      'deadline',
      'votes',
      'state',
    ];
    expect(facts.filter((fact) => !(fact in one))).toEqual([]);
    expect(one).toMatchObject({ agent: 'report-bot', owner: 'ana', database: 'shop', votes: [] });
    expect((await ask(`/api/holds/${id}/votes`, 'ben', { vote: 'approve' })).body).toMatchObject({ id, state: 'open' });
    expect((await ask(`/api/holds/${id}/votes`, 'eve', { vote: 'approve' })).body).toMatchObject({
      id,
      state: 'approved',
    });
    expect(await waiting.rows).toEqual([{ email: `e${asked}@example.com` }]);
    await waitFor('used', async () => (await ask(`/api/holds/${id}`)).body['state'] === 'used');
    expect((await ask(`/api/holds/${id}/votes`, 'eve', { vote: 'approve' })).status).toBe(409);
  });

  const errors: readonly (readonly [
    what: string,
    path: string,
    name: string,
    body: unknown,
    status: number,
    code: string,
  ])[] = [
    ['no token', '/api/holds', '', undefined, 401, 'UNAUTHENTICATED'],
    ['a token of nobody', '/api/holds', 'nobody', undefined, 401, 'UNAUTHENTICATED'],
    ['no such hold', '/api/holds/h_00000000000000000000', 'eve', undefined, 404, 'NOT_FOUND'],
    ['a vote about no such hold', '/api/holds/h_00000000000000000000/votes', 'eve', { vote: 'deny' }, 404, 'NOT_FOUND'],
    ['no such page', '/api/nothing', 'eve', undefined, 404, 'NOT_FOUND'],
    ['a vote of the owner', 'HOLD/votes', 'ana', { vote: 'approve' }, 403, 'FORBIDDEN'],
    ['a vote of no approver of this', 'HOLD/votes', 'zed', { vote: 'approve' }, 403, 'FORBIDDEN'],
    ['a vote that is none', 'HOLD/votes', 'eve', { vote: 'perhaps' }, 400, 'BAD_REQUEST'],
    ['no JSON', 'HOLD/votes', 'eve', '{', 400, 'BAD_REQUEST'],
    ['a state that is none', '/api/holds?state=lost', 'eve', undefined, 400, 'BAD_REQUEST'],
    ['a filter that is none', '/api/audit?colour=red', 'eve', undefined, 400, 'BAD_REQUEST'],
  ];
  test.each(errors)('%s: an error with code and words', async (_what, path, name, body, status, code) => {
    const isAboutHold = path.startsWith('HOLD');
    const hold = isAboutHold ? await held() : undefined;
    const answer = await ask(path.replace('HOLD', `/api/holds/${hold?.id ?? ''}`), name, body);
    expect(answer).toEqual({ status, body: { error: { code, message: expect.stringMatching(/\w/) } } });
  });

  test('explains as the command does', async () => {
    const sql = 'select email from customers';
    const { body } = await ask('/api/explain', 'eve', { agent: 'report-bot', database: 'shop', sql });
    const { out } = await site.ran(['explain', '--json', '--agent', 'report-bot', '--database', 'shop', sql]);
    const said = JSON.parse(out) as Record<string, unknown>;
    // An offer is looked for only so long: on a busy machine one of them may have none.
    const names = (of: object): readonly string[] => Object.keys(of).filter((name) => name !== 'offer');
    expect(names(body).toSorted()).toEqual(names(said).toSorted());
    expect(body).toMatchObject({ verdict: 'hold', statements: said['statements'] });
  });

  test.each([
    'agent=report-bot',
    'column=public.customers.email',
    'level=restricted',
    'person=eve',
    'verdict=hold',
    'from=2026',
  ])('the record is searched by %s', async (filter) => {
    const { status, body } = await ask(`/api/audit?${filter}`);
    expect([status, (body['records'] as unknown[]).length > 0]).toEqual([200, true]);
  });
});

test('the record lies in the files that are promised', () => {
  const files = readdirSync(join(site.folder, 'audit'));
  expect(files.some((name) => /^segment-\d+\.jsonl$/.test(name))).toBe(true);
  expect(files.some((name) => name.endsWith('.note'))).toBe(true);
  expect(existsSync(join(site.folder, 'audit/key.pub'))).toBe(true);
});
