import { recordEvent } from '../../ledger/event/event.ts';
import { OPEN_STATES, type Run } from '../../ledger/run/run.ts';
import { moveRun } from '../../ledger/run/move-run.ts';
import type { WorkerContext } from '../context.ts';

/**
 * No job can succeed before somebody changes something: the whole run stops, with the remedy in its reason.
 * @returns false where it was not open any more
 */
export async function stopRun(
  { pool, backfill }: Pick<WorkerContext, 'pool' | 'backfill'>,
  run: Run,
  reason: string,
): Promise<boolean> {
  if (!(await moveRun(pool, run.id, OPEN_STATES, 'failed', reason))) return false;
  await recordEvent(pool, { backfill, run: run.id, level: 'error', kind: 'run.failed', message: reason });
  return true;
}
