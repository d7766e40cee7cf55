// What one key of the config means for another: the checks that a schema of single values cannot make.
import { missingKeys, publishMistake } from './config-audit.ts';
import type { ConfigShape } from './config-schema.ts';
import { nearest } from './nearest.ts';
import type { Mistake } from './place.ts';
import { placeOf, type Path, type YamlDocument } from './yaml.ts';

export function crossMistakes(document: YamlDocument, shape: ConfigShape): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const mistake: Note = (path, words, mend, which = 'value') =>
    mistakes.push({ place: placeOf(document, path, which), words, mend });
  agents(shape, mistake);
  databases(shape, mistake);
  addresses(shape, mistake);
  workers(shape, mistake);
  slack(shape, mistake);
  teams(shape, mistake);
  oidc(shape, mistake);
  sinks(shape, mistake);
  return mistakes;
}

type Note = (path: Path, words: string, mend: string, which?: 'key' | 'value') => void;

function oidc({ http }: ConfigShape, mistake: Note): void {
  const found = http?.oidc;
  if (found === undefined) return;
  const path = ['http', 'oidc'];
  if (http?.public_url === undefined)
    mistake(path, 'the identity provider has to send people back', 'add `public_url` to `http`', 'key');
  const { protocol, hostname } = new URL(found.issuer);
  const isHere = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (protocol === 'http:' && !isHere)
    mistake([...path, 'issuer'], 'who signs in would be told over an open line', 'write an https address');
}

function agents(shape: ConfigShape, mistake: Note): void {
  const known = Object.keys(shape.databases);
  for (const [name, agent] of Object.entries(shape.agents ?? {})) {
    const path = ['agents', name];
    if (agent.scram === undefined && agent.password === undefined) {
      mistake(path, `agents.${name}: has no password`, `make one with: countersign agents rotate ${name}`, 'key');
    }
    if (agent.scram !== undefined && agent.password !== undefined) {
      mistake([...path, 'password'], `agents.${name}: has both 'scram' and 'password'`, 'keep one of them', 'key');
    }
    if (agent.auth === 'cleartext' && shape.tls === undefined) {
      mistake([...path, 'auth'], 'cleartext passwords need TLS', 'add `tls: { cert: …, key: … }`');
    }
    if (agent.certificate_name !== undefined && shape.tls?.client_ca === undefined) {
      mistake(
        [...path, 'certificate_name'],
        'no client certificate is ever asked for',
        'add `client_ca` to `tls`',
        'key',
      );
    }
    for (const [index, database] of agent.databases.entries()) {
      if (known.includes(database)) continue;
      const near = nearest(database, known);
      const mend = near === undefined ? `known are: ${known.join(', ')}` : `did you mean '${near}'?`;
      mistake([...path, 'databases', index], `agents.${name}: no such database under 'databases'`, mend);
    }
    const login = agent.upstream;
    if (login?.password !== undefined && login.password_command !== undefined) {
      mistake([...path, 'upstream', 'password_command'], 'both a password and a password_command', 'keep one', 'key');
    }
  }
}

function databases(shape: ConfigShape, mistake: Note): void {
  if (Object.keys(shape.databases).length === 0) {
    mistake(['databases'], "'databases' is empty", 'add one: NAME: { url: "postgres://…" }', 'key');
  }
  for (const [name, database] of Object.entries(shape.databases)) {
    const path = ['databases', name];
    if (database.url.user === undefined) {
      mistake([...path, 'url'], `databases.${name}.url: has no user`, 'postgres://USER:PASSWORD@HOST:PORT/DATABASE');
    }
    if (database.url.password !== undefined && database.password_command !== undefined) {
      mistake([...path, 'password_command'], 'both a password in the URL and a password_command', 'keep one', 'key');
    }
    if ((database.url.sslCert === undefined) !== (database.url.sslKey === undefined)) {
      mistake([...path, 'url'], `databases.${name}.url: sslcert and sslkey go together`, 'give both or none');
    }
  }
}

function addresses(shape: ConfigShape, mistake: Note): void {
  const [listen, http] = [shape.listen, shape.http?.listen];
  if (listen === undefined || http === undefined || listen.port === 0) return;
  if (listen.port === http.port && listen.host === http.host) {
    mistake(['http', 'listen'], 'the same address as `listen`', 'give it another port');
  }
}

/** A journal has one writer. */
function workers(shape: ConfigShape, mistake: Note): void {
  if ((shape.workers ?? 1) === 1 || shape.state?.kind === 'redis') return;
  const words = `workers: ${shape.workers} processes need a state that they can share, and a journal is written by one`;
  mistake(['workers'], words, 'set `state: redis://HOST:6379`, or leave `workers` at 1');
}

function slack(shape: ConfigShape, mistake: Note): void {
  if (shape.slack === undefined) return;
  const isHttp = shape.slack.mode === 'http';
  if (isHttp && shape.slack.signing_secret === undefined) {
    mistake(['slack'], "slack: http mode needs 'signing_secret'", 'it is on the app’s page, Basic Information', 'key');
  }
  const swapped = [
    ['bot_token', 'xapp-', 'an app-level token', 'the bot’s begins with xoxb-'],
    ['app_token', 'xoxb-', 'a bot token', 'the app’s begins with xapp-'],
  ] as const;
  for (const [key, form, what, mend] of swapped) {
    if (shape.slack[key]?.reveal().startsWith(form) === true) mistake(['slack', key], `slack.${key}: is ${what}`, mend);
  }
  if (!isHttp && shape.slack.app_token === undefined) {
    mistake(['slack'], "slack: socket mode needs 'app_token'", 'make an app-level token with connections:write', 'key');
  }
}

function teams(shape: ConfigShape, mistake: Note): void {
  const url = shape.teams?.webhook_url.reveal();
  if (url === undefined || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) return;
  mistake(['teams', 'webhook_url'], 'teams.webhook_url: not an http(s) URL', 'copy it from the workflow in Teams');
}

function sinks(shape: ConfigShape, mistake: Note): void {
  for (const [name, sink] of Object.entries(shape.audit?.sinks ?? {})) {
    for (const key of missingKeys(sink)) {
      mistake(
        ['audit', 'sinks', name],
        `audit.sinks.${name}: a ${sink.kind} sink needs '${key}'`,
        `add '${key}'`,
        'key',
      );
    }
  }
  for (const [index, one] of (shape.audit?.publish ?? []).entries()) {
    const wrong = publishMistake(one);
    if (wrong === undefined) continue;
    const words = `audit.publish: ${one.kind} needs '${wrong.key}'`;
    mistake(['audit', 'publish', index], words, wrong.mend);
  }
}
