// Goal: what runs is on record as the record promises: classification and schema before they judge, owners, checkpoints elsewhere; and what
// the real proxy recorded can be searched over http, judged again and verified.
// Method: the real command before a real Postgres, with a token, a sealing key and a file for checkpoints; then the commands of the auditor.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import type { LoggedRecord } from '../../src/audit/record.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type Served, ServeProgram } from '../support/serve-program.ts';
import { gateUrl, shopFill } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';
import { aFolder } from '../support/folders.ts';

const auditor = generateKeyPairSync('x25519');
const token = 'token-of-ben';

let postgres: TestPostgres;
let folder: string;
let auditDir: string;
let proxy: ServeProgram;
let serving: Served;

const shop = (orders: string): string => `version: 1
database: shop
owner: data-owners
tables:
  public.orders: ${orders}
`;

beforeAll(async () => {
  postgres = await startPostgres({
    fill: shopFill('create table orders (id int, total numeric); grant all on orders to gate'),
  });
  folder = aFolder();
  auditDir = join(folder, 'audit');
  mkdirSync(join(folder, 'classification'));
  writeFileSync(join(folder, 'auditor.pub'), auditor.publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(folder, 'auditor.pem'), auditor.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(folder, 'classification/shop.yaml'), shop('public'));
  writeFileSync(
    join(folder, 'classification/taxonomy.yaml'),
    'version: 1\nlevels:\n  - { name: public, read: allow }\n  - { name: restricted, read: deny }\ndefaults: { unclassified: restricted }\n',
  );
  writeFileSync(
    join(folder, 'classification/approvers.yaml'),
    `version: 1\napprovers:\n  ben: { groups: [data-owners], token_sha256: "${createHash('sha256').update(token).digest('hex')}" }\n`,
  );
  writeFileSync(
    join(folder, 'countersign.yaml'),
    `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
holds: { wait: 1s }
audit:
  seal: auditor.pub
  publish: [{ kind: file, path: kept.notes, every: 1s }]
databases:
  shop: { url: "${gateUrl(postgres.port)}" }
agents:
  bot: { password: bot-password, owner: ana, databases: [shop] }
`,
  );
  proxy = new ServeProgram(join(folder, 'countersign.yaml'), folder);
  serving = await proxy.serving();
  await waitFor('readiness', async () => (await fetch(`${serving.http}/readyz`)).ok, { withinMs: 30_000 });
});
afterAll(async () => {
  proxy.kill();
  await postgres.stop();
});

async function ask(...args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const [out, err]: [string[], string[]] = [[], []];
  const world = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line), env: {} };
  const code = await run(['audit', ...args], world);
  return { out: out.join('\n'), err: err.join('\n'), code };
}

const judgedWith = (words: string): readonly Extract<LoggedRecord, { readonly kind: 'judged' }>[] =>
  recordsIn(auditDir).flatMap((each) => (each.kind === 'judged' && each.text?.includes(words) === true ? [each] : []));

/** A machine that is very busy may call a statement not known at first; an agent asks again. */
const runs = (sql: string): Promise<unknown> =>
  waitFor(sql, () => query(`postgres://bot:bot-password@${serving.address}/shop`, sql).then(() => true), {
    withinMs: 20_000,
  });

describe('a proxy that serves', () => {
  test('has on record what judges, before it judges, and who owns which agent', async () => {
    await runs('select total from orders where id = 7');
    const records = recordsIn(auditDir);
    const [catalog] = records.filter((each) => each.kind === 'catalog' && each.database === undefined);
    const judged = judgedWith('select total').find((each) => each.verdict === 'allow');
    expect(catalog).toMatchObject({ version: judged?.catalog, kept: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(catalog?.seq).toBeLessThan(judged?.seq ?? 0);
    expect(records.find((each) => each.kind === 'config')).toMatchObject({
      words: expect.stringContaining('bot (ana)'),
    });
    expect(judged).toMatchObject({
      role: 'gate',
      columns: expect.arrayContaining([{ column: 'public.orders.total', level: 'public' }]),
    });
    await waitFor(
      'the schema',
      () =>
        recordsIn(auditDir).some(
          (each) => each.kind === 'catalog' && each.database === 'shop' && each.version === judged?.schema,
        ),
      { withinMs: 30_000 },
    );
  });

  test('is searched over http by an approver, and by nobody else', async () => {
    const url = `${serving.http}/api/audit?agent=bot&column=orders.total&verdict=allow`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const { records } = (await answer.json()) as { readonly records: readonly LoggedRecord[] };
    expect(records.length).toBeGreaterThan(0);
    expect((await fetch(url, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });

  test('is judged again by what it kept: sealed, by shape, and with files that were changed since', async () => {
    const seq = String(judgedWith('select total').find((each) => each.verdict === 'allow')?.seq);
    const config = ['--dir', auditDir, '--classification', join(folder, 'classification')];
    const sealed = await ask('replay', seq, ...config, '--key', join(folder, 'auditor.pem'), '--json');
    expect(JSON.parse(sealed.out)).toMatchObject({ way: 'sealed', faith: { kind: 'proven' }, differs: [] });
    const before = JSON.parse(sealed.out) as { readonly now: { readonly catalog: string } };
    writeFileSync(join(folder, 'classification/shop.yaml'), shop('restricted'));
    await waitFor(
      'the new classification on record',
      () => recordsIn(auditDir).some((each) => each.kind === 'catalog' && each.words.includes(before.now.catalog)),
      { withinMs: 20_000 },
    );
    const shape = await ask('replay', seq, ...config, '--json');
    expect(JSON.parse(shape.out)).toMatchObject({
      ...{ way: 'shape', faith: { kind: 'proven' }, recorded: 'allow' },
      ...{ then: { verdict: 'allow', schema: 'then' }, now: { verdict: 'deny' } },
    });
    const counted = await ask('what-if', ...config, '--json');
    expect(counted.code).toBe(1);
    expect(JSON.parse(counted.out)).toMatchObject({ cannot_tell: 0 });
  });

  test('leaves its last checkpoint elsewhere when it stops, and a log that is whole against it', async () => {
    proxy.child.kill('SIGTERM');
    await within('the end of the proxy', proxy.exited);
    const verified = await ask('verify', '--dir', auditDir, '--against', join(folder, 'kept.notes'), '--json');
    expect(JSON.parse(verified.out), verified.err).toMatchObject({ kind: 'whole', unsigned: 0 });
    expect(recordsIn(auditDir).at(-1)).toMatchObject({ kind: 'stop' });
  });
});
