/** Ratios within one run, round by round: a machine that drifts does so for both. */

import { availableParallelism, cpus } from 'node:os';

export interface Ratio {
  median: number;
  min: number;
  max: number;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export function ratioOf(ours: readonly number[], other: readonly number[]): Ratio {
  const ratios = ours.map((rate, round) => rate / (other[round] ?? Number.NaN));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

export const showRatio = ({ median, min, max }: Ratio): string =>
  `${median.toFixed(2)} [${min.toFixed(2)}..${max.toFixed(2)}]`;

export const machine = (): { cpu: string; cores: number } => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
});
