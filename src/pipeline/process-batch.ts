/** One batch from its range to its rows merged (DESIGN: read → embed → stage → merge). Every step can run again. */

import { setTimeout as delay } from 'node:timers/promises';
import { LEDGER_LIMITS, backoffMs, inTransaction } from '../db/transaction.ts';
import { modelDifference, modelFacts } from '../embedding/open-embedder.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { accountFor } from '../ledger/rows/accounting.ts';
import {
  claimBatch,
  lockBatch,
  markMerged,
  returnAttempt,
  type BatchCounts,
  type ClaimedBatch,
} from '../ledger/batch/batch.ts';
import type { Run } from '../ledger/run/run.ts';
import { classify } from '../db/sqlstates.ts';
import { noteRowsToEmbed } from '../ledger/changes/note-rows.ts';
import { adoptRows } from './adopt-rows.ts';
import { measured, type PipelineContext } from './pipeline-context.ts';
import { processRange } from './process-range.ts';
import { quarantineLostWrites } from './lost-writes.ts';
import { deleteOrphans, releaseOrphans } from '../ledger/rows/orphans.ts';
import { readingOf, withReadableRows } from './unreadable-rows.ts';
import { WrittenRows } from './written-rows.ts';

export type BatchOutcome =
  | { kind: 'merged'; counts: BatchCounts }
  /** Done already, of a run that is over or was stopped, or taken over by another worker: nothing to do for this one. */
  | { kind: 'not-done' };

/** Passes over a range whose texts keep changing; what still changes then is left to change capture. */
const MAX_PASSES = 3;

export async function processBatch(
  context: PipelineContext,
  run: Run,
  number: number,
  signal?: AbortSignal,
): Promise<BatchOutcome> {
  if (!(await context.throttle.pass())) return { kind: 'not-done' };
  const batch = await claimBatch(context.pool, run.uid, number);
  if (batch === null) return { kind: 'not-done' };
  try {
    assertSameModel(context, run);
    return await processClaimed(context, run, batch, signal);
  } catch (error) {
    if (classify(error) === 'configuration')
      await returnAttempt(context.pool, batch, messageOf(error)).catch(() => {});
    throw error;
  }
}

function assertSameModel({ embedder, target, settings }: PipelineContext, run: Run): void {
  if (embedder.fingerprint === run.fingerprint) return;
  throw new ConfigError(
    `This worker's model ${embedder.model} (fingerprint ${embedder.fingerprint.slice(0, 8)}) is not the one that run ${run.id} of ${target.backfill} was planned for (${run.model}, ${run.fingerprint.slice(0, 8)}): ${modelDifference(run.embedding, modelFacts(settings)) ?? 'other model files'}.`,
    {
      code: 'MODEL_CHANGED',
      remedy:
        'Give every worker the same model files and model options, or run `pgvector-backfill enqueue` to plan a run for the new model.',
    },
  );
}

async function processClaimed(
  context: PipelineContext,
  run: Run,
  batch: ClaimedBatch,
  signal?: AbortSignal,
): Promise<BatchOutcome> {
  if (run.adoption !== null && !(await adoptRows(context, batch, run.adoption))) return { kind: 'not-done' };
  const unusable = new Set<string>();
  const writes = new WrittenRows();
  for (let pass = 1; ; pass++) {
    if (!(await processRange(context, batch, batch, unusable, writes, signal))) return { kind: 'not-done' };
    const last = pass >= MAX_PASSES;
    const outcome = await measured(context, 'account', () =>
      withReadableRows(readingOf(context, batch), batch, () =>
        closeBatch(context, batch, [...unusable], writes, last),
      ),
    );
    if (outcome !== null) return outcome;
    // Rows that another transaction holds are free again in a moment, mostly.
    await delay(backoffMs(pass));
  }
}

/**
 * Counts the range by SQL and closes the batch, in one transaction. Null where rows changed meanwhile and another pass
 * may catch them; on the last pass they are noted as changes instead.
 */
async function closeBatch(
  context: PipelineContext,
  batch: ClaimedBatch,
  unusable: readonly string[],
  writes: WrittenRows,
  last: boolean,
): Promise<BatchOutcome | null> {
  const { pool, target, embedder } = context;
  return inTransaction(pool, LEDGER_LIMITS, async (client): Promise<BatchOutcome | null> => {
    if (!(await lockBatch(client, batch))) return { kind: 'not-done' };
    await deleteOrphans(client, target, batch);
    await releaseOrphans(client, target, unusable);
    let rows = await accountFor(client, target, embedder.fingerprint, batch);
    if (
      rows.missing + rows.stale > 0 &&
      (await quarantineLostWrites(client, context, batch, batch, writes)).lost > 0
    )
      rows = await accountFor(client, target, embedder.fingerprint, batch);
    const changed = rows.missing + rows.stale;
    if (changed > 0 && !last) return null;
    if (changed > 0) await noteRowsToEmbed(client, target, embedder.fingerprint, batch);
    const { missing: _missing, stale: _stale, ...kept } = rows;
    const counts: BatchCounts = { ...kept, changed };
    await markMerged(client, batch, counts);
    return { kind: 'merged', counts };
  });
}
