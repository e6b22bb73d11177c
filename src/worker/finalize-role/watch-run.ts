/** A job of the watch: one pass over the live index. */

import { messageOf } from '../../errors.ts';
import { buildUnderWay } from '../../finalize/build/progress.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { latestRun } from '../../ledger/run/run.ts';
import { targetOfRun } from '../../ledger/run/run-target.ts';
import { isHeld } from '../../throttle/throttle.ts';
import { isWatched } from '../../watch/is-watched.ts';
import { watchPass } from '../../watch/pass.ts';
import type { FinalizeRole } from './role.ts';

/** @param stop aborted when the worker is shut down: what was measured until then counts. @returns what the queue keeps as the job's result */
export async function watchRun({ context, openEmbedder }: FinalizeRole, stop: AbortSignal): Promise<unknown> {
  const { pool, backfill, settings, logger, throttle } = context;
  const run = await latestRun(pool, backfill);
  if (run === null || !(await isWatched(pool, backfill, settings))) return { notDone: 'nothing is watched' };
  try {
    // Once the database is well: a pass that was left out would not come again for a day.
    if (!(await throttle.pass())) return { notDone: 'the run was stopped' };
    const { target, settings: followed } = await targetOfRun(pool, run, settings);
    if ((await buildUnderWay(pool, target)) !== null)
      return { notDone: 'an index of the table is being built' };
    const pass = await watchPass({
      pool,
      target,
      settings: followed,
      run,
      openEmbedder,
      stop,
      holds: () => throttle.holds(),
    });
    if (pass === null) return { notDone: 'the database is in trouble' };
    const { verdict, detail, result } = pass;
    logger.info({ run: run.id, verdict, detail, seconds: result.seconds }, 'watched');
    return { verdict };
  } catch (error) {
    if (!isHeld(error)) {
      const message = `the index could not be measured: ${messageOf(error)}`;
      await recordEvent(pool, { backfill, run: run.id, level: 'warn', kind: 'watch.failed', message });
    }
    throw error;
  }
}
