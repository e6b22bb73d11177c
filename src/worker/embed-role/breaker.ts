import { recordEvent } from '../../ledger/event/event.ts';
import { OPEN_STATES, type Run } from '../../ledger/run/run.ts';
import { pauseRun } from '../../ledger/run/move-run.ts';
import type { WorkerContext } from '../context.ts';

/** The circuit breaker: what fails over and over is not the batches' own fault. @param verdict of `tooManyFailures` */
export async function tripBreaker(
  { pool, backfill, logger }: WorkerContext,
  run: Run,
  verdict: string,
): Promise<void> {
  const reason = `paused itself: ${verdict}. Repair the cause, then run \`pgvector-backfill resume\`.`;
  if (!(await pauseRun(pool, run.id, OPEN_STATES, reason))) return;
  await recordEvent(pool, { backfill, run: run.id, level: 'error', kind: 'run.paused', message: reason });
  logger.error({ run: run.id, reason }, 'run paused');
}
