// Counter-offers: what would pass instead, as a statement that can be run. Shown only when it was judged to pass; judged again, by both
// witnesses, when it is sent.
import type { Clock } from '../core/clock.ts';
import type { Reader } from '../sql/reader.ts';
import type { ReadRequest, ReadText } from '../sql/reading.ts';
import type { Asker } from './asker.ts';
import type { Classification } from './classification.ts';
import { judgeText } from './judging.ts';
import { offerCandidates } from './offer-candidates.ts';
import type { Verdict } from './verdict.ts';

export interface OffersParts {
  readonly classification: () => Classification;
  readonly clock: Clock;
}

export interface OfferedFor {
  readonly execution: ReadRequest & { readonly reader: Reader };
  readonly asker: Asker;
  readonly reading: ReadText;
  readonly verdict: Verdict;
}

/** Whoever waits for a hint waits for their refusal, or for people to be asked; a second was not enough on a machine with much other work. */
const offerMsMax = 3_000;

export class Offers {
  readonly #parts: OffersParts;

  constructor(parts: OffersParts) {
    this.#parts = parts;
  }

  async narrower(from: OfferedFor): Promise<string | undefined> {
    const [only, ...more] = from.reading.statements;
    const text = from.execution.reader.textOf(from.execution);
    if (only === undefined || more.length > 0 || text === undefined) return undefined;
    const classification = this.#parts.classification();
    const deadline = this.#parts.clock.ticks() + offerMsMax;
    for (const wish of offerCandidates(from.verdict, only.analysis, classification.policy)) {
      if (this.#parts.clock.ticks() > deadline) return undefined;
      const offer = await from.execution.reader.offer(from.execution, { text, wish });
      if (offer !== undefined && (await this.#passes(from, offer))) return offer;
    }
    return undefined;
  }

  async #passes({ execution, asker }: OfferedFor, offer: string): Promise<boolean> {
    const read = await execution.reader.readAside(execution, offer);
    if (read === undefined) return false;
    const now = this.#parts.clock.now();
    return judgeText(read, { classification: this.#parts.classification(), asker, now }).kind === 'allow';
  }
}
