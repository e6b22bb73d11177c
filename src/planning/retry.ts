/** Another try for what failed: batches that the queue gave up, and rows that were quarantined. */

import type pg from 'pg';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { reopenBatchesOf, reopenFailedBatches, unfinishedBatches } from '../ledger/batch/batch.ts';
import { resetBreaker } from '../ledger/run/breaker.ts';
import { noteChanges } from '../ledger/changes/captured-changes.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { forgiveRows } from '../ledger/rows/quarantine.ts';
import type { Run } from '../ledger/run/run.ts';
import { reopenFailedRun } from '../ledger/run/move-run.ts';
import { followScope } from '../ledger/run/scope.ts';
import { syncMode } from '../ledger/changes/drain-lease.ts';
import { ConfigError } from '../errors.ts';
import { canonicalKeys } from '../table/canonical-keys.ts';
import { keyNames } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';
import type { JobQueue } from '../queue/connection.ts';
import { addEmbedJobs } from '../queue/jobs/producer.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';

export interface RetryInput {
  pool: Pool;
  settings: Settings;
  run: Run;
  queue: JobQueue;
  /** Quarantined rows too: all of them, or those of these keys. */
  quarantined: boolean | readonly string[];
}

export interface RetryResult {
  backfill: string;
  run: string;
  /** Batches that are to be worked on again. */
  batches: number;
  /** Quarantined rows that get another try; each keeps its count of attempts. */
  rows: number;
  /** Jobs put on the queue; fewer than batches where some are on their way already. */
  enqueued: number;
}

/** Batches of one look at the ledger. */
const PAGE = 5000;

/** @throws ConfigError where one of the named rows is not in quarantine: nothing is changed then */
async function forgiven(
  client: pg.PoolClient,
  target: Target,
  quarantined: RetryInput['quarantined'],
): Promise<string[]> {
  if (quarantined === false) return [];
  if (quarantined === true) return forgiveRows(client, target.backfill);
  const known = await canonicalKeys(client, target, quarantined);
  const found = new Set(await forgiveRows(client, target.backfill, [...known.values()]));
  const other = quarantined.find((key) => !found.has(known.get(key) ?? key));
  if (other === undefined) return [...found];
  throw new ConfigError(`Row ${other} is not in quarantine.`, {
    code: 'ROW_NOT_QUARANTINED',
    remedy:
      target.key.length === 1
        ? 'Run `pgvector-backfill status`: it lists the rows in quarantine by their keys.'
        : `Write its key as \`pgvector-backfill status\` lists it, a JSON array: --row '["…", "…"]' (${keyNames(target).join(', ')}).`,
  });
}

/** Safe to repeat: what is tried already is not tried twice. */
export async function retry({ pool, settings, run, queue, quarantined }: RetryInput): Promise<RetryResult> {
  const { backfill } = run;
  const target = await describeTarget(pool, backfill, followScope(run, settings));
  const { batches, rows } = await inTransaction(pool, LEDGER_LIMITS, async (client) => {
    const keys = await forgiven(client, target, quarantined);
    if (run.state === 'completed') {
      // Nobody takes a batch of it. Sync, where it was kept, brings the rows in line as it does with changed ones.
      if ((await syncMode(client, backfill)) !== 'off') await noteChanges(client, backfill, keys);
      return { batches: 0, rows: keys.length };
    }
    const failed = await reopenFailedBatches(client, run.id);
    return { batches: failed + (await reopenBatchesOf(client, target, run.id, keys)), rows: keys.length };
  });
  // Whoever asks for it says that the cause is repaired.
  await reopenFailedRun(pool, run.id);
  await resetBreaker(pool, run.id);
  const enqueued = run.state === 'completed' ? 0 : await addUnfinished(pool, settings, queue, run);
  const result = { backfill, run: run.id, batches, rows, enqueued };
  if (batches + rows + enqueued > 0)
    await recordEvent(pool, {
      backfill,
      run: run.id,
      level: 'info',
      kind: 'run.retried',
      message: `${batches} batches and ${rows} quarantined rows get another try`,
      detail: { ...result },
    });
  return result;
}

/** Jobs for the batches that are not merged and not on the queue. @returns how many were added. */
export async function addUnfinished(
  pool: Pool,
  settings: Settings,
  queue: JobQueue,
  run: Run,
): Promise<number> {
  let added = 0;
  for (let after = 0; ;) {
    const page = await unfinishedBatches(pool, run.id, after, PAGE);
    added += await addEmbedJobs(queue, run.uid, page, settings.attempts, false);
    if (page.length < PAGE) return added;
    after = page.at(-1)?.number ?? after;
  }
}
