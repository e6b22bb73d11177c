/** Tables of figures in a terminal. */

import type { Difference } from '../relevance/bootstrap.ts';

/** The first column to the left, all others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  );
}

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
