/** What `status` reports: the progress snapshot, and what only a look elsewhere tells of it. */

import type { Config } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { NoRunError } from '../errors.ts';
import { settingsWithModel } from '../embedding/find-model.ts';
import { modelDrift, type ModelDrift } from '../embedding/model-drift.ts';
import { modelCandidates } from '../ledger/generation/settings.ts';
import { installationId } from '../ledger/backfill/installation.ts';
import {
  everyGeneration,
  ledgerName,
  progressOf,
  type GenerationProgress,
  type SeenGeneration,
} from '../ledger/progress/generation-progress.ts';
import { standing, type ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { listQuarantine, type ListedRow } from '../ledger/rows/quarantine.ts';
import { latestRun } from '../ledger/run/run.ts';
import { scopeDifference } from '../ledger/run/scope.ts';
import { verifiedWithOtherOptions } from '../ledger/verification/verified-options.ts';
import { queueName } from '../queue/address.ts';
import { readQueueSnapshot, type QueueSnapshot } from '../queue/probes/queue-snapshot.ts';

/** Quarantined rows that are shown. */
const LISTED = 20;

export interface StatusReport {
  /** Of the generation that is asked for. */
  snapshot: ProgressSnapshot;
  /** All that are present. */
  generations: readonly GenerationProgress[];
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

/** @param configured where the configuration of the generation was made from it: the models of this machine may lie there */
export async function statusReport(
  pool: Pool,
  { backfill, settings }: Config,
  configured: Settings = settings,
): Promise<StatusReport> {
  const installation = await installationId(pool);
  // Never rejects: it may be asked beside the ledger.
  const queueAsked = readQueueSnapshot({ url: settings.queue, backfill, installation });
  const seen = await everyGeneration(pool, backfill);
  const ledger = snapshotOf(seen, backfill);
  const quarantine = await listQuarantine(pool, backfill, LISTED);
  const run = await latestRun(pool, backfill);
  const options = run === null ? null : scopeDifference(run.scope, settings);
  const unverifiedOptions = run === null ? null : await verifiedWithOtherOptions(pool, run);
  const known = seen.length > 1 ? (seen.find(({ snapshot }) => snapshot === ledger)?.known ?? null) : null;
  const own =
    known === null ? settings : await settingsWithModel(modelCandidates(configured, known), known.run);
  const drift = ledger.model === null ? null : await modelDrift(own, ledger.model);
  const look = await queueAsked;
  const { trouble: queue, paused } = look;
  return {
    snapshot: withQueue(ledger, look),
    generations: seen.map((each) => progressOf(each)),
    drift,
    options,
    unverifiedOptions,
    queue,
    paused,
    quarantine,
  };
}

/** @param name in the ledger */
export function snapshotOf(
  seen: readonly Pick<SeenGeneration, 'snapshot'>[],
  name: string,
): ProgressSnapshot {
  const found = seen.find(({ snapshot }) => ledgerName(snapshot) === name);
  if (found === undefined) throw new NoRunError(name);
  return found.snapshot;
}

/** Nothing moves while the queue is away, or nobody may take its batches. */
export const withQueue = (snapshot: ProgressSnapshot, { trouble, paused }: QueueSnapshot): ProgressSnapshot =>
  trouble === null && !paused.includes(queueName(ledgerName(snapshot), 'embed'))
    ? snapshot
    : standing(snapshot);

/** The object of `status --json`. */
export const statusJson = ({
  snapshot,
  generations,
  drift,
  queue,
  paused,
  ...rest
}: StatusReport): object => ({
  ...snapshot,
  generations,
  queue,
  pausedQueues: paused,
  options: rest.options,
  unverifiedOptions: rest.unverifiedOptions,
  model: snapshot.model === null ? null : { ...snapshot.model, ...drift },
  quarantine: rest.quarantine,
});
