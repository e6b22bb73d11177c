import type { Interval } from './bootstrap.ts';

/** Two-sided 95 %. */
const Z = 1.959963984540054;

/** Wilson score interval of a share: unlike the plain one it stays within 0 and 1, and says something of 50 hits in 50. */
export function wilson(hits: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const share = hits / trials;
  const scale = 1 + Z ** 2 / trials;
  const centre = (share + Z ** 2 / (2 * trials)) / scale;
  const reach = (Z / scale) * Math.sqrt((share * (1 - share)) / trials + Z ** 2 / (4 * trials ** 2));
  // At the ends the bound is the share itself, but for a last digit.
  return {
    low: hits === 0 ? 0 : Math.max(0, centre - reach),
    high: hits === trials ? 1 : Math.min(1, centre + reach),
  };
}

export interface Counted {
  hits: number;
  trials: number;
}

/**
 * The same for trials that come in groups, as the places of one answer do: an index that misses one neighbour misses those
 * beside it too, so that ten places tell less than ten queries would. The trials are divided by the design effect (Kish),
 * the variance of the ratio over the groups to that of independent trials; never by less than 1. Where every trial is a hit,
 * or none, the groups show no spread, and all trials count.
 */
export function groupedWilson(groups: readonly Counted[]): Interval {
  const hits = groups.reduce((sum, group) => sum + group.hits, 0);
  const trials = groups.reduce((sum, group) => sum + group.trials, 0);
  if (groups.length < 2 || hits === 0 || hits === trials) return wilson(hits, trials);
  const share = hits / trials;
  const spread = groups.reduce((sum, group) => sum + (group.hits - share * group.trials) ** 2, 0);
  const variance = ((groups.length / (groups.length - 1)) * spread) / trials ** 2;
  const effect = Math.max(1, variance / ((share * (1 - share)) / trials));
  return wilson(hits / effect, trials / effect);
}
