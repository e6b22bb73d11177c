/** A finalize job that asks for a rebuild: the index that reads go by is built again, verified, and looked at by the watch. */

import { UnrecoverableError } from 'bullmq';
import { explainedByServer } from '../../db/explained-error.ts';
import { classify, isUnreachable } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import { rebuildIndex, type RebuildInput } from '../../finalize/rebuild.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { describeTarget } from '../../ledger/backfill/describe-target.ts';
import { INDEXED_STATES, findRun, type Run } from '../../ledger/run/run.ts';
import { targetOfRun } from '../../ledger/run/run-target.ts';
import type { FinalizeJob } from '../../queue/jobs/payloads.ts';
import { isHeld } from '../../throttle/throttle.ts';
import { verify } from '../../verify/verify.ts';
import { watchPass } from '../../watch/pass.ts';
import type { WorkerContext } from '../context.ts';
import { remedyOf } from '../jobs/remedy.ts';
import type { FinalizeRole } from './role.ts';

export type RebuildRequest = Pick<RebuildInput, 'onProgress' | 'logger'> & {
  signal: AbortSignal | undefined;
};

/** @returns what the queue keeps as the job's result */
export async function rebuildRun(
  { context, openEmbedder }: FinalizeRole,
  run: Run,
  oids: readonly string[],
  request: RebuildRequest,
): Promise<unknown> {
  const { pool, backfill, throttle } = context;
  if (!INDEXED_STATES.includes(run.state)) return { notDone: `the run is ${run.state}` };
  const { target, settings } = await targetOfRun(pool, run, context.settings);
  // The build cannot be held once it has begun.
  if (!(await throttle.pass())) return { notDone: 'the run was stopped' };
  const rebuilt = await rebuildIndex({ pool, target, settings, run, ...request }, oids);
  const indexed = await describeTarget(pool, backfill, settings);
  const input = { pool, target: indexed, settings, run, openEmbedder };
  const { passed } = await verify({ ...input, pass: () => throttle.pass() });
  const watched = await watchPass({ ...input, holds: () => throttle.holds() });
  request.logger.info({ passed, watch: watched?.verdict }, 'verified after a rebuild');
  return { ...rebuilt, passed, watch: watched?.verdict ?? null };
}

/** The index is what it was, and so are the reads: the run goes on, whatever has failed. */
export async function afterFailedRebuild({ pool }: WorkerContext, raised: unknown): Promise<never> {
  if (isHeld(raised) || isUnreachable(raised)) throw raised;
  const error = await explainedByServer(pool, raised);
  if (classify(error) !== 'configuration') throw error;
  throw new UnrecoverableError(`${messageOf(error)}${remedyOf(error)}`);
}

export async function giveUpRebuild(
  { pool, logger }: WorkerContext,
  data: FinalizeJob,
  error: Error,
): Promise<void> {
  try {
    const run = await findRun(pool, data.run);
    if (run === null) return;
    const message = `the index was not built again, and is what it was: ${messageOf(error)}`;
    logger.error({ run: run.id, err: messageOf(error) }, 'index not rebuilt');
    await recordEvent(pool, {
      backfill: run.backfill,
      run: run.id,
      level: 'error',
      kind: 'index.rebuild-failed',
      message,
    });
  } catch (ledgerError) {
    logger.error({ err: messageOf(ledgerError) }, 'the end of the rebuild could not be written down');
  }
}
