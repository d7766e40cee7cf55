// Goal: a session ends whole whatever becomes of its last record: closing the record of a statement never throws.
// Method: a gate whose recorder throws each kind of thing that can be thrown; defects are told, a shut log is not one.
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import type { GateParts } from '../../src/gate-data.ts';
import { Gate, type Permit } from '../../src/gate.ts';
import type { Execution, Outcome } from '../../src/gate-data.ts';

const execution = { id: 's_1' } as unknown as Execution;
const passed = { receipt: { seq: 7 } } as unknown as Permit;
const outcome = { rows: 1, bytes: 10, ms: 1, error: undefined } as unknown as Outcome;

function gateThatThrows(thrown: unknown, defects: unknown[]): Gate {
  const record = (): never => {
    throw thrown;
  };
  const parts = { recorder: { record }, onDefect: (defect: unknown) => defects.push(defect) };
  return new Gate(parts as unknown as GateParts);
}

describe('the end of a statement', () => {
  test('does not throw when the log is shut, which says so itself', () => {
    const defects: unknown[] = [];
    const shut = new ProxyError('UNAVAILABLE', 'the audit log cannot be written');
    expect(() => gateThatThrows(shut, defects).finish(execution, passed, outcome)).not.toThrow();
    expect(defects).toEqual([]);
  });

  test.each([new Error('a broken invariant'), new RangeError('too deep'), 'a text', undefined])(
    'does not throw on %s, and tells it',
    (thrown) => {
      const defects: unknown[] = [];
      expect(() => gateThatThrows(thrown, defects).finish(execution, passed, outcome)).not.toThrow();
      expect(defects).toEqual([thrown]);
    },
  );
});
