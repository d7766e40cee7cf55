// Goal: a sink that the config names gets the records, and a config that forgot something says what.
// Method: config texts through the real loader; a real log shipped to a real file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAudit } from '../../src/audit/keeper.ts';
import { sinkOf, startSinks } from '../../src/cli/serve-sinks.ts';
import { systemClock } from '../../src/core/clock.ts';
import { configFromText } from '../../src/core/config.ts';
import type { Config } from '../../src/core/config-types.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { aJudged, linesIn, until } from '../audit/fixtures.ts';
import { aFolder } from '../support/folders.ts';

async function load(audit: string): Promise<Config | readonly string[]> {
  const text = `databases: { shop: { url: "postgres://u:p@localhost/shop" } }\naudit: ${audit}\n`;
  const loaded = await configFromText('/tmp/c.yaml', text, { env: {}, makeVerifier: () => Promise.resolve('') });
  return loaded.kind === 'good' ? loaded.value : loaded.mistakes.map(mistakeText);
}

const complete = `
  dir: ./a
  signer: [sign-it, --key, "1"]
  sinks:
    copy: { kind: file, path: copy.jsonl, form: ocsf }
    out: { kind: stdout }
    hec: { kind: splunk, url: "https://splunk.example.com:8088", token: t }
    dd: { kind: datadog, url: "https://http-intake.logs.datadoghq.eu", token: t }
    hook: { kind: webhook, url: "https://example.com/hook" }
    siem: { kind: syslog, host: siem.example.com }
    lake: { kind: s3, url: "https://s3.example.com", region: eu, bucket: b, access_key: a, secret_key: s }`;

test('every kind of sink is made from its lines in the config', async () => {
  const config = await load(complete);
  if (!('auditSinks' in config)) throw new Error(config.join('\n'));
  expect(config.auditSigner).toEqual(['sign-it', '--key', '1']);
  expect(config.auditSinks.map((sink) => sink.kind)).toEqual([
    'file',
    'stdout',
    'splunk',
    'datadog',
    'webhook',
    'syslog',
    's3',
  ]);
  expect(config.auditSinks.map((sink) => sinkOf(sink).name)).toEqual([
    'copy',
    'out',
    'hec',
    'dd',
    'hook',
    'siem',
    'lake',
  ]);
  expect(JSON.stringify(config.auditSinks)).not.toContain('"t"');
});

test.each([
  ['{ sinks: { x: { kind: splunk, url: "https://a.example.com" } } }', "audit.sinks.x: a splunk sink needs 'token'"],
  ['{ sinks: { x: { kind: file } } }', "audit.sinks.x: a file sink needs 'path'"],
  ['{ sinks: { x: { kind: kafka } } }', 'audit.sinks.x.kind'],
  ['{ sinks: { ../x: { kind: stdout } } }', 'must be up to 32'],
])('a config with %s says what is wrong', async (audit, words) => {
  const wrong = await load(audit);
  expect('auditSinks' in wrong ? [] : wrong.join()).toContain(words);
});

test('a file sink in OCSF gets every record of a running log', async () => {
  const dir = aFolder();
  const path = join(aFolder(), 'ocsf.jsonl');
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 5 } });
  const sinks = startSinks(dir, [{ name: 'copy', form: 'ocsf', kind: 'file', path }], silentLog);
  audit.log.record(aJudged());
  audit.log.flush();
  const copied = (): readonly { class_uid: number }[] =>
    readFileSync(path, { encoding: 'utf8', flag: 'a+' })
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  await until('all records', () => copied().length === linesIn(dir).length);
  expect(copied().every((event) => event.class_uid === 6005)).toBe(true);
  expect(sinks.trouble()).toBeUndefined();
  await sinks.stop();
  await audit.stop();
});
