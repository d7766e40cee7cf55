// A proxy in the test's own process, before a real Postgres: the same parts that `countersign serve` joins.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { systemClock } from '../../src/core/clock.ts';
import { configFromText } from '../../src/core/config.ts';
import type { Config } from '../../src/core/config-types.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { mistakeText } from '../../src/core/place.ts';
import { silentLog } from '../../src/core/log.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { gatePartsOf } from '../../src/cli/serve-gate.ts';
import { Purses } from '../../src/policy/budget-purse.ts';
import { rowDeskOf } from '../../src/cli/serve-rows.ts';
import type { BudgetStore } from '../../src/policy/budget-purse.ts';
import { Gate, type Admission } from '../../src/gate.ts';
import type { Execution } from '../../src/gate-data.ts';
import type { Desk } from '../../src/approval/desk.ts';
import type { Recorder } from '../../src/audit/recorder.ts';
import { loadClassification, type Classification } from '../../src/policy/classification.ts';
import { Readers } from '../../src/proxy/readers.ts';
import type { Lineage } from '../../src/policy/lineage.ts';
import type { Snapshot } from '../../src/sql/schema.ts';
import { yesDesk } from './yes-desk.ts';
import { directoryOf, tlsDoorOf } from '../../src/proxy/from-config.ts';
import { BudgetDesk } from '../../src/approval/budgets.ts';
import { inBandSource } from '../../src/proxy/in-band-source.ts';
import { Listener } from '../../src/proxy/listener.ts';
import { Pools } from '../../src/proxy/pools.ts';

export interface TestProxyOptions {
  /** The upstream's URL, by the database name that agents use. */
  readonly databases: Readonly<Record<string, string>>;
  /** Further YAML for the agent `tester`, as in a flow map. */
  readonly tester?: string;
  /** The agent's name and password; without: `tester` and `agentPassword`. */
  readonly agent?: { readonly name: string; readonly password: string };
  /** Connections kept ready for each database; without: as many as usual. */
  readonly warm?: number;
  /** Further agents, each a line of YAML. */
  readonly agents?: readonly string[];
  /** Further YAML, at the top level. */
  readonly config?: string;
  /** The classification's files by name; without: everything is public, and what is held all the same is let through by a yes. */
  readonly files?: Readonly<Record<string, string>>;
  /** Who is asked; without: somebody who says yes. */
  readonly desk?: (recorder: Recorder) => Desk;
  /** Where budgets are counted; without: nowhere. */
  readonly store?: BudgetStore;
  /** Remembers what is carried away; without: nobody does. */
  readonly lineage?: Lineage;
  /** In place of the gate's own word: for tests of waiting and refusing. */
  readonly admit?: (
    execution: Execution,
    usual: () => Admission | Promise<Admission>,
  ) => Admission | Promise<Admission>;
}

export interface TestProxy {
  readonly port: number;
  readonly config: Config;
  readonly listener: Listener;
  readonly audit: Audit;
  readonly auditDir: string;
  url(database: string, agent?: string, options?: string): string;
  /** As an edit of the classification does that takes effect. */
  reclassify(files: Readonly<Record<string, string>>): void;
  stop(): Promise<void>;
}

export const agentPassword = 'agent password';

const everythingPublic: Readonly<Record<string, string>> = {
  'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: watched, read: hold, approvers: [everybody] }]
defaults: { unclassified: public }
`,
  'approvers.yaml': 'version: 1\napprovers: { eva: { email: eva@example.com, slack: U0EVA, groups: [everybody] } }\n',
  'policy.yaml':
    'version: 1\ndefaults: { destructive: allow, schema: allow, privilege: allow, escape: hold, not_known: hold }\n',
};

function classificationOf(files: Readonly<Record<string, string>>): Classification {
  const loaded = loadClassification(
    Object.entries(files).map(([name, text]) => ({ name, path: `classification/${name}`, text })),
  );
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

/** Without state a budget cannot be kept, so its rows do not pass. */
const nobodysBudgets: BudgetStore = {
  spend: () =>
    Promise.reject(new ProxyError('UNAVAILABLE', 'these rows are counted against a budget, and no state is running')),
};

const nobodysLineage = {
  learn: () => undefined,
  end: () => undefined,
  made: () => Promise.resolve(),
};

class TestGate extends Gate {
  readonly #admit: TestProxyOptions['admit'];

  constructor(parts: ConstructorParameters<typeof Gate>[0], admit: TestProxyOptions['admit']) {
    super(parts);
    this.#admit = admit;
  }

  override admit(execution: Execution): Admission | Promise<Admission> {
    const usual = (): Admission | Promise<Admission> => super.admit(execution);
    return this.#admit === undefined ? usual() : this.#admit(execution, usual);
  }
}

export async function startProxy(options: TestProxyOptions): Promise<TestProxy> {
  const dir = mkdtempSync(join(tmpdir(), 'countersign-proxy-'));
  const databases = Object.entries(options.databases);
  const { name, password } = options.agent ?? { name: 'tester', password: agentPassword };
  const pool = options.warm === undefined ? '' : `, pool: { warm: ${options.warm} }`;
  const text = `listen: 127.0.0.1:0
audit: { dir: ${JSON.stringify(join(dir, 'audit'))} }
databases:
${databases.map(([name, url]) => `  ${JSON.stringify(name)}: { url: ${JSON.stringify(url)}${pool} }`).join('\n')}
agents:
  ${JSON.stringify(name)}: { password: ${JSON.stringify(password)}, owner: ana, databases: [${databases.map(([name]) => JSON.stringify(name)).join(', ')}]${options.tester === undefined ? '' : `, ${options.tester}`} }
${(options.agents ?? []).join('\n')}
${options.config ?? ''}
`;
  const checked = await configFromText(join(dir, 'countersign.yaml'), text, { env: {}, makeVerifier });
  if (checked.kind === 'bad') throw new Error(checked.mistakes.map(mistakeText).join('\n'));
  const config = checked.value;
  const audit = await openAudit({ dir: config.auditDir, clock: systemClock });
  let classification = classificationOf(options.files ?? everythingPublic);
  const desk = (options.desk ?? yesDesk)(audit.log);
  const recorder = audit.log;
  const { lineage } = options;
  const withFloors = (): Classification =>
    lineage === undefined ? classification : { ...classification, floors: lineage };
  let current = withFloors();
  const inForce = (): Classification => current;
  const parts = gatePartsOf({
    audit,
    recorder,
    clock: systemClock,
    classification: inForce,
    desk,
    onDefect: (thrown) => silentLog.error('the end of a statement could not be recorded', { err: thrown }),
    ...(lineage === undefined ? {} : { carrier: lineage }),
  });
  const gate = new TestGate(parts, options.admit);
  const store = options.store ?? nobodysBudgets;
  const secret = randomBytes(32);
  const maskSecret = (): Promise<Buffer> => Promise.resolve(secret);
  const purses = new Purses(store, systemClock);
  const noTopUps = (): Promise<never> => Promise.reject(new Error('nobody tops up here'));
  const budgets = new BudgetDesk({
    ...{ purses, recorder, clock: systemClock, classification: inForce, ownerOf: () => 'ana' },
    ...{ store: { read: noTopUps, change: noTopUps }, holdFacts: noTopUps },
  });
  const onSchema = (database: string, snapshot: Snapshot): void => lineage?.schema(database, snapshot);
  const readers = new Readers({ config: () => config, clock: systemClock, log: silentLog, pollMs: 500, onSchema });
  readers.start();
  const door = tlsDoorOf(config);
  const pools = new Pools({ config: () => config, clock: systemClock, log: silentLog });
  readers.onSettings(() => pools.retire());
  const listener = new Listener({
    address: { host: '127.0.0.1', port: 0 },
    limits: () => config.limits,
    directory: () => directoryOf(config),
    tls: () => door,
    secrets: { mockKey: randomBytes(32) },
    gate,
    rows: rowDeskOf({
      ...{ gate: parts, maskSecret, classification: inForce, clock: systemClock },
      purses,
    }),
    inBand: inBandSource({ ...parts, budgets }),
    lineage: lineage ?? nobodysLineage,
    recorder: audit.log,
    openUpstream: pools.open,
    readers,
    consoleUrl: () => undefined,
    consolePlace: () => 'on port 6480',
    clock: systemClock,
    log: silentLog,
  });
  const { port } = await listener.listen();
  return {
    port,
    config,
    listener,
    audit,
    auditDir: config.auditDir,
    url: (database, agent = name, more = '') =>
      `postgres://${agent}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}${more}`,
    reclassify: (files) => {
      classification = classificationOf(files);
      current = withFloors();
    },
    stop: async () => {
      await listener.drain(1_000);
      await pools.drain();
      await readers.close();
      await audit.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
