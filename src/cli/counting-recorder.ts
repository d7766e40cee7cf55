// Counts what goes on the record, on its way there: nothing is judged, released or ended without a record, so nothing is missed,
// and the figures of /metrics can be held against the log.
import type { AuditBody } from '../audit/record.ts';
import type { Receipt } from '../audit/receipt.ts';
import type { Recorder } from '../audit/recorder.ts';
import type { Tallies } from '../core/tallies.ts';

export class CountingRecorder implements Recorder {
  readonly #recorder: Recorder;
  readonly #tallies: Tallies;
  readonly #also: (body: AuditBody) => void;

  /** `also`: who else counts. */
  constructor(recorder: Recorder, tallies: Tallies, also: (body: AuditBody) => void = () => undefined) {
    this.#also = also;
    this.#recorder = recorder;
    this.#tallies = tallies;
  }

  /** What the log would not take did not happen, so it is not counted. */
  record(body: AuditBody): Receipt {
    const receipt = this.#recorder.record(body);
    this.#count(body);
    return receipt;
  }

  flush(): void {
    this.#recorder.flush();
  }

  async recordDurably(body: AuditBody): Promise<Receipt> {
    const receipt = await this.#recorder.recordDurably(body);
    this.#count(body);
    return receipt;
  }

  #count(body: AuditBody): void {
    count(this.#tallies, body);
    this.#also(body);
  }
}

function count(tallies: Tallies, body: AuditBody): void {
  if (body.kind === 'judged') {
    if (body.verdict === 'allow') tallies.statementsAllowed += 1;
    else if (body.verdict === 'hold') tallies.statementsHeld += 1;
    else tallies.statementsDenied += 1;
  } else if (body.kind === 'finished') {
    tallies.rowsToAgents += body.rows;
    tallies.bytesToAgents += body.bytes;
    tallies.statementMs.add(body.ms);
    if (body.error !== undefined) tallies.statementsFailed += 1;
  } else if (body.kind === 'refused') tallies.statementsRefused += 1;
  else if (body.kind === 'login') {
    if (body.error === undefined) tallies.loginsDone += 1;
    else tallies.loginsFailed += 1;
  }
}
