// A CancelRequest comes on a connection of its own, so it may meet another process than its session: a sibling on the same port, or another
// proxy on the same state behind one address. It is passed on to both, each by one road only: one that came twice could hit the statement after.
import type { Store } from '../store/store.ts';

const topic = 'cancel';

export interface CancelParts {
  readonly store: Pick<Store, 'announce' | 'listen'>;
  /** The processes that share a port; they hear of it from `siblings`, and not again over the state. */
  readonly family: string;
  readonly siblings?: (mark: string) => void;
}

export interface Cancels {
  readonly elsewhere: (mark: string) => void;
  start(here: (mark: string) => void): void;
  stop(): void;
}

export function passCancels({ store, family, siblings }: CancelParts): Cancels {
  let unlisten: () => void = () => undefined;
  return {
    elsewhere: (mark) => {
      siblings?.(mark);
      store.announce(topic, `${family} ${mark}`);
    },
    start: (here) => {
      unlisten = store.listen(topic, (message) => {
        const [from, ...mark] = message.split(' ');
        if (from !== family) here(mark.join(' '));
      });
    },
    stop: () => unlisten(),
  };
}
