/** An embed job: one batch of a run. */

import { UnrecoverableError } from 'bullmq';
import { hidesRows } from '../../db/row-security.ts';
import { classify } from '../../db/sqlstates.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { messageOf } from '../../errors.ts';
import { finalizeWhenDue } from '../../finalize/trigger.ts';
import { OPEN_STATES, findRun } from '../../ledger/run/run.ts';
import { RunTargets } from '../../ledger/run/run-target.ts';
import { IdenticalVectorsCheck } from '../../pipeline/identical-vectors.ts';
import { processBatch } from '../../pipeline/process-batch.ts';
import { reconciledLater } from '../../queue/faults/call-guard.ts';
import type { JobQueue } from '../../queue/connection.ts';
import type { EmbedJob } from '../../queue/jobs/payloads.ts';
import { held, isHeld } from '../../throttle/throttle.ts';
import type { WorkerContext } from '../context.ts';
import { remedyOf } from '../jobs/remedy.ts';
import { stopRun } from '../jobs/stop-run.ts';

export interface EmbedRole {
  context: WorkerContext;
  embedder: Embedder;
  collapse: IdenticalVectorsCheck;
  targets: RunTargets;
  queues: Record<'embed' | 'finalize', JobQueue>;
}

/** What is one for all batches of a worker. */
export const embedRole = (
  context: WorkerContext,
  embedder: Embedder,
  queues: EmbedRole['queues'],
): EmbedRole => ({
  context,
  embedder,
  collapse: new IdenticalVectorsCheck(),
  targets: new RunTargets(context.pool, context.settings),
  queues,
});

const NOT_OPEN = { notDone: 'the run is not open' };
const NOT_DONE = { notDone: 'the batch is done, the run was stopped, or another worker has it' };

/** @param attempt from 1. @returns what the queue keeps as the job's result */
export async function embedBatch(
  { context, embedder, collapse, targets, queues }: EmbedRole,
  data: EmbedJob,
  attempt: number,
  signal?: AbortSignal,
): Promise<unknown> {
  const { pool, settings, backfill, throttle, instruments } = context;
  const run = await findRun(pool, data.run);
  if (run === null || run.backfill !== backfill || !OPEN_STATES.includes(run.state)) return NOT_OPEN;
  const logger = context.logger.child({ run: run.id, batch: data.batch });
  const started = performance.now();
  try {
    const { target, settings: followed } = await targets.of(run);
    const outcome = await processBatch(
      { pool, target, settings: followed, embedder, logger, collapse, throttle, instruments },
      run,
      data.batch,
      signal,
    );
    const elapsedMs = Math.round(performance.now() - started);
    if (outcome.kind === 'merged') {
      instruments.merged(outcome.counts, elapsedMs / 1000);
      logger.info({ ...outcome.counts, elapsedMs }, 'batch merged');
    }
    // Also behind a batch that was done already: a worker that died between the merge and this line owes it.
    await finalizeWhenDue(pool, settings, queues.finalize, run).catch(reconciledLater);
    if (outcome.kind === 'not-done') return NOT_DONE;
    return { ...outcome.counts, elapsedMs };
  } catch (error) {
    if (isHeld(error)) throw error;
    // Held from now on, with the reason: it goes on by itself once every row is to be seen again.
    if (hidesRows(error) && (await throttle.holdsNow())) throw held(error);
    instruments.failed(classify(error));
    logger.warn({ err: messageOf(error), class: classify(error), attempt }, 'batch not merged');
    if (classify(error) !== 'configuration') throw error;
    const reason = `${messageOf(error)}${remedyOf(error)} Then run \`pgvector-backfill enqueue\`.`;
    if (await stopRun(context, run, reason)) context.logger.error({ run: run.id, reason }, 'run failed');
    throw new UnrecoverableError(messageOf(error));
  }
}

/** Whether a job has come to its end without its batch. */
export const isNotDone = (result: unknown): boolean =>
  typeof result === 'object' && result !== null && 'notDone' in result;
