// Goal: no row passes beyond a bound, and none is stopped short of it.
// Method: fixed bounds by hand; random bounds, rows and raises against a plain sum.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesFor, FixedBound, rowBytesUsual, RowMeter, rowsCharged, type Bound } from '../../src/proxy/rows.ts';

describe('counting rows', () => {
  test('without a bound everything passes', () => {
    const meter = new RowMeter([]);
    expect(meter.take(1 << 30).kind).toBe('pass');
    expect([meter.rows, meter.bytes]).toEqual([1, 1 << 30]);
  });

  test('the row that reaches the bound passes, the next one stops and is not counted', () => {
    const bound = new FixedBound('level internal', 3);
    const meter = new RowMeter([bound]);
    expect([1, 2, 3].map(() => meter.take(100).kind)).toEqual(['pass', 'pass', 'pass']);
    expect(meter.take(100)).toEqual({ kind: 'stop', bound, wanted: { rows: 4, bytes: 400 } });
    expect([meter.rows, meter.bytes]).toEqual([3, 300]);
  });

  test('a raised bound lets rows pass up to where it was raised, and never goes down', () => {
    const bound = new FixedBound('level internal', 1);
    const meter = new RowMeter([bound]);
    meter.take(1);
    bound.raise(2);
    bound.raise(1);
    meter.refresh();
    expect([meter.take(1).kind, meter.take(1).kind]).toEqual(['pass', 'stop']);
  });

  test('one huge row is many rows', () => {
    const meter = new RowMeter([new FixedBound('level internal', 10_000)]);
    expect(meter.take(10_000 * rowBytesUsual).kind).toBe('pass');
    expect(meter.take(1).kind).toBe('stop');
    expect(new RowMeter([new FixedBound('level internal', 10_000)]).take(11_000_000).kind).toBe('stop');
  });

  test('a bound of few rows does not stop at long ones', () => {
    const meter = new RowMeter([new FixedBound('rule five', 5)]);
    expect([1, 2, 3, 4, 5, 6].map(() => meter.take(12_000).kind)).toEqual([...Array<string>(5).fill('pass'), 'stop']);
  });

  test('of several bounds the narrowest stops', () => {
    const meter = new RowMeter([new FixedBound('wide', 10), new FixedBound('narrow', 2)]);
    meter.take(1);
    meter.take(1);
    const taken = meter.take(1);
    expect(taken.kind === 'stop' && taken.bound.name).toBe('narrow');
  });

  test('over any rows, bounds and raises, exactly what was allowed passes', () => {
    const size = fc.oneof(fc.integer({ min: 7, max: 3000 }), fc.constant(200_000));
    const step = fc.oneof(
      fc.record({ kind: fc.constant('row' as const), size }),
      fc.record({ kind: fc.constant('raise' as const), which: fc.nat(2), by: fc.integer({ min: 1, max: 40 }) }),
    );
    const run = fc.record({
      maxes: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 3 }),
      steps: fc.array(step, { maxLength: 300 }),
    });
    fc.assert(
      fc.property(run, ({ maxes, steps }) => {
        const bounds = maxes.map((max, index) => new FixedBound(String(index), max));
        const allowed = [...maxes];
        const meter = new RowMeter(bounds);
        let [rows, bytes] = [0, 0];
        for (const one of steps) {
          if (one.kind === 'raise') {
            const index = one.which % bounds.length;
            allowed[index] = (allowed[index] ?? 0) + one.by;
            bounds[index]?.raise(allowed[index] ?? 0);
            meter.refresh();
            continue;
          }
          const fits = allowed.every((max) => rows + 1 <= max && bytes + one.size <= bytesFor(max));
          expect(meter.take(one.size).kind).toBe(fits ? 'pass' : 'stop');
          if (fits) [rows, bytes] = [rows + 1, bytes + one.size];
          expect([meter.rows, meter.bytes]).toEqual([rows, bytes]);
        }
      }),
    );
  });

  test('a bound that finds more room at once lets the row pass', () => {
    let room = 1;
    const bound: Bound = {
      name: 'budget',
      rowsMax: () => room,
      bytesMax: () => Infinity,
      extend: ({ rows }) => {
        if (rows > 4) return false;
        room = rows;
        return true;
      },
    };
    const meter = new RowMeter([bound]);
    expect([1, 2, 3, 4, 5].map(() => meter.take(1).kind)).toEqual(['pass', 'pass', 'pass', 'pass', 'stop']);
  });

  test('what is charged counts long rows as several', () => {
    expect(rowsCharged({ rows: 10, bytes: 300 })).toBe(10);
    expect(rowsCharged({ rows: 1, bytes: 5000 })).toBe(5);
    expect(rowsCharged({ rows: 0, bytes: 0 })).toBe(0);
  });
});
