/** What `status` reports: the progress snapshot, and what only a look elsewhere tells of it. */

import type { Config } from '../config/load.ts';
import type { Pool } from '../db/pool.ts';
import { modelDrift, type ModelDrift } from '../embedding/model-drift.ts';
import { installationId } from '../ledger/backfill/installation.ts';
import { progressSnapshot, standing, type ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { listQuarantine, type ListedRow } from '../ledger/rows/quarantine.ts';
import { latestRun } from '../ledger/run/run.ts';
import { scopeDifference } from '../ledger/run/scope.ts';
import { verifiedWithOtherOptions } from '../ledger/verification/verified-options.ts';
import { queueName } from '../queue/address.ts';
import { readQueueSnapshot, type QueueSnapshot } from '../queue/probes/queue-snapshot.ts';

/** Quarantined rows that are shown. */
const LISTED = 20;

export interface StatusReport {
  snapshot: ProgressSnapshot;
  /** Null where nothing was embedded yet. */
  drift: ModelDrift | null;
  /** Set otherwise than the run was planned for. */
  options: string | null;
  /** What searches ask that was not verified. */
  unverifiedOptions: string | null;
  /** Why the queue is waited for. */
  queue: string | null;
  /** Queues that somebody else has paused. */
  paused: readonly string[];
  /** The last ones. */
  quarantine: ListedRow[];
}

export async function statusReport(pool: Pool, { backfill, settings }: Config): Promise<StatusReport> {
  const installation = await installationId(pool);
  // Never rejects: it may be asked beside the ledger.
  const queueAsked = readQueueSnapshot({ url: settings.queue, backfill, installation });
  const ledger = await progressSnapshot(pool, backfill);
  const quarantine = await listQuarantine(pool, backfill, LISTED);
  const run = await latestRun(pool, backfill);
  const options = run === null ? null : scopeDifference(run.scope, settings);
  const unverifiedOptions = run === null ? null : await verifiedWithOtherOptions(pool, run);
  const drift = ledger.model === null ? null : await modelDrift(settings, ledger.model);
  const look = await queueAsked;
  const { trouble: queue, paused } = look;
  return { snapshot: withQueue(ledger, look), drift, options, unverifiedOptions, queue, paused, quarantine };
}

/** Nothing moves while the queue is away, or nobody may take its batches. */
export const withQueue = (snapshot: ProgressSnapshot, { trouble, paused }: QueueSnapshot): ProgressSnapshot =>
  trouble === null && !paused.includes(queueName(snapshot.backfill, 'embed')) ? snapshot : standing(snapshot);

/** The object of `status --json`. */
export const statusJson = ({ snapshot, drift, queue, paused, ...rest }: StatusReport): object => ({
  ...snapshot,
  queue,
  pausedQueues: paused,
  options: rest.options,
  unverifiedOptions: rest.unverifiedOptions,
  model: snapshot.model === null ? null : { ...snapshot.model, ...drift },
  quarantine: rest.quarantine,
});
