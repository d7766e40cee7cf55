// The form of countersign.yaml: which keys there are, what their values look like, and one sentence for each. What a value
// means for another (an agent's databases, TLS for cleartext) is checked in config.ts; the docs table is made from this file.
import * as z from 'zod';
import {
  address,
  count,
  duration,
  limitField,
  secret,
  text,
  upstreamUrl,
  verifier,
  webUrl,
  word,
  yesNo,
} from './config-fields.ts';
import { auditSchema } from './config-audit.ts';
import { oidcSchema } from './config-oidc.ts';
import { fieldNotes } from './config-fields.ts';
import { slackSchema } from './config-slack.ts';
import { stateField } from './config-state.ts';
import { limitNames, limitTable } from './limits.ts';
import { logLevels } from './log-levels.ts';

const holdKeys = {
  wait: duration({ words: 'How long a held statement waits on the wire.', usual: '60s', min: '0s', max: '24h' }),
  pending: duration({
    words: 'How long the hold stays open for a decision after the wait is over.',
    usual: '1h',
    min: '0s',
    max: '20d',
  }),
  grant: duration({
    words:
      'How long an approval that came too late for the wire stays good for the same agent sending the same thing again.',
    usual: '15m',
    min: '0s',
    max: '20d',
  }),
  heartbeat: duration({
    words: 'How often a waiting agent is told that it waits.',
    usual: '15s',
    min: '1s',
    max: '1h',
  }),
  in_transaction: word(
    'What a statement that must be held does inside a transaction block that holds locks: wait, or be refused at once.',
    ['wait', 'refuse'],
    'wait',
  ),
};

const passwordCommand = z
  .array(z.string().min(1))
  .min(1)
  .register(fieldNotes, { form: 'list of words' })
  .describe('A program (with its arguments, no shell) that prints the password: for short-lived tokens of a cloud.');

const agentName = z
  .string()
  .regex(/^[A-Za-z0-9_](?:[A-Za-z0-9_.@-]{0,62})$/, 'a name has 1 to 63 letters, digits, and _ . @ - after the first');

/** What a start-up packet can name; Postgres keeps 63 bytes of it. */
const databaseName = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}/\\]{1,63}$/u, 'a database name has 1 to 63 characters, none of them / or \\');

const agent = z.strictObject({
  scram: verifier('Verifier of the password, as `countersign agents add` writes it.').optional(),
  password: secret(
    'The password itself, instead of `scram`; a verifier is made of it when the file is read.',
  ).optional(),
  owner: text('The person behind the agent; never an approver of its holds.', 'person'),
  databases: z
    .array(z.string())
    .min(1)
    .register(fieldNotes, { form: 'list of databases' })
    .describe('The databases that it may connect to.'),
  auth: word('How it logs in; cleartext only inside TLS.', ['scram', 'cleartext'], 'scram'),
  certificate_name: text(
    'The name (CN or DNS/URI alternative name) that its client certificate must carry, beside the password.',
    'name',
  ).optional(),
  connections: count({
    words: 'Its open connections, instead of `limits.connections_per_agent`.',
    min: 1,
    max: 100_000,
  }),
  upstream: z
    .strictObject({
      user: text('Its own role in Postgres.', 'role'),
      password: secret('Password of that role.').optional(),
      password_command: passwordCommand.optional(),
    })
    .optional()
    .describe('Its own login at the database, instead of the one in the database’s URL.'),
  ...holdKeys,
});

const database = z.strictObject({
  url: upstreamUrl('Where the database is and how the proxy logs in there; options as in libpq.'),
  password_command: passwordCommand.optional(),
  pool: z
    .strictObject({
      warm: count({
        words:
          'Connections kept ready for the next agents. Up to twice as many, or 16, stay for a minute when sessions end.',
        usual: 2,
        min: 0,
        max: 1000,
      }),
    })
    .optional(),
  witness: word(
    'Who says what a name means: the server’s own analysis beside ours, or ours alone (more is held then).',
    ['server', 'static'],
    'server',
  ),
});

const tls = z.strictObject({
  cert: text('Certificate chain (PEM).', 'file'),
  key: text('Its private key (PEM).', 'file'),
  client_ca: text(
    'Authorities for client certificates; with it, every agent must show one, beside its password.',
    'file',
  ).optional(),
  required: yesNo('Whether agents without TLS are refused.', false),
});

export const configSchema = z.strictObject({
  listen: address('Where agents connect.', '127.0.0.1:6432'),
  tls: tls.optional(),
  http: z
    .strictObject({
      listen: address('API, console, health and metrics.', '127.0.0.1:6480'),
      public_url: webUrl('The console’s address as people reach it, for links in cards and hints.', 'site').optional(),
      oidc: oidcSchema.optional().describe('The identity provider that people sign in to the console with.'),
    })
    .optional(),
  classification: text('Folder of the classification files.', 'folder')
    .optional()
    .register(fieldNotes, { form: 'folder', usual: './classification' }),
  state: stateField()
    .optional()
    .register(fieldNotes, { form: 'journal:FOLDER or redis URL', usual: 'journal:./state' })
    .describe('Where holds are kept: a folder for one proxy, Redis for several.'),
  audit: auditSchema.optional(),
  databases: z.record(databaseName, database),
  agents: z.record(agentName, agent).optional(),
  holds: z.strictObject(holdKeys).optional(),
  slack: slackSchema.optional(),
  teams: z
    .strictObject({
      webhook_url: secret('Address of the Workflows webhook; whoever knows it can post there.'),
      values: word('Whether literal values of a statement are shown on cards.', ['hidden', 'shown'], 'hidden'),
    })
    .optional(),
  limits: z
    .strictObject(Object.fromEntries(limitNames.map((name) => [limitTable[name].key, limitField(limitTable[name])])))
    .optional(),
  log: z.strictObject({ level: word('What is logged.', logLevels, 'info') }).optional(),
  workers: count({
    words:
      'Processes that share the port. More than one need `state: redis://…`; each writes its own record, in worker-N of `audit.dir`.',
    usual: 1,
    min: 1,
    max: 64,
  }),
});

export type ConfigShape = z.output<typeof configSchema>;
export type AgentShape = NonNullable<ConfigShape['agents']>[string];
export type HoldShape = NonNullable<ConfigShape['holds']>;
