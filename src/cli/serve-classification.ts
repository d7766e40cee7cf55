// The classification in force, told about: each change is on the record and in the log, and a broken edit is loud until it is mended.
import type { Recorder } from '../audit/recorder.ts';
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { mistakeText } from '../core/place.ts';
import { ClassificationSource, type SourceEvent, type SourceOptions } from '../policy/classification-source.ts';

export interface ClassificationParts {
  readonly folder: string;
  readonly shownAs: string;
  readonly recorder: Recorder;
  readonly log: Log;
  /** Puts what comes into force on the record first; when it throws, it does not come into force. */
  readonly before: NonNullable<SourceOptions['before']>;
}

export function openClassification({
  folder,
  shownAs,
  recorder,
  log,
  before,
}: ClassificationParts): ClassificationSource {
  const remember = (words: string, version: string): void => {
    recorder
      .recordDurably({ kind: 'catalog', words, version })
      .catch((thrown: unknown) =>
        log.error('a change of the classification is not on the record', { why: wordsOf(thrown) }),
      );
  };
  const tell = (event: SourceEvent): void => {
    switch (event.kind) {
      case 'changed':
        log.info('another classification is in force', { version: event.version, before: event.before });
        return;
      case 'mended':
        log.info('the classification’s files are again what is in force', { version: event.version });
        return;
      case 'broken':
        for (const mistake of event.mistakes) {
          log.error(`classification not taken, the last good one stays in force: ${mistakeText(mistake)}`);
        }
        remember(`a broken edit was not taken; classification ${event.inForce} stays in force`, event.inForce);
    }
  };
  const source = new ClassificationSource({ folder, shownAs, tell, before });
  source.watch();
  return source;
}
