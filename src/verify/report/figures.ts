/** Figures of measures, as terminal and reports show them. */

import type { Difference } from '../../relevance/bootstrap.ts';

export const decimal = (value: number | null | undefined, digits = 3): string =>
  value?.toFixed(digits) ?? '-';

/** "[0.229, 0.320]" */
export const interval = ({ low, high }: { low: number | null; high: number | null }): string =>
  `[${decimal(low)}, ${decimal(high)}]`;

/** "+0.128 [0.085, 0.175]"; empty where there is nothing to differ from. */
export const signed = (difference: Difference | null): string =>
  difference === null
    ? ''
    : `${difference.value >= 0 ? '+' : ''}${decimal(difference.value)} ${interval(difference)}`;
