import { recordEvent } from '../../ledger/event/event.ts';
import { setSyncFailure } from '../../ledger/changes/drain-lease.ts';
import type { WorkerContext } from '../context.ts';

/** Says once what keeps sync from its work; empty = nothing does any more. */
export async function noteSyncFailure(
  { pool, backfill, logger }: WorkerContext,
  failure: string,
): Promise<{ notDone: string }> {
  if (await setSyncFailure(pool, backfill, failure)) {
    const [level, message] = failure === '' ? (['info', 'goes on'] as const) : (['warn', failure] as const);
    await recordEvent(pool, { backfill, run: null, level, kind: 'sync.failure', message });
    logger[level]({ failure }, 'sync');
  }
  return { notDone: failure };
}
