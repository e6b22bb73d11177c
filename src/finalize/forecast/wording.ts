/** What a build came to, in words: the same on the terminal and on the page. */

import { bytes, count, duration } from '../../observability/format.ts';
import type { TableGrowthForecast } from '../../ledger/run/table-growth.ts';
import type { IndexMeasurements } from '../../ledger/run/index-measurements.ts';

export function buildTime({ seconds, waitedSeconds = 0, workers }: IndexMeasurements): string {
  const waits = waitedSeconds < 1 ? '' : `, ${duration(waitedSeconds)} of it waiting for other sessions`;
  const help =
    workers === undefined ? '' : workers === 0 ? ', no parallel workers' : `, ${workers} parallel workers`;
  return `${seconds === null ? 'unknown' : duration(seconds)}${waits}${help}`;
}

/** "463 MB to 966 MB": the more, the less autovacuum keeps up with the writing. */
/** Of the table that gets the vectors, without what lies out of line. */
export const grownBytes = ({ heapBytes, tableBytes = 0 }: TableGrowthForecast): number =>
  heapBytes + tableBytes;

export const heapGrowth = ({ heapBytes, heapMinBytes = heapBytes }: TableGrowthForecast): string =>
  heapMinBytes < heapBytes ? `${bytes(heapMinBytes)} to ${bytes(heapBytes)}` : bytes(heapBytes);

/** Behind the phase of a build under way; empty where nobody can tell. */
export const timeLeft = ({ secondsLeft }: { secondsLeft?: number | null }): string =>
  secondsLeft == null ? '' : `, about ${duration(secondsLeft)} left`;

/** The server does not tell how much of its memory a build has used, only that it was not enough. */
export function buildMemory({ memoryBytes, spilledAfter }: IndexMeasurements): string {
  if (memoryBytes === null) return 'unknown';
  const given = memoryBytes === undefined ? '' : ` ${bytes(memoryBytes)}`;
  return spilledAfter === null
    ? memoryBytes === undefined
      ? 'fitted'
      : `fitted into${given}`
    : `left its${given} after ${count(spilledAfter)} rows`;
}
