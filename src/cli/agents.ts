// Credentials of agents, as entries of the config file. Works on the file's own text: it needs none of the secrets that the
// rest of the config refers to, and changes nothing but the one entry.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseAddress } from '../core/config-fields.ts';
import { fileWords } from '../core/file-words.ts';
import { randomText } from '../core/ids.ts';
import { nearest } from '../core/nearest.ts';
import { mistakeText } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import { replaceFile } from '../core/whole-file.ts';
import { putEntry, removeEntry } from '../core/yaml-edit.ts';
import { loadYaml, placeOf, type PlainMap, type PlainValue, type YamlDocument } from '../core/yaml.ts';
import { placeText } from '../core/place.ts';
import { makeVerifier } from '../wire/scram.ts';
import { failed, misused } from './io.ts';

export interface Credential {
  readonly agent: string;
  readonly password: string;
  readonly url: string;
}

export interface WantedAgent {
  readonly file: string;
  readonly name: string;
  readonly owner: string;
  readonly databases: readonly string[];
}

export async function addAgent(wanted: WantedAgent): Promise<Credential> {
  const { file, name, owner } = wanted;
  const opened = open(file);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}$/.test(name)) {
    throw misused(
      `'${visible(name, 63)}' is no name for an agent: 1 to 63 letters, digits, and _ . @ - after the first`,
    );
  }
  if (opened.agents[name] !== undefined) {
    const at = placeText(placeOf(opened.document, ['agents', name], 'key'));
    throw failed(`${at}: '${name}' is there already (a new password: countersign agents rotate ${name})`);
  }
  const databases = chosenDatabases(opened, wanted);
  const password = newPassword();
  const value = { scram: await makeVerifier(password), owner, databases };
  write(opened, putEntry(opened.text, { path: ['agents'], name, value }));
  return { agent: name, password, url: connectionString(opened, { name, password, database: databases[0] ?? '' }) };
}

export async function rotateAgent(file: string, name: string): Promise<Credential> {
  const opened = open(file);
  const agent = agentIn(opened, name);
  const password = newPassword();
  const insteadOf = agent['password'] === undefined ? {} : { insteadOf: 'password' };
  const put = { path: ['agents', name] as const, name: 'scram', value: await makeVerifier(password), ...insteadOf };
  write(opened, putEntry(opened.text, put));
  const [database = ''] = textsIn(agent['databases']);
  return { agent: name, password, url: connectionString(opened, { name, password, database }) };
}

export function removeAgent(file: string, name: string): void {
  const opened = open(file);
  agentIn(opened, name);
  write(opened, removeEntry(opened.text, ['agents'], name));
}

export interface ListedAgent {
  readonly name: string;
  readonly owner: string;
  readonly databases: readonly string[];
}

export function listAgents(file: string): readonly ListedAgent[] {
  return Object.entries(open(file).agents).map(([name, agent]) => {
    const owner = isMap(agent) ? agent['owner'] : undefined;
    const databases = isMap(agent) ? textsIn(agent['databases']) : [];
    return { name: visible(name, 63), owner: visible(typeof owner === 'string' ? owner : '', 100), databases };
  });
}

interface Opened {
  readonly file: string;
  readonly text: string;
  readonly document: YamlDocument;
  readonly whole: PlainMap;
  readonly agents: PlainMap;
}

function open(file: string): Opened {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw failed(`${file}: cannot be read: ${fileWords(thrown)} (name it with --config FILE)`);
  }
  const loaded = loadYaml(file, text);
  if (loaded.kind === 'bad') throw failed(...loaded.mistakes.map(mistakeText));
  const document = loaded.value;
  const whole = isMap(document.value) ? document.value : {};
  const agents = whole['agents'] ?? {};
  if (isMap(agents)) return { file, text, document, whole, agents };
  throw failed(`${placeText(placeOf(document, ['agents']))}: agents: must be a map`);
}

const isMap = (value: PlainValue | undefined): value is PlainMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textsIn(value: PlainValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string').map((item) => visible(item, 63)) : [];
}

function agentIn(opened: Opened, name: string): PlainMap {
  const agent = Object.hasOwn(opened.agents, name) ? opened.agents[name] : undefined;
  if (isMap(agent)) return agent;
  const near = nearest(name, Object.keys(opened.agents));
  throw failed(
    `${opened.file}: no agent '${visible(name, 63)}' (${near === undefined ? namesText(Object.keys(opened.agents)) : `did you mean '${near}'?`})`,
  );
}

const namesText = (names: readonly string[]): string =>
  names.length === 0
    ? 'it has none'
    : `it has: ${names
        .slice(0, 20)
        .map((name) => visible(name, 63))
        .join(', ')}`;

function chosenDatabases(opened: Opened, wanted: WantedAgent): readonly string[] {
  const databases = opened.whole['databases'];
  const known = isMap(databases) ? Object.keys(databases) : [];
  const strange = wanted.databases.find((name) => !known.includes(name));
  if (strange !== undefined) {
    const near = nearest(strange, known);
    const mend = near === undefined ? `there are: ${known.join(', ')}` : `did you mean '${near}'?`;
    throw failed(`${opened.file}: no database '${visible(strange, 63)}' (${mend})`);
  }
  if (wanted.databases.length > 0) return wanted.databases;
  if (known.length === 1) return known;
  throw misused(`${opened.file} has ${known.length} databases; say which with --database (${known.join(', ')})`);
}

/** 32 random bytes' worth: 43 characters of base 62 hold 256 bits. */
const newPassword = (): string => `gate_${randomText(43)}`;

function write(opened: Opened, text: string | undefined): void {
  if (text === undefined) throw failed(`${opened.file}: cannot be edited without harm; change it by hand`);
  try {
    replaceFile(opened.file, text);
  } catch (thrown) {
    throw failed(`${opened.file}: cannot be written: ${fileWords(thrown)}`);
  }
}

function connectionString(
  opened: Opened,
  parts: { readonly name: string; readonly password: string; readonly database: string },
): string {
  const listen = opened.whole['listen'];
  const address = parseAddress(String(listen ?? '127.0.0.1:6432')) ?? { host: '127.0.0.1', port: 6432 };
  // Who listens everywhere is reached by this machine's name.
  const host = address.host === '::' || address.host === '0.0.0.0' ? hostname() : address.host;
  const mode = opened.whole['tls'] === undefined ? '' : '?sslmode=require';
  const place = `${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  return `postgres://${encodeURIComponent(parts.name)}:${parts.password}@${place}/${encodeURIComponent(parts.database)}${mode}`;
}
