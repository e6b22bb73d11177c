import { describe, expect, it } from 'vitest';
import { besideOwn, percentile, recallOf, withoutOwn } from '../../../src/verify/measures/recall.ts';

const list = (...distances: number[]): { key: string; distance: number }[] =>
  distances.map((distance, n) => ({ key: String(n), distance }));

describe('recallOf', () => {
  it('counts rows as near as the exact answer’s last one', () => {
    expect(recallOf(list(0.1, 0.2, 0.3, 0.4), list(0.1, 0.2, 0.5, 0.6))).toBe(0.5);
    expect(recallOf(list(0.1, 0.2), list(0.1, 0.2))).toBe(1);
    expect(recallOf(list(0.1, 0.2), [])).toBe(0);
  });

  it('takes a tie for what it is: repeated texts have many rows at one place', () => {
    expect(recallOf(list(0.1, 0.2, 0.2), list(0.1, 0.2 + 1e-9, 0.2))).toBe(1);
  });

  it('is 1 where there is nothing to find', () => {
    expect(recallOf([], list(0.3))).toBe(1);
  });
});

describe('percentile', () => {
  it('is by nearest rank, and null of nothing', () => {
    expect(percentile([5, 1, 3], 0.5)).toBe(3);
    expect(percentile([4, 1, 3, 2], 0.95)).toBe(4);
    expect(percentile([], 0.5)).toBeNull();
  });
});

describe('a row as query', () => {
  it('is left out of the answer, and takes no place among the candidates', () => {
    expect(withoutOwn(list(0, 0.1, 0.2), '0', 2)).toEqual(list(0, 0.1, 0.2).slice(1));
    expect(withoutOwn(list(0, 0.1, 0.2), null, 2)).toEqual(list(0, 0.1));
    expect(besideOwn({ 'hnsw.ef_search': '10' })).toEqual({ 'hnsw.ef_search': '11' });
    expect(besideOwn({ 'ivfflat.probes': '10' })).toEqual({ 'ivfflat.probes': '10' });
  });
});
