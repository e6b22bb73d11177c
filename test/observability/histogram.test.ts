import { describe, expect, it } from 'vitest';
import { BUCKETS, bucketOf, emptyHistogram, histogramPercentile } from '../../src/observability/histogram.ts';

describe('histogram', () => {
  it('holds any time in one of its buckets, longer ones further up', () => {
    expect(emptyHistogram()).toHaveLength(BUCKETS);
    let before = 0;
    for (const ms of [-1, 0, 0.25, 0.26, 1, 10, 1000, 60_000, 1e9, Infinity]) {
      const bucket = bucketOf(ms);
      expect(bucket).toBeGreaterThanOrEqual(before);
      expect(bucket).toBeLessThan(BUCKETS);
      before = bucket;
    }
    expect(bucketOf(Number.NaN)).toBe(0);
  });

  it('tells percentiles within the growth of a bucket', () => {
    const counts = emptyHistogram();
    for (let ms = 1; ms <= 1000; ms++) counts[bucketOf(ms)]!++;
    for (const [share, exact] of [
      [0.5, 500],
      [0.95, 950],
      [1, 1000],
    ] as const) {
      const told = histogramPercentile(counts, share) ?? 0;
      expect(told).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
      expect(told).toBeLessThan(exact * 1.19);
    }
    expect(histogramPercentile(emptyHistogram(), 0.5)).toBeNull();
  });
});
