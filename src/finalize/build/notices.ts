/** What the server says while it builds, and what follows from it. */

import type pg from 'pg';
import { optionName } from '../../config/option-name.ts';
import { messageOf } from '../../errors.ts';
import { PARALLEL_RESERVE_BYTES, hnswGraphBytesPerRow, spilledAfter } from '../forecast/index-size.ts';
import type { BuildInput } from './attempt.ts';

const MIB = 1024 * 1024;
/** Of many alike, such as one for each worker, the first ones say it all. */
const MAX_NOTICES = 50;

/** Adds them to `notices`; a graph that no longer fits becomes an event at once, as the rest of the build is slow. */
export function watchNotices(input: BuildInput, client: pg.Client, notices: string[]): void {
  client.on('notice', ({ message }) => {
    if (message === undefined || notices.length >= MAX_NOTICES) return;
    notices.push(message);
    const { dimensions, settings, target } = input;
    // Whichever way the next build goes: alone it takes a little more for each row, with workers their reserve.
    const shape = { dimensions, m: settings.index.m, type: target.indexed.type, parallel: false };
    const spill = spillWarning(message, input.rows, hnswGraphBytesPerRow(shape));
    if (spill === null) return;
    input
      .onEvent({ level: 'warn', kind: 'index.memory', ...spill })
      .catch((error: unknown) => input.logger.warn({ err: messageOf(error) }, 'event of the index build'));
  });
}

/** Null where that notice is another one. */
export function spillWarning(
  notice: string,
  rows: number,
  bytesPerRow: number,
): { message: string; detail: { tuples: number; rows: number; neededMiB: number } } | null {
  const tuples = spilledAfter([notice]);
  if (tuples === null) return null;
  const neededMiB = Math.ceil((rows * bytesPerRow + PARALLEL_RESERVE_BYTES) / MIB);
  return {
    message: `The HNSW graph no longer fits into maintenance_work_mem after ${tuples} of ${rows} rows: the rest is inserted one by one, many times slower. For the next build set ${optionName('index.maintenanceWorkMem')} to ${neededMiB}MB where the server has it.`,
    detail: { tuples, rows, neededMiB },
  };
}
