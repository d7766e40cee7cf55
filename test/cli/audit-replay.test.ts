// Goal: judging the record again says what would differ and never more than it can know; a proposal's effect is counted rightly.
// Method: a log of statements that were really judged with the sample classification; then the files, the schema or the log are changed.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { recordedVerdict } from '../../src/audit/bodies.ts';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { seal } from '../../src/audit/seal.ts';
import { catalogFile, keepCatalog } from '../../src/audit/versions.ts';
import { readFolder } from '../../src/catalog/folder.ts';
import { recordCatalog } from '../../src/audit/catalog-record.ts';
import { keepSchema } from '../../src/cli/kept-schemas.ts';
import { run } from '../../src/cli/program.ts';
import { readSchemaFile, schemaFileOf } from '../../src/cli/schema-file.ts';
import { SqlDesk } from '../../src/cli/sql-desk.ts';
import { isNonEmpty, type UnixMillis } from '../../src/core/brand.ts';
import { systemClock } from '../../src/core/clock.ts';
import { loadClassification, type Classification } from '../../src/policy/classification.ts';
import { wordSaid, type Floors } from '../../src/policy/floors.ts';
import type { Snapshot } from '../../src/sql/schema.ts';
import { normalisedText } from '../../src/sql/normalised.ts';
import { aFolder } from '../support/folders.ts';

const sample = new URL('../../classification', import.meta.url).pathname;
const auditor = generateKeyPairSync('x25519');

function classificationIn(folder: string): Classification {
  const loaded = loadClassification(readFolder(folder));
  if (loaded.kind === 'bad') throw new Error('the sample is bad');
  return loaded.value;
}

const snapshot = readSchemaFile(schemaFileOf(sample, 'shop'));
if (snapshot === undefined) throw new Error('the sample has no schema');
const schema: Snapshot = { ...snapshot, schemaVersion: 'ab'.repeat(16) };

/** A copy of the sample with some text changed. */
function edited(...edits: readonly (readonly [file: string, from: string, to: string])[]): string {
  const folder = aFolder();
  cpSync(sample, folder, { recursive: true });
  for (const [file, from, to] of edits) {
    const text = readFileSync(join(folder, file), 'utf8');
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    writeFileSync(join(folder, file), text.replace(from, to));
  }
  return folder;
}

const emailOpen = [
  'shop.yaml',
  'email: personal.contact.email\n      phone',
  'email: { level: internal, reason: agreed with everybody }\n      phone',
] as const;
const ordersClosed = ['shop.yaml', 'public.order_items: internal', 'public.order_items: restricted'] as const;

interface Recorded {
  readonly dir: string;
  readonly seqs: ReadonlyMap<string, number>;
}

const texts: readonly string[] = [
  'select order_id, quantity from order_items where order_id = 7',
  "select email from customers where last_name = 'Meyer'",
  'select name from products limit 5',
  "select count(*) from order_items where interval '1 day' > now() - now()",
  "select nextval('orders_id_seq')",
];

/** As the gate does: judged with a classification and a schema, and put on the record. */
async function record(audit: Audit, classification: Classification, sql: string, times = 1): Promise<number> {
  const desk = await SqlDesk.open(schema);
  const asker = {
    ...{ agent: 'report-bot', owner: 'ana', database: 'shop', role: 'gate', applicationName: '' },
    ...{ clientAddress: '10.0.0.1', reason: undefined },
    transaction: 'none' as const,
  };
  const question = { classification, asker, sql, searchPath: ['$user', 'public'], now: Date.now(), rows: undefined };
  const { statements } = desk.judge(question);
  const verdicts = statements.map((one) => one.verdict);
  if (!isNonEmpty(verdicts)) throw new Error('nothing was judged');
  const kinds = statements.flatMap((one) => one.analysis.kinds);
  const text = normalisedText(sql);
  let seq = -1;
  for (let n = 0; n < times; n += 1) {
    const receipt = audit.log.record({
      ...{ kind: 'judged', session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop', role: 'gate' },
      ...{ statement: audit.statementHash.ofStatement(Buffer.from(sql)), schema: schema.schemaVersion },
      ...recordedVerdict(verdicts, kinds),
      ...(text === undefined ? {} : { text }),
      sealed: seal(sql, auditor.publicKey),
    });
    seq = receipt.seq;
  }
  audit.log.flush();
  return seq;
}

async function aLog(): Promise<Recorded> {
  const dir = aFolder();
  const audit = await openAudit({ dir, clock: systemClock });
  const files = readFolder(sample);
  recordCatalog(dir, audit.log, { files, before: undefined });
  await keepSchema(dir, audit.log, { database: 'shop', snapshot: schema });
  audit.log.record({
    kind: 'login',
    session: 's_1',
    agent: 'report-bot',
    owner: 'ana',
    database: 'shop',
    address: '10.0.0.1',
  });
  const seqs = new Map<string, number>();
  for (const [index, sql] of texts.entries())
    seqs.set(sql, await record(audit, classificationIn(sample), sql, index + 1));
  await audit.stop();
  return { dir, seqs };
}

let log: Recorded;
beforeAll(async () => {
  log = await aLog();
});

async function ask(...args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const [out, err]: [string[], string[]] = [[], []];
  const world = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line), env: {} };
  const code = await run(['audit', ...args], world);
  return { out: out.join('\n'), err: err.join('\n'), code };
}

const seqOf = (index: number): string => String(log.seqs.get(texts[index] ?? '') ?? -1);

async function replayed(index: number, ...more: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { out, err } = await ask('replay', seqOf(index), '--dir', log.dir, '--json', ...more);
  expect(err).toBe('');
  return JSON.parse(out) as Readonly<Record<string, unknown>>;
}

describe('data that took its level with it', () => {
  /** In this order: read, filled from restricted data, read again; `at` grows with each. */
  async function carriedLog(): Promise<{ readonly dir: string; readonly before: number; readonly after: number }> {
    const dir = aFolder();
    let time = Date.parse('2026-01-15T10:00:00Z');
    const audit = await openAudit({ dir, clock: { ...systemClock, now: () => (time += 1000) as UnixMillis } });
    recordCatalog(dir, audit.log, { files: readFolder(sample), before: undefined });
    await keepSchema(dir, audit.log, { database: 'shop', snapshot: schema });
    const read = 'select quantity from order_items where order_id = 7';
    const before = await record(audit, classificationIn(sample), read);
    const asked = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' } as const;
    await audit.log.recordDurably({
      ...{ kind: 'carried', ...asked, statement: 'f'.repeat(64), hold: `h_${'a'.repeat(20)}` },
      columns: [{ column: 'public.order_items.quantity', level: 'restricted' }],
      from: ['public.customers.email'],
    });
    const own = { level: 'restricted', owner: undefined, said: '', hold: `h_${'a'.repeat(20)}`, from: ['x'] };
    const { catalog } = classificationIn(sample);
    const said = wordSaid(catalog, 'shop', {
      relation: { schema: 'public', name: 'order_items' },
      column: 'quantity',
    });
    const of: Floors['of'] = (_, { column }) => (column === 'quantity' ? { ...own, said } : undefined);
    const after = await record(audit, { ...classificationIn(sample), floors: { version: 1, of } }, read);
    await audit.stop();
    return { dir, before, after };
  }

  test('counts from then on, and not before', async () => {
    const { dir, before, after } = await carriedLog();
    const at = async (seq: number): Promise<Readonly<Record<string, unknown>>> => {
      const { out } = await ask('replay', String(seq), '--dir', dir, '--classification', sample, '--json');
      return JSON.parse(out) as Readonly<Record<string, unknown>>;
    };
    expect(await at(before)).toMatchObject({
      ...{ recorded: 'allow', faith: { kind: 'proven' }, then: { verdict: 'allow' }, now: { verdict: 'hold' } },
      differs: ['verdict: allow then, hold now', 'public.order_items.quantity: internal then, restricted now'],
      carried: { then: 0, now: 1 },
    });
    const later = await at(after);
    expect(later).toMatchObject({
      ...{ recorded: 'hold', faith: { kind: 'proven' }, then: { verdict: 'hold' }, now: { verdict: 'hold' } },
      ...{ differs: [], carried: { then: 1, now: 1 } },
    });
    expect(JSON.stringify(later['then'])).toMatch(/data of public\.customers\.email, let through by h_a{20}/);
    const { out } = await ask('replay', String(after), '--dir', dir, '--classification', sample);
    expect(out).toContain('tables renamed since are not followed');
    const whatIf = await ask('what-if', '--dir', dir, '--classification', sample, '--json');
    expect(JSON.parse(whatIf.out)).toMatchObject({ changes: [], statements: 2, cannot_tell: 0 });
  });
});

describe('replay of one record', () => {
  test('finds that nothing would differ when nothing was changed', async () => {
    const { out, code } = await ask('replay', seqOf(1), '--dir', log.dir, '--classification', sample);
    expect(code).toBe(0);
    expect(out).toContain('select email from customers where last_name = $1');
    expect(out).toContain('by its shape');
    expect(out).toContain('with the classification of then this gives what is on record');
    expect(out).toContain('nothing would differ');
    expect(out).not.toContain('Meyer');
  });

  test('says what differs under files that were changed since, with the line', async () => {
    const answer = await replayed(1, '--classification', edited(emailOpen));
    expect(answer).toMatchObject({
      recorded: 'hold',
      way: 'shape',
      faith: { kind: 'proven' },
      now: { verdict: 'hold' },
    });
    expect(answer['differs']).toEqual(['public.customers.email: restricted then, internal now']);
    expect(JSON.stringify(answer['then'])).toMatch(/shop\.yaml:\d+:\d+\)/);
  });

  test.each(texts.map((sql, index) => [sql, index] as const))(
    'gives the recorded verdict again: %s',
    async (_, index) => {
      const answer = await replayed(index, '--classification', sample);
      expect(answer['faith']).toEqual({ kind: 'proven' });
      expect(answer['differs']).toEqual([]);
    },
  );

  test('judges the full text where it was sealed and the key is given', async () => {
    const key = join(aFolder(), 'auditor.pem');
    writeFileSync(key, auditor.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const answer = await replayed(4, '--classification', sample, '--key', key);
    expect(answer).toMatchObject({ way: 'sealed', faith: { kind: 'proven' } });
  });

  test('says when the classification of then was not kept, or is not as it was kept', async () => {
    const dir = aFolder();
    cpSync(log.dir, dir, { recursive: true });
    const file = catalogFile(dir, classificationIn(sample).catalog.version);
    const changed = ['replay', seqOf(1), '--dir', dir, '--classification', edited(emailOpen)] as const;
    writeFileSync(file, readFileSync(file, 'utf8').replace('order_items: internal', 'order_items: public'));
    expect((await ask(...changed)).out).toMatch(/not tried against the record: .* is not as it was kept/);
    rmSync(file);
    expect((await ask(...changed)).out).toMatch(/not tried against the record: .* is not there/);
  });

  test('does not believe a schema that is not the one the log speaks of', async () => {
    const dir = aFolder();
    cpSync(log.dir, dir, { recursive: true });
    for (const name of readdirSync(join(dir, 'schemas'))) writeFileSync(join(dir, 'schemas', name), 'other');
    const { out } = await ask('replay', seqOf(1), '--dir', dir, '--classification', edited(), '--json');
    // The picture beside the classification is the schema of now.
    expect(JSON.parse(out)).toMatchObject({ way: 'shape', then: { schema: 'now' } });
  });

  test('judges by the columns on record where no schema is at hand, and says so', async () => {
    const dir = aFolder();
    cpSync(log.dir, dir, { recursive: true });
    rmSync(join(dir, 'schemas'), { recursive: true });
    const folder = edited();
    rmSync(join(folder, 'schema'), { recursive: true });
    const { out } = await ask('replay', seqOf(1), '--dir', dir, '--classification', folder);
    expect(out).toContain('by the columns on record');
    expect(out).toContain('with the classification of then this gives what is on record');
  });

  test.each(['999999', 'h_nobody', '../../etc', '0'])('says in one line that nothing is behind %s', async (id) => {
    const { err, code } = await ask('replay', id, '--dir', log.dir, '--classification', sample);
    expect(code).toBe(1);
    expect(err).toContain('no judged statement is behind this');
  });
});

describe('what-if', () => {
  const whatIf = async (folder: string, ...more: readonly string[]) => {
    const { out, code } = await ask('what-if', '--dir', log.dir, '--classification', folder, '--json', ...more);
    return { code, result: JSON.parse(out) as Readonly<Record<string, unknown>> };
  };

  test('counts nothing and exits 0 for the files in force', async () => {
    const { code, result } = await whatIf(sample);
    expect(code).toBe(0);
    expect(result).toMatchObject({
      statements: 15,
      different: 5,
      more_held: 0,
      fewer_held: 0,
      cannot_tell: 0,
      changes: [],
    });
  });

  test('counts each statement that would be held, and shows which and why', async () => {
    const { code, result } = await whatIf(edited(ordersClosed));
    expect(code).toBe(1);
    // One of the first text, four of the fourth.
    expect(result).toMatchObject({ more_held: 5, fewer_held: 0, cannot_tell: 0 });
    const { out } = await ask('what-if', '--dir', log.dir, '--classification', edited(ordersClosed));
    expect(out).toMatch(/^15 statements judged again, 5 different ones/);
    expect(out).toContain('5 more held, 0 fewer');
    expect(out).toMatch(/hold instead of allow ×4: report-bot on shop \(records \d+ to \d+, by shape\)/);
    expect(out).toMatch(/level restricted \(.*shop\.yaml:\d+/);
  });

  test('counts each statement that would no longer be held, and fails only for what it is asked to', async () => {
    const lenient = edited(
      ['shop.yaml', 'last_name: personal.name\n      full_name', 'last_name: internal\n      full_name'],
      emailOpen,
    );
    const { code, result } = await whatIf(lenient, '--fail-on', 'stricter');
    expect(result).toMatchObject({ more_held: 0, fewer_held: 2 });
    expect(code).toBe(0);
    expect((await whatIf(lenient, '--fail-on', 'looser')).code).toBe(1);
    expect((await whatIf(lenient, '--fail-on', 'never')).code).toBe(0);
  });

  test('looks only at the span and the agent that were asked for', async () => {
    expect((await whatIf(edited(ordersClosed), '--from', '2999')).result).toMatchObject({ statements: 0 });
    expect((await whatIf(edited(ordersClosed), '--agent', 'other')).result).toMatchObject({ statements: 0 });
  });

  test('says nothing about statements whose recorded verdict it cannot give again', async () => {
    const dir = aFolder();
    cpSync(log.dir, dir, { recursive: true });
    const audit = await openAudit({ dir, clock: systemClock });
    const version = keepCatalog(dir, readFolder(sample)).version;
    audit.log.record({
      ...{
        kind: 'judged',
        session: 's_1',
        agent: 'report-bot',
        owner: 'ana',
        database: 'shop',
        statement: 'f'.repeat(64),
      },
      ...{ text: 'select order_id from order_items', verdict: 'hold', actions: ['read'], rules: ['budget internal'] },
      columns: [{ column: 'public.order_items.order_id', level: 'internal' }],
      ...{ catalog: version, schema: schema.schemaVersion },
    });
    await audit.stop();
    const { out } = await ask('what-if', '--dir', dir, '--classification', sample, '--json');
    expect(JSON.parse(out)).toMatchObject({ statements: 16, cannot_tell: 1, fewer_held: 0, changes: [] });
  });

  test('names every mistake of a proposal that cannot be read', async () => {
    const { err, code } = await ask(
      'what-if',
      '--dir',
      log.dir,
      '--classification',
      edited(['shop.yaml', 'public.order_items: internal', 'public.order_items: intrenal']),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/shop\.yaml:\d+:\d+: no level or category named 'intrenal'/);
  });
});
