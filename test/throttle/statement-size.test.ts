import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatementRamp, StatementSize } from '../../src/throttle/statement-size.ts';

const TARGET_MS = 250;
const FEW = 50;

/** A table on which a row takes so long, merged until the size moves no more. */
function settled(msPerRow: number, most: number): number {
  const size = new StatementSize(TARGET_MS);
  for (let statement = 0; statement < 100; statement++) {
    const rows = size.rows(most);
    size.observe(rows, rows * msPerRow);
  }
  return size.rows(most);
}

describe('rows of a statement', () => {
  it('grow to the most where rows are fast, and settle near the target where they are not', () => {
    expect(settled(0.01, 1000)).toBe(1000);
    expect(settled(0.5, 10_000)).toBe(500);
    expect(settled(100, 1000)).toBe(FEW);
  });

  it('shrink at once behind a statement that took too long, and grow again by a fifth at most', () => {
    const size = new StatementSize(TARGET_MS);
    const first = size.rows(1000);
    size.observe(first, 2 * TARGET_MS);
    expect(size.rows(1000)).toBe(first / 2);
    const sizes = [size.rows(1000)];
    for (let statement = 0; statement < 30; statement++) {
      size.observe(size.rows(1000), 10);
      sizes.push(size.rows(1000));
    }
    expect(sizes.at(-1)).toBe(1000);
    sizes.slice(1).forEach((rows, at) => expect(rows).toBeLessThanOrEqual((sizes[at] ?? 0) * 1.2));
  });

  it('halve where the server ended the statement at its limit', () => {
    const size = new StatementSize(TARGET_MS);
    const before = size.rows(1000);
    size.timedOut();
    expect(size.rows(1000)).toBe(before / 2);
  });

  it('do not grow on statements that were not full', () => {
    const size = new StatementSize(TARGET_MS);
    const before = size.rows(1000);
    for (let statement = 0; statement < 20; statement++) size.observe(3, 1);
    expect(size.rows(1000)).toBe(before);
  });

  it('stay within their bounds and steps, whatever statements take', () => {
    const statement = fc.record({
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      ms: fc.double({ min: 0, max: 60_000, noNaN: true }),
      isOver: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(statement, { maxLength: 60 }),
        fc.integer({ min: 1, max: 10_000 }),
        (statements, most) => {
          const size = new StatementSize(TARGET_MS);
          for (const { share, ms, isOver } of statements) {
            const before = size.rows(most);
            const rows = Math.ceil(before * share);
            if (isOver) size.timedOut();
            else size.observe(rows, ms);
            const after = size.rows(most);
            expect(Number.isInteger(after)).toBe(true);
            expect(after).toBeGreaterThanOrEqual(Math.min(FEW, most));
            expect(after).toBeLessThanOrEqual(most);
            expect(after).toBeLessThanOrEqual(Math.max(before * 1.2, FEW));
            if (rows > 0 && !isOver && ms > TARGET_MS) expect(after).toBeLessThanOrEqual(before);
          }
        },
      ),
    );
  });
});

describe('the first statements of a page', () => {
  /** Of 1,000 rows, on a size that fast statements have let grow to all of them: the time of each statement. */
  function statements(msOfRow: (at: number) => number): number[] {
    const size = new StatementSize(TARGET_MS);
    for (let statement = 0; statement < 100; statement++) size.observe(size.rows(1000), 10);
    const ramp = new StatementRamp(TARGET_MS);
    const times: number[] = [];
    for (let at = 0; at < 1000;) {
      const rows = Math.min(1000 - at, ramp.rows(size.rows(1000)));
      let ms = 0;
      for (let row = at; row < at + rows; row++) ms += msOfRow(row);
      times.push(ms);
      size.observe(rows, ms);
      ramp.observe(rows, ms);
      at += rows;
    }
    return times;
  }

  it('are near the target where rows that were fast before take many times as long now', () => {
    for (const ms of [1, 2, 4.9])
      for (const took of statements(() => ms)) expect(took).toBeLessThan(2 * TARGET_MS);
    // Cold pages at the beginning, cached ones behind them.
    const times = statements((row) => (row < 200 ? 2 : 0.05));
    expect(Math.max(...times)).toBeLessThanOrEqual(TARGET_MS);
  });

  it('cost a fast table a few round trips a page', () => {
    expect(statements(() => 0.02).length).toBeLessThanOrEqual(4);
  });
});
