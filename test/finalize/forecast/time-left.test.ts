import { describe, expect, it } from 'vitest';
import { TimeLeft } from '../../../src/finalize/forecast/time-left.ts';

const PHASE = 'building index: loading tuples';
/** A look a second until `seconds`, at a share that grows by the function. @returns what each look said */
function looks(seconds: number, share: (second: number) => number, left = new TimeLeft()): (number | null)[] {
  return Array.from({ length: seconds + 1 }, (_, second) =>
    left.observe(PHASE, share(second), second * 1000),
  );
}

describe('time left of a phase', () => {
  it('follows a steady pace to its end', () => {
    const said = looks(1000, (second) => second / 1000);
    for (const [second, left] of said.entries())
      if (second >= 20) expect(Math.abs((left ?? Infinity) - (1000 - second))).toBeLessThan(2);
    expect(said.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => null));
  });

  it('goes by the last quarter of the time where the pace has changed, as behind a graph that left memory', () => {
    // Half in 100 s, then ten times slower: 46 min more or less, where the beginning spoke of 100 s.
    const share = (second: number): number => (second < 100 ? second / 200 : 0.5 + (second - 100) / 2000);
    const said = looks(900, share);
    expect(said[100]).toBeLessThan(110);
    for (const second of [300, 500, 900])
      expect(Math.abs((said[second] ?? 0) / (1100 - second) - 1)).toBeLessThan(0.05);
  });

  it('is unknown where a phase has no measure, begins, or goes back to its beginning, and where nothing moves', () => {
    const left = new TimeLeft();
    looks(100, (second) => second / 200, left);
    expect(left.observe('waiting for old snapshots', null, 101_000)).toBeNull();
    expect(left.observe('index validation: scanning table', 0.2, 102_000)).toBeNull();
    expect(left.observe('index validation: scanning table', 0.4, 104_000)).toBeCloseTo(6);
    expect(left.observe('index validation: scanning table', 0.1, 105_000)).toBeNull();
    expect(looks(50, () => 0.5).every((each) => each === null)).toBe(true);
  });

  it('holds a bounded number of looks', () => {
    const said = looks(20_000, (second) => second / 40_000);
    expect(said.at(-1)).toBeCloseTo(20_000, -2);
  });
});
