/** Confidence intervals of means over queries, by resampling the queries. */

import { uniform } from '../random.ts';

export interface Interval {
  low: number;
  high: number;
}

/** Between two means over the same queries. */
export interface Difference extends Interval {
  value: number;
}

export interface BootstrapResult {
  /** Of each series' mean. */
  means: Interval[];
  /** Of each series' mean minus the first one's; narrower than the two apart where they rise and fall together. */
  differences: Interval[];
}

export const RESAMPLES = 2000;
const SEED = 1;
const CONFIDENCE = 0.95;

/**
 * Percentile bootstrap (Efron), paired: each resample draws queries with replacement, the same ones for every series.
 * @param series one value per query each, all of one length, at least 1.
 */
export function pairedBootstrap(
  series: readonly (readonly number[])[],
  { resamples = RESAMPLES, seed = SEED }: { resamples?: number; seed?: number } = {},
): BootstrapResult {
  const queries = series[0]?.length ?? 0;
  const random = uniform(seed);
  const means = series.map(() => new Float64Array(resamples));
  const drawn = new Int32Array(queries);
  for (let resample = 0; resample < resamples; resample++) {
    for (let at = 0; at < queries; at++) drawn[at] = Math.floor(random() * queries);
    for (const [of, values] of series.entries()) {
      let sum = 0;
      for (const at of drawn) sum += values[at] ?? 0;
      (means[of] as Float64Array)[resample] = sum / queries;
    }
  }
  const first = means[0] ?? new Float64Array();
  return {
    means: means.map((each) => intervalOf(each)),
    differences: means.map((each) => intervalOf(each.map((mean, at) => mean - (first[at] ?? 0)))),
  };
}

/** Of a series' mean to the first one's, with its interval. */
export const differenceOf = (
  series: readonly number[],
  first: readonly number[],
  interval: Interval | undefined,
): Difference => ({ value: meanOf(series) - meanOf(first), ...(interval as Interval) });

/** 0 of nothing. */
export const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

function intervalOf(values: Float64Array): Interval {
  const sorted = values.toSorted();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { low: at((1 - CONFIDENCE) / 2), high: at((1 + CONFIDENCE) / 2) };
}
