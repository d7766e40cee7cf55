// What `POST /api/explain` answers: the verdict that a fresh session of this agent would get, from the running proxy's own files, schemas
// and parsers. Runs nothing, and asks the database nothing: the static witness speaks alone, as in `countersign explain`. The text may be an
// agent's, copied: it is parsed in the contained worker.
import type { Clock } from '../core/clock.ts';
import type { AgentConfig, Config, DatabaseConfig } from '../core/config-types.ts';
import { ProxyError } from '../core/errors.ts';
import { known, notKnown } from '../core/known.ts';
import type { Explaining } from '../channels/http-holds.ts';
import type { Asker } from '../policy/asker.ts';
import type { Classification } from '../policy/classification.ts';
import { judge } from '../policy/judge.ts';
import { judgeText } from '../policy/judging.ts';
import { Offers } from '../policy/offers.ts';
import { stricter, type VerdictKind } from '../policy/verdict.ts';
import type { Readers } from '../proxy/readers.ts';
import type { ReadRequest } from '../sql/reading.ts';
import { unreadText, type AskedSession, type Meaning, type ReadText } from '../sql/reading.ts';
import { explained, type Explained } from './explain-words.ts';

export interface ExplainParts {
  readonly config: () => Config;
  readonly classification: () => Classification;
  readonly readers: Pick<Readers, 'of'>;
  readonly clock: Clock;
}

export type ExplainAnswer = Explained & { readonly offer?: string };

export function explainService(parts: ExplainParts): (asked: Explaining) => Promise<ExplainAnswer> {
  const offers = new Offers(parts);
  return async ({ agent: agentName, database: databaseName, sql }) => {
    const { agent, database } = foundIn(parts.config(), agentName, databaseName);
    const reader = parts.readers.of(databaseName)?.reader;
    if (reader === undefined) throw unknownDatabase(agentName, databaseName);
    const asker = askerOf(agent, database);
    const request = freshSession(agent.name, asker.role, sql);
    const reading = (await reader.readAside(request, sql)) ?? unreadText('a text that cannot be read');
    const classification = parts.classification();
    const now = parts.clock.now();
    const statements = reading.statements.map(({ analysis }) => {
      return { sql, analysis, verdict: judge(analysis, { classification, asker, now }) };
    });
    const kind = statements.reduce<VerdictKind>((worst, { verdict }) => stricter(worst, verdict.kind), 'allow');
    const of = { agent: agent.name, database: database.name, catalog: classification.catalog.version };
    const whole = explained({ kind, statements }, of);
    if (kind === 'allow') return whole;
    const offer = await offerOf(offers, { execution: { ...request, reader }, asker, reading }, classification, now);
    return offer === undefined ? whole : { ...whole, offer };
  };
}

async function offerOf(
  offers: Offers,
  from: Omit<Parameters<Offers['narrower']>[0], 'verdict'> & { readonly reading: ReadText },
  classification: Classification,
  now: number,
): Promise<string | undefined> {
  const verdict = judgeText(from.reading, { classification, asker: from.asker, now });
  return await offers.narrower({ ...from, verdict });
}

function foundIn(config: Config, agentName: string, databaseName: string) {
  const agent = config.agents.get(agentName);
  if (agent === undefined) throw new ProxyError('NOT_FOUND', 'the config has no such agent');
  const database = config.databases.get(databaseName);
  if (database === undefined || !agent.databases.includes(databaseName)) throw unknownDatabase(agentName, databaseName);
  return { agent, database };
}

function unknownDatabase(agent: string, database: string): ProxyError {
  const facts = { agent, database };
  return new ProxyError('UNKNOWN_DATABASE', 'no such database, or the agent may not connect to it', { facts });
}

function askerOf(agent: AgentConfig, database: DatabaseConfig): Asker {
  return {
    agent: agent.name,
    owner: agent.owner,
    database: database.name,
    role: (agent.login ?? database.login).user,
    applicationName: '',
    clientAddress: '127.0.0.1',
    reason: undefined,
    transaction: 'none',
  };
}

/** A session as it is right after login: nothing set, nothing made. It is never asked, since nothing runs. */
function freshSession(agent: string, role: string, sql: string): ReadRequest {
  const meaning: Meaning = {
    names: { searchPath: known(['$user', 'public']), role, temp: known([]) },
    encodings: { client: 'UTF8', server: 'UTF8' },
    plansKey: '',
    keyAt: (schemaVersion) => `explain ${schemaVersion} ${role}`,
  };
  const session: AskedSession = {
    meaning,
    hasFailed: false,
    defines: 'nothing',
    settle: () => Promise.resolve({ kind: 'settled', meaning }),
    probe: () => Promise.reject(new Error('nothing runs where a statement is only explained')),
    named: () => undefined,
    plansAt: undefined,
    freshPlans: () => Promise.resolve(undefined),
    isAbsent: () => Promise.resolve(false),
    estimate: () => Promise.resolve(notKnown('nothing is asked of the server here')),
  };
  return { sql: Buffer.from(sql), types: [], typesKey: '', agent, session };
}
