/** A finalize job: settle, build the index, settle again, verify. */

import { finalize, type FinalizeInput } from '../../finalize/finalize.ts';
import { unfinishedBatches } from '../../ledger/batch/batch.ts';
import { answerFinalizerCalls } from '../../ledger/run/finalizer-calls.ts';
import { findRun, type Run } from '../../ledger/run/run.ts';
import { moveRun, setRunReason } from '../../ledger/run/move-run.ts';
import { targetOfRun } from '../../ledger/run/run-target.ts';
import { describeTarget } from '../../ledger/backfill/describe-target.ts';
import { verify } from '../../verify/verify.ts';
import type { FinalizeRole } from './role.ts';
import { settlerOf } from './settle-run.ts';

type BuildRequest = Pick<FinalizeInput, 'force' | 'onProgress' | 'logger'> & {
  signal: AbortSignal | undefined;
};

/** @returns what the queue keeps as the job's result */
export async function finalizeRun(role: FinalizeRole, run: Run, request: BuildRequest): Promise<unknown> {
  const { context, openEmbedder } = role;
  const { pool, backfill, throttle } = context;
  const pass = (): Promise<boolean> => throttle.pass();
  // Calls from here on are answered by this job only as far as it looks again behind them.
  let answers = run.finalizerCalls;
  const { target, settings } = await targetOfRun(pool, run, context.settings);
  const settleAll = settlerOf(role, { run, target, settings, ...request });
  // Also before the index: rows that no batch has read may be what coverage lacks.
  await settleAll();
  // The build cannot be held once it has begun, and writes about its size of WAL at its end.
  if (!(await pass())) return { notDone: 'the run was stopped' };
  const outcome = await finalize({ pool, target, settings, run, pass, ...request });
  if (outcome.kind !== 'indexed') {
    await answerFinalizerCalls(pool, run.id, answers);
    return outcome;
  }
  await moveRun(pool, run.id, ['finalizing'], 'verifying', '');
  answers = (await findRun(pool, run.uid))?.finalizerCalls ?? answers;
  // The build takes its time, and somebody may have written meanwhile.
  if (!(await settleAll())) {
    await setRunReason(pool, run.id, 'the index is built; the gate waits for the last batches');
    // A batch that closed between the look and the words would wait for nobody to call again.
    if ((await unfinishedBatches(pool, run.id, 0, 1)).length > 0) {
      await answerFinalizerCalls(pool, run.id, answers);
      return outcome;
    }
  }
  // With the index that the finalizer has chosen meanwhile.
  const indexed = await describeTarget(pool, backfill, settings);
  const verification = await verify({ pool, target: indexed, settings, run, openEmbedder, pass });
  await answerFinalizerCalls(pool, run.id, answers);
  request.logger.info({ passed: verification.passed }, 'verified');
  return { ...outcome, passed: verification.passed };
}
