/** Whether `enqueue` goes on with the run that is there, or another one is due, and why. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { modelDifference, modelFacts } from '../embedding/open-embedder.ts';
import { lastBatch, unfinishedBatches } from '../ledger/batch/batch.ts';
import type { Run } from '../ledger/run/run.ts';
import { rowsDifference } from '../ledger/run/scope.ts';
import { syncMode } from '../ledger/changes/drain-lease.ts';
import { countTable } from '../pipeline/count-table.ts';
import { readingOfRun } from '../pipeline/unreadable-rows.ts';
import type { Target } from '../table/backfill-target.ts';

export interface Wanted {
  target: Target;
  settings: Settings;
  /** Of the present model. */
  fingerprint: string;
  /** Only the first rows by key; null = all. */
  limitRows: number | null;
}

/** Why another run is due; null where the latest one goes on. Reads only. */
export async function dueRun(pool: Pool, latest: Run | null, wanted: Wanted): Promise<string | null> {
  const { target, settings, fingerprint } = wanted;
  if (latest === null) return 'first run';
  if (latest.fingerprint !== fingerprint)
    return `the model changed: ${modelDifference(latest.embedding, modelFacts(settings)) ?? 'other model files'}`;
  const difference = rowsDifference(latest.scope, settings);
  if (difference !== null) return `the configuration changed: ${difference}`;
  if (latest.tableOid !== null && latest.tableOid !== target.oid)
    return `another table stands under the name ${target.schema}.${target.name}`;
  if (latest.state === 'completed' && (await isUnfinished(pool, latest, wanted)))
    return `run ${latest.id} is completed, and left rows without a vector`;
  return (await isOver(pool, target, latest)) ? 'rows were added or changed since the last run' : null;
}

/** Nobody takes a batch of a run that is completed: neither one that is open again, nor one behind a canary's end. */
async function isUnfinished(pool: Pool, { id }: Run, { limitRows }: Wanted): Promise<boolean> {
  const [open] = await unfinishedBatches(pool, id, 0, 1);
  const last = await lastBatch(pool, id);
  return open !== undefined || (limitRows === null && last !== null && last.upper !== null);
}

/** Every batch is done, and yet rows need work: another run is due. A run with work left is not over. */
async function isOver(pool: Pool, target: Target, run: Run): Promise<boolean> {
  if (run.plannedAt === null) return false;
  const [open] = await unfinishedBatches(pool, run.id, 0, 1);
  if (open !== undefined) return false;
  const rows = await countTable(readingOfRun(pool, target, run), { purpose: 'plan' });
  // What is captured has sync to bring it in line: on a live table there is always some.
  return rows.missing + rows.stale > ((await syncMode(pool, target.backfill)) === 'off' ? 0 : rows.captured);
}
