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
