// Goal: the chart makes what the program takes: its config loads, its ports, paths and variables are those of the program and the image.
// Method: Helm itself lints and renders it in several forms; what comes out is read as data and held against our own loader.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { loadConfig } from '../../src/core/config.ts';
import { mistakeText } from '../../src/core/place.ts';
import { loadClassification } from '../../src/policy/classification.ts';
import { makeCertificates } from '../support/certificates.ts';
import { findHelm } from '../support/helm.ts';

const root = new URL('../..', import.meta.url).pathname;
const chart = join(root, 'deploy/helm/countersign');
const helm = findHelm();
const folder = mkdtempSync(join(tmpdir(), 'countersign-chart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Rendered {
  readonly code: number | null;
  readonly complaint: string;
  readonly documents: readonly z.output<typeof document>[];
}

const document = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
  spec: z.unknown().optional(),
});

function render(values: Readonly<Record<string, unknown>> = {}): Rendered {
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const done = spawnSync(helm ?? '', ['template', 'countersign', chart, '--values', file], { encoding: 'utf8' });
  const all = parseAllDocuments(done.stdout).map((one) => one.toJS() as unknown);
  const documents = all.filter((one) => one !== null).map((one) => document.parse(one));
  return { code: done.status, complaint: done.stderr, documents };
}

const only = ({ documents }: Rendered, kind: string, name = 'countersign') => {
  const found = documents.filter((one) => one.kind === kind && one.metadata.name === name);
  expect(found).toHaveLength(1);
  return found[0] ?? expect.fail(`no ${kind} ${name}`);
};

const named = z.object({ name: z.string() });
const workload = z.object({
  replicas: z.number(),
  serviceName: z.string(),
  template: z.object({
    spec: z.object({
      terminationGracePeriodSeconds: z.number(),
      securityContext: z.looseObject({ runAsNonRoot: z.literal(true), runAsUser: z.number() }),
      containers: z.tuple([
        z.looseObject({
          image: z.string(),
          ports: z.array(named.extend({ containerPort: z.number() })),
          envFrom: z.array(z.object({ secretRef: named })).optional(),
          startupProbe: z.looseObject({ httpGet: z.object({ path: z.string(), port: z.string() }) }),
          livenessProbe: z.looseObject({ httpGet: z.object({ path: z.string(), port: z.string() }) }),
          readinessProbe: z.looseObject({ httpGet: z.object({ path: z.string(), port: z.string() }) }),
          volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
        }),
      ]),
      volumes: z.array(z.looseObject({ name: z.string() })),
    }),
  }),
  volumeClaimTemplates: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })),
});

const workloadOf = (rendered: Rendered) => workload.parse(only(rendered, 'StatefulSet').spec);
const environment = { GATE_PASSWORD: 'g', REPORT_BOT_PASSWORD: 'r', REDIS_PASSWORD: 'p' };

async function configOf(rendered: Rendered) {
  const file = join(folder, 'countersign.yaml');
  // Where the pod's own files would be is a folder of ours.
  const text = only(rendered, 'ConfigMap').data?.['countersign.yaml'] ?? '';
  writeFileSync(file, text.replaceAll('/etc/countersign/tls/', join(folder, 'tls/')));
  const makeVerifier = () => Promise.resolve('SCRAM-SHA-256$4096:AAAA$AAAA:AAAA');
  const loaded = await loadConfig(file, { env: environment, makeVerifier });
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

describe.skipIf(helm === undefined)('the chart', () => {
  test('has nothing that Helm would complain about', () => {
    const done = spawnSync(helm ?? '', ['lint', '--strict', chart], { encoding: 'utf8' });
    expect([done.status, done.stdout + done.stderr]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
  });

  test('makes a config and a classification that the program takes', async () => {
    const rendered = render();
    const config = await configOf(rendered);
    const files = only(rendered, 'ConfigMap', 'countersign-classification').data ?? {};
    const loaded = loadClassification(Object.entries(files).map(([name, text]) => ({ name, path: name, text })));
    expect(loaded.kind === 'bad' ? loaded.mistakes : []).toEqual([]);
    expect(config.state.kind).toBe('journal');
  });

  test('mounts what the config names, opens the ports that it listens on, and asks where health is told', async () => {
    const rendered = render();
    const config = await configOf(rendered);
    const { template, volumeClaimTemplates } = workloadOf(rendered);
    const [container] = template.spec.containers;
    expect(container.ports).toEqual([
      { name: 'postgres', containerPort: config.listen.port },
      { name: 'http', containerPort: config.http.listen.port },
    ]);
    const paths = container.volumeMounts.map(({ mountPath }) => mountPath);
    expect(paths).toContain(config.classificationDir);
    expect(paths).toContain('/etc/countersign/countersign.yaml');
    const writable = [config.auditDir, config.state.kind === 'journal' ? config.state.dir : ''];
    for (const path of writable) expect(path).toMatch(/^\/var\/lib\/countersign\/./);
    const volumes = [...template.spec.volumes, ...volumeClaimTemplates.map(({ metadata }) => metadata)];
    expect(
      container.volumeMounts.map(({ name }) => name).filter((name) => !volumes.some((one) => one.name === name)),
    ).toEqual([]);
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http' });
  });

  test('gives the image what it says that it needs', () => {
    const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');
    const { template } = workloadOf(render());
    expect(dockerfile).toContain('USER node'); // 1000 in Node's own images.
    expect(template.spec.securityContext.runAsUser).toBe(1000);
    expect(/^CMD \["serve", "--config", "(.*)"\]$/m.exec(dockerfile)?.[1]).toBe('/etc/countersign/countersign.yaml');
  });

  test('takes every variable of the config from the secrets', () => {
    const rendered = render();
    const [container] = workloadOf(rendered).template.spec.containers;
    expect(container.envFrom).toEqual([{ secretRef: { name: 'countersign' } }]);
    const variables = [...(only(rendered, 'ConfigMap').data?.['countersign.yaml'] ?? '').matchAll(/\$\{(\w+)\}/g)];
    expect(variables.map((match) => match[1]).toSorted()).toEqual(['GATE_PASSWORD', 'REPORT_BOT_PASSWORD']);
  });

  test('waits longer for the end than sessions may take to come to rest', async () => {
    const rendered = render();
    const { limits } = await configOf(rendered);
    expect(workloadOf(rendered).template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(
      limits.shutdownMsMax,
    );
  });

  test('with several pods wants a state that they share, and then guards against losing all of them', async () => {
    const refused = render({ replicas: 2 });
    expect([refused.code, refused.complaint]).toEqual([
      1,
      expect.stringContaining('set config.state to redis://HOST:6379'),
    ]);
    const shared = render({ replicas: 3, config: { state: 'redis://:${REDIS_PASSWORD}@redis:6379', workers: 2 } });
    expect((await configOf(shared)).workers).toBe(2);
    expect(workloadOf(shared).replicas).toBe(3);
    expect(only(shared, 'PodDisruptionBudget').spec).toMatchObject({ maxUnavailable: 1 });
  });

  test('with a certificate gives it to the listener', async () => {
    const made = makeCertificates();
    mkdirSync(join(folder, 'tls'), { recursive: true });
    writeFileSync(join(folder, 'tls/tls.crt'), made.server.cert);
    writeFileSync(join(folder, 'tls/tls.key'), made.server.key);
    made.remove();
    const rendered = render({ tls: { secretName: 'agents-tls' } });
    expect((await configOf(rendered)).tls?.required).toBe(true);
    const [container] = workloadOf(rendered).template.spec.containers;
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toContain('/etc/countersign/tls');
  });

  test('can be watched and fenced in', () => {
    const rendered = render({
      serviceMonitor: { enabled: true, labels: { team: 'data' } },
      networkPolicy: { enabled: true },
    });
    expect(only(rendered, 'ServiceMonitor').spec).toMatchObject({ endpoints: [{ port: 'http', path: '/metrics' }] });
    expect(only(rendered, 'NetworkPolicy').spec).toMatchObject({ policyTypes: ['Ingress'] });
    expect(
      render()
        .documents.map(({ kind }) => kind)
        .sort(),
    ).toEqual(['ConfigMap', 'ConfigMap', 'Service', 'Service', 'StatefulSet']);
  });
});
