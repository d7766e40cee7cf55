// The audit of one process as the rest of the house gets it: the log, its keys and its lock, and the clockwork beside them: signed
// checkpoints, rotation, the lock's heartbeat, and mending. Everything that needs a timer or a signature is here, off the hot path.
import { chmodSync, statSync, statfsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProxyError, wordsOf } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { fileWords } from '../core/file-words.ts';
import { lockFolder, type FolderLock } from '../core/folder-lock.ts';
import { makeFolder } from '../core/make-folder.ts';
import { makeReceipt, type HoldReceipt } from './hold-receipt.ts';
import { holdOf } from './hold-records.ts';
import { openKeys, keyText, writeWholeAside, type LogKeys } from './keys.ts';
import { AuditLog, type LogState } from './log.ts';
import { signNote } from './note.ts';
import { readSealKey, Sealer } from './seal.ts';
import type { FolderPart } from './receipts.ts';
import { SearchIndex, type SearchQuery } from './search-index.ts';
import type { SearchResult } from './search.ts';
import { StatementHash } from './statement-hash.ts';
import { headFile, historyFile, readHead } from './tail.ts';

export interface AuditOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly instance?: string;
  /** Newest heads of the other instances, for the checkpoint: `origin blocks root`. */
  readonly peerHeads?: () => readonly string[];
  /** Program and arguments that sign instead of a key in the folder; see signer.ts. */
  readonly signerCommand?: readonly string[];
  /** File of an auditor's public key: statements are sealed to it; see seal.ts. */
  readonly seal?: string;
  readonly limits?: Partial<AuditLimits>;
}

export interface AuditLimits {
  readonly checkpointMs: number;
  /** A checkpoint is kept under a name of its own this often, at rotation and at stop; the newest is always `head.note`. */
  readonly keepMs: number;
  /** And this often it is added to `history.notes`, so that a rewritten record can be found to within these seconds. */
  readonly historyMs: number;
  readonly segmentBytesMax: number;
  readonly segmentMsMax: number;
  /** A shut log is not tried again with less room than this: it would shut again at once. */
  readonly freeBytesMin: number;
}

const usual: AuditLimits = {
  checkpointMs: 1_000,
  keepMs: 600_000,
  historyMs: 10_000,
  segmentBytesMax: 64 * 1024 * 1024,
  segmentMsMax: 24 * 60 * 60 * 1_000,
  freeBytesMin: 1024 * 1024,
};

export async function openAudit(options: AuditOptions): Promise<Audit> {
  try {
    return await openFolder(options);
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw new ProxyError('UNAVAILABLE', `the audit log in ${options.dir} cannot be opened: ${fileWords(error)}`, {
      cause: error,
      hint: 'mend the folder, or name another with `audit.dir`: nothing passes unrecorded, so the proxy does not start without its log',
    });
  }
}

async function openFolder(options: AuditOptions): Promise<Audit> {
  makeFolder(options.dir, 0o700);
  closeToOthers(options.dir);
  // Before the lock, since it may be a mistake in the config.
  const sealer = options.seal === undefined ? undefined : new Sealer(readSealKey(options.seal));
  const lock = await lockFolder(options.dir, {
    name: 'lock',
    does: 'writes the audit log',
    hint: 'give each instance an audit.dir of its own',
  });
  try {
    const keys = openKeys(options.dir, options.signerCommand);
    const head = readHead(options.dir, keys.headKeys);
    const log = new AuditLog({
      dir: options.dir,
      clock: options.clock,
      passed: head,
      ...(options.instance === undefined ? {} : { instance: options.instance }),
    });
    if (head === undefined) await log.recordSelf({ kind: 'key', public: keyText(keys.signer.public) });
    const audit = new Audit({ options, lock, keys, log, sealer });
    await audit.checkpoint();
    audit.start();
    return audit;
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Parts {
  readonly options: AuditOptions;
  readonly lock: FolderLock;
  readonly keys: LogKeys;
  readonly log: AuditLog;
  readonly sealer: Sealer | undefined;
}

export class Audit {
  readonly log: AuditLog;
  readonly statementHash: StatementHash;
  readonly #parts: Parts;
  readonly #limits: AuditLimits;
  readonly #index: SearchIndex;
  readonly #sealer: Sealer | undefined;
  #peers: readonly string[] = [];
  #signedHead: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #noting: Promise<void> = Promise.resolve();
  #notedBlocks = -1;
  /** The newest note's text. */
  #noted = '';
  #keptAt = -Infinity;
  #historyAt = -Infinity;
  #segmentSince: number;
  #noteTrouble: string | undefined;
  #stopped = false;

  constructor(parts: Parts) {
    this.log = parts.log;
    this.statementHash = new StatementHash(parts.keys.hashSecret);
    this.#parts = parts;
    this.#index = new SearchIndex(parts.options.dir);
    this.#sealer = parts.sealer;
    this.#limits = { ...usual, ...parts.options.limits };
    this.#segmentSince = parts.options.clock.ticks();
  }

  /** For /readyz. A checkpoint that cannot be signed makes the log weaker, not shut: the words say so, statements go on. */
  state(): LogState & { readonly checkpointTrouble: string | undefined } {
    return { ...this.log.state, checkpointTrouble: this.#noteTrouble };
  }

  /** This log's newest signed head, for the checkpoints of its peers: a head that a crash could take back would accuse us. */
  headForPeers(): string | undefined {
    return this.#signedHead;
  }

  /** The full statement for the auditor's eyes only, where the config names a key. */
  sealed(statement: Buffer): string | undefined {
    return this.#sealer?.seal(statement);
  }

  /** The signed receipt of a settled hold, from the files. */
  async receipt(hold: string): Promise<HoldReceipt | 'open' | 'not found'> {
    const { origin } = this.log.head();
    const found = holdOf([{ origin, records: await this.#index.recordsOfHold(hold) }]);
    return found.kind === 'settled'
      ? makeReceipt(found.records, { origin, signer: this.#parts.keys.signer })
      : found.kind;
  }

  /** What this chain has of a hold, from the files. */
  async partsOfHold(hold: string): Promise<readonly FolderPart[]> {
    const records = await this.#index.recordsOfHold(hold);
    return records.length === 0 ? [] : [{ dir: this.#parts.options.dir, origin: this.log.head().origin, records }];
  }

  /** Newest first, from the files. */
  search(query: SearchQuery): Promise<SearchResult> {
    return this.#index.search(query);
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#ticking = this.#tick().finally(() => this.start());
    }, this.#limits.checkpointMs);
    this.#timer.unref();
  }

  /** Ends the log with a last checkpoint. Afterwards every record is refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#ticking;
    if (this.log.state.state === 'open') {
      this.log.flush();
      await this.checkpoint('keep');
    }
    this.log.close();
    this.#parts.lock.release();
  }

  /** Signs the head, after the disk has what it speaks for: a checkpoint ahead of the log would accuse us of taking records out. */
  checkpoint(kept: 'keep' | 'newest' = 'newest'): Promise<void> {
    // One at a time: an older head must not take the place of a newer one.
    const run = this.#noting.then(() => this.#note(kept));
    this.#noting = run.catch(() => undefined); // The caller has the error; the next one starts afresh.
    return run;
  }

  async #note(kept: 'keep' | 'newest'): Promise<void> {
    const { options, keys } = this.#parts;
    const head = this.log.head();
    const now = options.clock.ticks();
    const peers = options.peerHeads?.() ?? [];
    // A log that is quiet still has to speak for the others' newest heads.
    const peersMoved = now - this.#historyAt >= this.#limits.historyMs && peers.join() !== this.#peers.join();
    if (head.blocks !== this.#notedBlocks || peersMoved) {
      await this.log.sync();
      const note = await signNote({ ...head, peers }, keys.signer);
      await writeWholeAside(join(options.dir, headFile), note, 0o644);
      this.#noted = note;
      this.#peers = peers;
      this.#signedHead = `${head.origin} ${head.blocks} ${head.root}`;
      this.#notedBlocks = head.blocks;
      if (kept === 'keep' || now - this.#historyAt >= this.#limits.historyMs) {
        this.#historyAt = now;
        await appendFile(join(options.dir, historyFile), note, { mode: 0o644 });
      }
    }
    if (kept === 'newest' && now - this.#keptAt < this.#limits.keepMs) return;
    this.#keptAt = now;
    const name = `checkpoint-${String(head.records).padStart(12, '0')}.note`;
    // Whole or not at all, as the head itself: half a checkpoint would look like a change.
    await writeWholeAside(join(options.dir, name), this.#noted, 0o644);
  }

  async #tick(): Promise<void> {
    if (!this.#stillOurs()) return;
    try {
      if (this.log.state.state === 'shut') await this.#mend();
      if (this.log.state.state === 'shut') return;
      this.log.checkPlace();
      if (this.#segmentIsFull()) {
        await this.checkpoint('keep');
        this.log.rotate();
        this.#segmentSince = this.#parts.options.clock.ticks();
      }
      await this.checkpoint();
      this.#noteTrouble = undefined;
    } catch (error) {
      this.#noteTrouble = wordsOf(error);
      // The open segment could still be written, with nothing that speaks for it: the folder is as good as gone.
      if (cannotWrite(error)) this.log.shutFor(this.#noteTrouble);
    }
  }

  #stillOurs(): boolean {
    try {
      if (this.#parts.lock.touch()) return true;
    } catch (error) {
      // A full or read-only disk may refuse the touch; the log itself finds that out when it writes.
      this.#noteTrouble = wordsOf(error);
      return true;
    }
    this.log.shutFor('another process has taken the lock of the folder');
    return false;
  }

  async #mend(): Promise<void> {
    const { dir } = this.#parts.options;
    const { bavail, bsize } = statfsSync(dir);
    if (bavail * bsize < this.#limits.freeBytesMin) return;
    // The newest checkpoint once more: a log that opens without being able to write one would shut again at once, each time with a new segment.
    if (this.#noted !== '') await writeWholeAside(join(dir, headFile), this.#noted, 0o644);
    this.log.mend();
  }

  #segmentIsFull(): boolean {
    const age = this.#parts.options.clock.ticks() - this.#segmentSince;
    return this.log.segmentBytes >= this.#limits.segmentBytesMax || age >= this.#limits.segmentMsMax;
  }
}

const writeTroubles: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO'];

/** Of the folder, not of a signer elsewhere: that one may be away for a while. */
function cannotWrite(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || !writeTroubles.includes(error.code)) return false;
  return !('syscall' in error && String(error.syscall).startsWith('spawn'));
}

/** Nobody else may write here: who can rename files in this folder can swap the log. Readers (an auditors' group) are the owner's choice. */
function closeToOthers(dir: string): void {
  const { mode, uid } = statSync(dir);
  if ((mode & 0o022) !== 0 && uid === process.getuid?.()) chmodSync(dir, mode & 0o755);
}
