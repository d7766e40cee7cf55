// The record of a running proxy: the log with its keys, the sinks, the places where checkpoints are published, and the heads of the other
// instances. What serves needs one thing to open and one to stop.
import { openAudit, type Audit } from '../audit/keeper.ts';
import { PeerHeads } from '../audit/peers.ts';
import { fileTarget } from '../audit/publish-file.ts';
import { Publisher, type CheckpointTarget } from '../audit/publisher.ts';
import { recordCatalog, type CatalogChange } from '../audit/catalog-record.ts';
import { slackTarget, webhookTarget } from '../channels/publish-http.ts';
import type { Clock } from '../core/clock.ts';
import type { PublishConfig } from '../core/config-audit.ts';
import type { Config } from '../core/config-types.ts';
import { wordsOf } from '../core/errors.ts';
import { assertNever } from '../core/exhaustive.ts';
import type { Log } from '../core/log.ts';
import type { Snapshot } from '../sql/schema.ts';
import type { Store } from '../store/store.ts';
import { keepSchema } from './kept-schemas.ts';
import { startSinks, type RunningSinks } from './serve-sinks.ts';

export interface RunningRecord {
  readonly audit: Audit;
  /** Sinks and places of publishing: their line in /readyz. */
  readonly sinks: Pick<RunningSinks, 'trouble'>;
  /** For ClassificationSource's `before`: what comes into force is on disk first. Throws when it cannot be. */
  readonly beforeCatalog: (change: CatalogChange) => void;
  /** For each schema that statements are judged by from now on. Runs aside; what fails is said in the operators' log. */
  readonly tookSchema: (database: string, snapshot: Snapshot) => void;
  /** Instances that share a state announce their heads in it; it is closed after this record has stopped. */
  readonly share: (store: Store) => void;
  stop(): Promise<void>;
}

export interface RecordOptions {
  readonly clock: Clock;
  readonly log: Log;
}

type RecordConfig = Pick<Config, 'auditDir' | 'auditSigner' | 'auditSinks' | 'auditPublish' | 'auditSeal'>;

export async function openRecord(config: RecordConfig, { clock, log }: RecordOptions): Promise<RunningRecord> {
  const dir = config.auditDir;
  let peers: PeerHeads | undefined;
  const audit = await openAudit({
    ...{ dir, clock, peerHeads: () => peers?.heads ?? [] },
    ...(config.auditSigner === undefined ? {} : { signerCommand: config.auditSigner }),
    ...(config.auditSeal === undefined ? {} : { seal: config.auditSeal }),
  });
  const say = (words: string): void => log.warn(words, {});
  const sinks = startSinks(dir, config.auditSinks, log);
  const publishers = config.auditPublish.map(
    (one) => new Publisher({ dir, target: targetOf(one), everyMs: one.everyMs, say }),
  );
  for (const publisher of publishers) publisher.start();
  const schemas = new SchemaKeeping(dir, audit, say);
  return {
    audit,
    sinks: { trouble: () => troubleOf(sinks, publishers) },
    beforeCatalog: (change) => recordCatalog(dir, audit.log, change),
    tookSchema: (database, snapshot) => schemas.take(database, snapshot),
    share: (store) => {
      peers ??= new PeerHeads({ store, own: () => audit.headForPeers(), say });
      peers.start();
    },
    stop: async () => {
      await schemas.stop();
      await sinks.stop(); // What they have not sent yet, they send at the next start.
      await audit.stop();
      // Only now: the last checkpoint is announced and published too.
      await Promise.all([peers?.stop(), ...publishers.map((publisher) => publisher.stop())]);
    },
  };
}

/** A schema is read at the start and after DDL, when statements wait for it: it is kept a moment later, one at a time. */
const keepAfterMs = 10_000;

class SchemaKeeping {
  readonly #dir: string;
  readonly #audit: Audit;
  readonly #say: (words: string) => void;
  readonly #waiting = new Map<string, Snapshot>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(dir: string, audit: Audit, say: (words: string) => void) {
    this.#dir = dir;
    this.#audit = audit;
    this.#say = say;
  }

  take(database: string, snapshot: Snapshot): void {
    this.#waiting.set(database, snapshot);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#running.then(() => this.#keepAll());
    }, keepAfterMs).unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running;
    await this.#keepAll();
  }

  async #keepAll(): Promise<void> {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [database, snapshot] of waiting) {
      try {
        await keepSchema(this.#dir, this.#audit.log, { database, snapshot });
      } catch (thrown) {
        this.#say(`the schema of ${database} could not be kept for replay: ${wordsOf(thrown)}`);
      }
    }
  }
}

function troubleOf(sinks: RunningSinks, publishers: readonly Publisher[]): string | undefined {
  const troubled = publishers.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [`${name}: ${trouble}`]));
  const all = [sinks.trouble(), ...troubled].filter((words) => words !== undefined);
  return all.length === 0 ? undefined : all.join('; ');
}

export function targetOf(config: PublishConfig): CheckpointTarget {
  const { name } = config;
  switch (config.kind) {
    case 'file':
      return fileTarget({ name, path: config.path });
    case 'slack':
      return slackTarget({ name, url: () => config.url.reveal() });
    case 'webhook': {
      const { url, token } = config;
      return webhookTarget({
        ...{ name, url: () => url.reveal() },
        ...(token === undefined ? {} : { secret: () => token.reveal() }),
      });
    }
    default:
      return assertNever(config);
  }
}
