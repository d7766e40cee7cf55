// The classification in force, and how it changes while the proxy runs: on a change of the folder and on SIGHUP. A broken edit
// changes nothing: the last good one stays in force, and whoever listens is told, until the folder is good again.
//
//   in force ──good edit──▶ in force (new version)
//       └────broken edit──▶ in force (old version) + trouble ──good edit──▶ in force (new version)
import { watch, type FSWatcher } from 'node:fs';
import type { NonEmpty, Sha256 } from '../core/brand.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import { mistakeText, type Mistake } from '../core/place.ts';
import type { Checked } from '../core/yaml.ts';
import { folderSignature, readFolder } from '../catalog/folder.ts';
import { versionOf, type ClassificationFile } from '../catalog/load.ts';
import type { Floors } from './floors.ts';
import { loadClassification, type Classification } from './classification.ts';

export type SourceEvent =
  | { readonly kind: 'changed'; readonly version: Sha256; readonly before: Sha256 }
  | { readonly kind: 'broken'; readonly inForce: Sha256; readonly mistakes: NonEmpty<Mistake> }
  /** The folder is again what is in force. */
  | { readonly kind: 'mended'; readonly version: Sha256 };

export interface SourceOptions {
  readonly folder: string;
  /** How places in it are named: agents and approvers read them too, and need not know where on the machine it lies. */
  readonly shownAs?: string;
  readonly tell: (event: SourceEvent) => void;
  /** Called with what is about to come into force, also at the start. When it throws, it does not. */
  readonly before?: (change: {
    readonly files: readonly ClassificationFile[];
    readonly version: Sha256;
    readonly before: Sha256 | undefined;
  }) => void;
  /** How often the folder is looked at, beside the system's own word: network file systems give none. */
  readonly pollMs?: number;
  /** An editor writes in several steps: a folder is read when it has been still for so long. */
  readonly stillMs?: number;
}

export class ClassificationSource {
  readonly #options: SourceOptions;
  #current: Classification;
  #floors: Floors | undefined;
  #trouble: readonly Mistake[] = [];
  #signature: string;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #still: NodeJS.Timeout | undefined;

  /** Throws CONFIG_INVALID with every mistake: nothing is served before there is a classification. */
  constructor(options: SourceOptions) {
    this.#options = options;
    this.#signature = folderSignature(options.folder);
    const loaded = this.#read();
    if (loaded.kind === 'bad') {
      throw new ProxyError('CONFIG_INVALID', loaded.mistakes.map(mistakeText).join('\n'));
    }
    this.#current = loaded.value.classification;
    this.#announce(loaded.value, undefined);
  }

  get current(): Classification {
    return this.#current;
  }

  /** Mistakes of an edit that is not in force; empty when the folder is what is in force. For /readyz and the console. */
  get trouble(): readonly Mistake[] {
    return this.#trouble;
  }

  /** What was carried where belongs to everything that is in force, now and later. */
  readFloors(floors: Floors): void {
    this.#floors = floors;
    this.#current = { ...this.#current, floors };
  }

  /** On SIGHUP: at once, whatever the clock of the file system says. */
  reload(): void {
    this.#signature = folderSignature(this.#options.folder);
    const loaded = this.#read();
    if (loaded.kind === 'bad') {
      this.#trouble = loaded.mistakes;
      this.#options.tell({ kind: 'broken', inForce: this.#current.catalog.version, mistakes: loaded.mistakes });
      return;
    }
    const before = this.#current.catalog.version;
    const { version } = loaded.value.classification.catalog;
    const wasTroubled = this.#trouble.length > 0;
    if (version === before) {
      this.#trouble = [];
      if (wasTroubled) this.#options.tell({ kind: 'mended', version });
      return;
    }
    const refused = this.#refusedBy(loaded.value, before);
    if (refused !== undefined) {
      this.#trouble = refused;
      this.#options.tell({ kind: 'broken', inForce: before, mistakes: refused });
      return;
    }
    this.#trouble = [];
    const floors = this.#floors;
    this.#current = { ...loaded.value.classification, ...(floors === undefined ? {} : { floors }) };
    this.#options.tell({ kind: 'changed', version, before });
  }

  watch(): void {
    if (this.#poll !== undefined) return;
    this.#poll = setInterval(() => this.#look(), this.#options.pollMs ?? 2000);
    this.#poll.unref();
    try {
      this.#watcher = watch(this.#options.folder, { persistent: false }, () => this.#look());
      // A watcher that fails later (the folder is replaced) leaves the poll, which is enough.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // No watching here, as on some network file systems: the poll sees every change, only later.
      this.#watcher = undefined;
    }
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#still);
    this.#watcher?.close();
    this.#poll = undefined;
    this.#still = undefined;
    this.#watcher = undefined;
  }

  /** A file that is half written may be good YAML with a rule less: it is only read once nothing has moved for a while. */
  #look(): void {
    const seen = folderSignature(this.#options.folder);
    if (seen === this.#signature || this.#still !== undefined) return;
    this.#still = setTimeout(() => {
      this.#still = undefined;
      if (folderSignature(this.#options.folder) === seen) this.reload();
      else this.#look();
    }, this.#options.stillMs ?? 300);
    this.#still.unref();
  }

  #announce({ classification, files }: Loaded, before: Sha256 | undefined): void {
    this.#options.before?.({ files, version: classification.catalog.version, before });
  }

  /** Somebody who must be told first (the record) cannot be: the folder is tried again at its next change or SIGHUP. */
  #refusedBy(loaded: Loaded, before: Sha256): NonEmpty<Mistake> | undefined {
    try {
      this.#announce(loaded, before);
      return undefined;
    } catch (thrown) {
      // The look that comes next shall see a difference, and try again.
      this.#signature = '';
      return [this.#mistake(`not in force: ${wordsOf(thrown)}`)];
    }
  }

  #read(): Checked<Loaded> {
    try {
      const first = this.#readOnce();
      if (first.kind === 'bad') return first;
      // Read twice: an edit between the reads of two files would give a mixture of old and new.
      const { version } = first.value.classification.catalog;
      return versionOf(readFolder(this.#options.folder)) === version ? first : this.#readOnce();
    } catch (thrown) {
      const mend = thrown instanceof ProxyError ? thrown.hint : undefined;
      const words = wordsOf(thrown).replace(`${this.#options.folder}: `, '');
      return { kind: 'bad', mistakes: [{ ...this.#mistake(words), mend }] };
    }
  }

  #readOnce(): Checked<Loaded> {
    const files = readFolder(this.#options.folder, this.#options.shownAs);
    const loaded = loadClassification(files);
    return loaded.kind === 'bad' ? loaded : { kind: 'good', value: { classification: loaded.value, files } };
  }

  #mistake(words: string): Mistake {
    return {
      place: { file: this.#options.shownAs ?? this.#options.folder, line: 1, column: 1 },
      words,
      mend: undefined,
    };
  }
}

interface Loaded {
  readonly classification: Classification;
  readonly files: readonly ClassificationFile[];
}
