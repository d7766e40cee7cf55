// countersign.yaml → Config, or every mistake at once with `file:line:col`. Text is read here and nowhere else: what comes
// out needs no second check. Makes no password checks of its own: how a verifier is made comes in as an argument.
import { oidcConfig } from './config-oidc.ts';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isNonEmpty } from './brand.ts';
import { publishConfig, sinkConfig } from './config-audit.ts';
import { crossMistakes } from './config-cross.ts';
import { FileReader, listenerTls, programIn, upstreamTls } from './config-files.ts';
import { configSchema, type AgentShape, type ConfigShape, type HoldShape } from './config-schema.ts';
import { slackOf } from './config-slack.ts';
import { stateOf } from './config-state.ts';
import type { AgentConfig, Config, DatabaseConfig, HoldConfig } from './config-types.ts';
import { substitute } from './config-variables.ts';
import { fileWords } from './file-words.ts';
import { limitNames, limitsWith, limitTable, type Limits } from './limits.ts';
import { placeText, type Mistake } from './place.ts';
import type { Secret } from './secrets.ts';
import { checkWith } from './yaml-check.ts';
import { loadYaml, placeOf, type Checked, type YamlDocument } from './yaml.ts';

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** SCRAM-SHA-256, as Postgres writes it. Slow by design, so it is done once here and not at each login. */
  readonly makeVerifier: (password: string, options?: { readonly salt?: Buffer }) => Promise<string>;
  /** The salt of an agent whose password stands in the file; undefined: any will do. */
  readonly saltOf?: (agent: string, auditDir: string) => Buffer | undefined;
}

export async function loadConfig(file: string, sources: ConfigSources): Promise<Checked<Config>> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    const mend = 'name it with --config FILE';
    const place = { file, line: 1, column: 1 };
    return { kind: 'bad', mistakes: [{ place, words: `cannot be read: ${fileWords(thrown)}`, mend }] };
  }
  return configFromText(file, text, sources);
}

/** For a config that is in no file; relative paths still start at the folder of `file`. */
export async function configFromText(file: string, text: string, sources: ConfigSources): Promise<Checked<Config>> {
  const loaded = loadYaml(file, text);
  if (loaded.kind === 'bad') return loaded;
  const document = loaded.value;
  const directory = dirname(resolve(file));
  const substituted = substitute(document, { env: sources.env, directory });
  const checked = checkWith(configSchema, document, { value: substituted.value });
  // A value whose variable is missing is not complained about twice.
  const known = new Set(substituted.mistakes.map((mistake) => placeText(mistake.place)));
  const formMistakes =
    checked.kind === 'bad' ? checked.mistakes.filter(({ place }) => !known.has(placeText(place))) : [];
  if (checked.kind === 'bad') return badIn(document, [...substituted.mistakes, ...formMistakes]);
  const reader = new FileReader(document, directory);
  const parts: Parts = { document, shape: checked.value, reader, directory };
  const config = await assembled(parts, sources);
  const mistakes = [...substituted.mistakes, ...crossMistakes(document, checked.value), ...reader.mistakes];
  return mistakes.length > 0 ? badIn(document, mistakes) : { kind: 'good', value: config };
}

interface Parts {
  readonly document: YamlDocument;
  readonly shape: ConfigShape;
  readonly reader: FileReader;
  readonly directory: string;
}

function badIn(document: YamlDocument, mistakes: readonly Mistake[]): Checked<never> {
  const sorted = mistakes.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  if (isNonEmpty(sorted)) return { kind: 'bad', mistakes: sorted };
  return { kind: 'bad', mistakes: [{ place: placeOf(document, []), words: 'cannot be read', mend: undefined }] };
}

async function assembled(parts: Parts, sources: ConfigSources): Promise<Config> {
  const { shape, directory, reader } = parts;
  const limits = limitsOf(shape);
  const holds = holdsOf(shape.holds ?? {}, usualHolds);
  const agents = Object.entries(shape.agents ?? {});
  const made = agents.map(([name, agent]) => agentOf(parts, { name, agent, limits, holds }, sources));
  return Object.freeze({
    file: parts.document.file,
    listen: shape.listen ?? { host: '127.0.0.1', port: 6432 },
    tls: shape.tls === undefined ? undefined : listenerTls(shape.tls, reader),
    http: {
      listen: shape.http?.listen ?? { host: '127.0.0.1', port: 6480 },
      publicUrl: shape.http?.public_url,
      ...(shape.http?.oidc === undefined ? {} : { oidc: oidcConfig(shape.http.oidc) }),
    },
    classificationDir: resolve(directory, shape.classification ?? './classification'),
    state: stateOf(shape.state, directory, reader),
    auditDir: auditDirOf(shape, directory),
    auditSigner: programIn(directory, shape.audit?.signer),
    auditSinks: Object.entries(shape.audit?.sinks ?? {}).flatMap(
      ([name, sink]) => sinkConfig(name, sink, (file) => resolve(directory, file)) ?? [],
    ),
    auditPublish: (shape.audit?.publish ?? []).flatMap(
      (one, index) => publishConfig(one, index, (file) => resolve(directory, file)) ?? [],
    ),
    auditSeal: shape.audit?.seal === undefined ? undefined : resolve(directory, shape.audit.seal),
    databases: new Map(Object.keys(shape.databases).map((name) => [name, databaseOf(parts, name, limits)])),
    agents: new Map((await Promise.all(made)).map((agent) => [agent.name, agent])),
    holds,
    slack: shape.slack === undefined ? undefined : slackOf(shape.slack),
    teams:
      shape.teams === undefined
        ? undefined
        : Object.freeze({ webhookUrl: shape.teams.webhook_url, values: shape.teams.values ?? 'hidden' }),
    limits,
    logLevel: shape.log?.level ?? 'info',
    workers: shape.workers ?? 1,
    places: Object.freeze({
      listen: placeOf(parts.document, ['listen']),
      http: placeOf(parts.document, ['http', 'listen']),
      audit: placeOf(parts.document, ['audit', 'dir']),
      state: placeOf(parts.document, ['state']),
    }),
  } satisfies Config);
}

function limitsOf(shape: ConfigShape): Limits {
  const set = limitNames.flatMap((name) => {
    const value = shape.limits?.[limitTable[name].key];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.freeze(limitsWith(Object.fromEntries(set)));
}

const usualHolds: HoldConfig = Object.freeze({
  waitMs: 60_000,
  pendingMs: 3_600_000,
  grantMs: 900_000,
  heartbeatMs: 15_000,
  inTransaction: 'wait',
});

function holdsOf(shape: HoldShape, usual: HoldConfig): HoldConfig {
  return Object.freeze({
    waitMs: shape.wait ?? usual.waitMs,
    pendingMs: shape.pending ?? usual.pendingMs,
    grantMs: shape.grant ?? usual.grantMs,
    heartbeatMs: shape.heartbeat ?? usual.heartbeatMs,
    inTransaction: shape.in_transaction ?? usual.inTransaction,
  });
}

interface NamedAgent {
  readonly name: string;
  readonly agent: AgentShape;
  readonly limits: Limits;
  readonly holds: HoldConfig;
}

async function verifierOf(
  { shape, directory }: Parts,
  { name, password }: { readonly name: string; readonly password: Secret },
  { makeVerifier, saltOf }: ConfigSources,
): Promise<string> {
  const salt = saltOf?.(name, auditDirOf(shape, directory));
  return makeVerifier(password.reveal(), salt === undefined ? {} : { salt });
}

const auditDirOf = (shape: ConfigShape, directory: string): string => resolve(directory, shape.audit?.dir ?? './audit');

async function agentOf(parts: Parts, named: NamedAgent, sources: ConfigSources): Promise<AgentConfig> {
  const { name, agent } = named;
  const login = agent.upstream;
  return Object.freeze({
    name,
    owner: agent.owner,
    // With neither, a mistake was noted and this config is thrown away.
    verifier:
      agent.scram ??
      (agent.password === undefined ? '' : await verifierOf(parts, { name, password: agent.password }, sources)),
    databases: Object.freeze([...new Set(agent.databases)]),
    auth: agent.auth ?? 'scram',
    certificateName: agent.certificate_name,
    connectionsMax: agent.connections ?? named.limits.connectionsPerAgentMax,
    login:
      login === undefined
        ? undefined
        : Object.freeze({
            user: login.user,
            password: login.password,
            passwordCommand: programIn(parts.directory, login.password_command),
          }),
    holds: holdsOf(agent, named.holds),
    place: placeOf(parts.document, ['agents', name], 'key'),
  });
}

function databaseOf(parts: Parts, name: string, limits: Limits): DatabaseConfig {
  const shape = parts.shape.databases[name];
  if (shape === undefined) throw new Error('a database that is not in its own list');
  const { url } = shape;
  const path = ['databases', name, 'url'];
  return Object.freeze({
    name,
    database: url.database ?? name,
    host: url.host,
    port: url.port,
    login: Object.freeze({
      user: url.user ?? '',
      password: url.password,
      passwordCommand: programIn(parts.directory, shape.password_command),
    }),
    tls: upstreamTls(url, path, parts.reader),
    requireAuth: url.requireAuth,
    connectMsMax: url.connectTimeoutMs ?? limits.upstreamConnectMsMax,
    poolWarm: shape.pool?.warm ?? 2,
    witness: shape.witness ?? 'server',
    place: placeOf(parts.document, ['databases', name], 'key'),
  });
}
