/** A job of the finalize queue: an index that is to be there, to be built again, or to be measured. */

import type { Job } from 'bullmq';
import { findRun } from '../../ledger/run/run.ts';
import {
  parseFinalizeJob,
  parseWatchJob,
  type FinalizeJob,
  type JobData,
  type WatchJob,
} from '../../queue/jobs/payloads.ts';
import { isHeld } from '../../throttle/throttle.ts';
import type { WorkerContext } from '../context.ts';
import { waitAgain } from '../jobs/wait-again.ts';
import { afterFailure, giveUpFinalizer } from './finalize-failure.ts';
import { finalizeRun } from './finalize-run.ts';
import { afterFailedRebuild, giveUpRebuild, rebuildRun } from './rebuild-run.ts';
import type { FinalizeRole } from './role.ts';
import { watchRun } from './watch-run.ts';

/** Null for what is none of ours. */
export const parseJob = (data: unknown): FinalizeJob | WatchJob | null =>
  parseFinalizeJob(data) ?? parseWatchJob(data);

/** @returns what the queue keeps as the job's result */
export async function finalizeJob(
  role: FinalizeRole,
  job: Job<JobData>,
  data: FinalizeJob | WatchJob,
  {
    token,
    signal,
    stop,
  }: { token?: string | undefined; signal?: AbortSignal | undefined; stop: AbortSignal },
): Promise<unknown> {
  const { context } = role;
  if ('watch' in data)
    return watchRun(role, stop).catch((error: unknown) => {
      if (isHeld(error)) return waitAgain(job, token);
      throw error;
    });
  const { run: uid, force, rebuild } = data;
  const run = await findRun(context.pool, uid);
  if (run === null || run.backfill !== context.backfill)
    return { notDone: 'the run is not of this backfill' };
  const logger = context.logger.child({ run: run.id });
  const onProgress = (progress: { phase: string; share: number | null }): Promise<void> =>
    job.updateProgress(progress);
  const request = { logger, onProgress, signal };
  if (rebuild !== undefined)
    return rebuildRun(role, run, rebuild, request).catch((error: unknown) =>
      isHeld(error) ? waitAgain(job, token) : afterFailedRebuild(context, error),
    );
  try {
    return await finalizeRun(role, run, { force, ...request });
  } catch (error) {
    return afterFailure(context, run, { job, token, logger }, error);
  }
}

/** Of one that has no attempts left, or whose next one would fail as well. */
export async function giveUpJob(
  context: WorkerContext,
  { attemptsMade, opts }: Pick<Job, 'attemptsMade' | 'opts'>,
  data: FinalizeJob,
  error: Error,
): Promise<void> {
  const isOver = attemptsMade >= (opts.attempts ?? 1);
  if (data.rebuild === undefined) {
    if (isOver) await giveUpFinalizer(context, data, attemptsMade, error);
  } else if (isOver || error.name === 'UnrecoverableError') await giveUpRebuild(context, data, error);
}
