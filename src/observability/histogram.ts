/** Times counted by buckets: sums of any number of processes, from which percentiles can still be told. */

/** Upper end of the first bucket, ms. */
const FIRST_MS = 0.25;
/** Each bucket's upper end is this times the one before, so a percentile is told within 19 %. */
const GROWTH = 2 ** 0.25;
/** The last one holds whatever is longer than about a minute. */
export const BUCKETS = 73;

export const emptyHistogram = (): number[] => Array.from({ length: BUCKETS }, () => 0);

export function bucketOf(milliseconds: number): number {
  if (!(milliseconds > FIRST_MS)) return 0;
  // A time at the very end of a bucket is in it, whatever the logarithm's last digit.
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(milliseconds / FIRST_MS) / Math.log(GROWTH) - 1e-9));
}

/** Upper end of a bucket, ms. The last one has none. */
export const bucketEndMs = (bucket: number): number => FIRST_MS * GROWTH ** bucket;

/** Nearest rank: the upper end of its bucket, ms; null of nothing. */
export function histogramPercentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return null;
  let left = Math.max(1, Math.ceil(share * total));
  for (const [bucket, count] of counts.entries()) {
    left -= count;
    if (left <= 0) return bucketEndMs(bucket);
  }
  return null;
}
