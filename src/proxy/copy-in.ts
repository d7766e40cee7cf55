// Whether the server reads a Sync as one or throws it away. While it takes in COPY data it ignores Sync; as soon as one row is wrong it does
// not any more, and nobody but the server knows at which byte that was.
//
// The attack: Execute(COPY … FROM STDIN), a wrong row, Sync, and a masked query behind it. Who believes the Sync ignored is one reply behind
// from there on, and takes the rows of the masked query for those of what comes next. So where both may be, the session ends. Clients
// never come here: they send Sync right behind Execute, before any data, and again behind CopyDone or CopyFail.
import type { ReadText } from '../sql/reading.ts';
import type { Replies } from './replies.ts';

type Reading =
  | { readonly kind: 'nothing' }
  /** One COPY; `sent`: of its data. */
  | { readonly kind: 'one'; readonly protocol: 'simple' | 'extended'; readonly sent: 'nothing' | 'data' | 'its end' }
  /** A Query with several statements: how many of them come to read anything depends on how those before them end. */
  | { readonly kind: 'several' };

const nothing: Reading = { kind: 'nothing' };

export class CopyIn {
  #reading: Reading = nothing;

  /** It is sent. Undefined: the server is sure to refuse it. */
  begins(text: ReadText | undefined, protocol: 'simple' | 'extended'): void {
    if (text?.statements.some(({ analysis }) => analysis.command.startsWith('COPY FROM')) !== true) return;
    const isOne = text.statements.length === 1 && this.#reading.kind !== 'several';
    this.#reading = isOne ? { kind: 'one', protocol, sent: 'nothing' } : { kind: 'several' };
  }

  sent(what: 'data' | 'its end'): void {
    if (this.#reading.kind === 'one' && this.#reading.sent !== 'its end')
      this.#reading = { ...this.#reading, sent: what };
  }

  /** Before each message: when all has been answered it is over, however it went. */
  look(replies: Pick<Replies, 'mayCopyIn'>): void {
    if (this.#reading.kind !== 'nothing' && !replies.mayCopyIn) this.#reading = nothing;
  }

  /** Whether nobody can tell if a Sync that is sent now will be answered. */
  get isUnsure(): boolean {
    switch (this.#reading.kind) {
      case 'nothing':
        return false;
      case 'several':
        return true;
      case 'one':
        return (
          this.#reading.sent === 'data' || (this.#reading.sent === 'nothing' && this.#reading.protocol === 'simple')
        );
    }
  }
}
