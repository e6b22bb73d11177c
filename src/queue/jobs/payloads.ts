/** What a job carries: ids and bounds, never row text. Whoever can write to the queue cannot make a worker do more than that. */

import type { JobsOptions } from 'bullmq';
import { z } from 'zod';

const FORMAT = 1;
/** PostgreSQL's integer. */
const MAX_BATCHES = 2_147_483_647;

/** Of the leaves of a partitioned table. */
const MAX_INDEXES = 10_000;

/** Installation that the job is of; absent in those of an older release. */
const database = z.uuid().optional();

const embedJob = z.strictObject({
  format: z.literal(FORMAT),
  database,
  run: z.uuid(),
  batch: z.number().int().min(1).max(MAX_BATCHES),
  lower: z.string().nullable(),
  upper: z.string().nullable(),
});
const finalizeJob = z.strictObject({
  format: z.literal(FORMAT),
  database,
  run: z.uuid(),
  force: z.boolean(),
  /** Indexes that are to be built again, by their oids; absent where one is to be there at all. */
  rebuild: z
    .array(z.string().regex(/^\d{1,10}$/))
    .min(1)
    .max(MAX_INDEXES)
    .optional(),
});
/** All that there is to know stands in the ledger. */
const syncJob = z.strictObject({
  format: z.literal(FORMAT),
  database,
  // In jobs of an earlier build.
  sync: z.literal(true).optional(),
});

/** The same, of the finalize queue: while an index is built there nothing is measured of it. */
const watchJob = z.strictObject({ format: z.literal(FORMAT), database, watch: z.literal(true) });

export type EmbedJob = z.infer<typeof embedJob>;
export type FinalizeJob = z.infer<typeof finalizeJob>;
export type SyncJob = z.infer<typeof syncJob>;
export type WatchJob = z.infer<typeof watchJob>;
export type JobData = EmbedJob | FinalizeJob | SyncJob | WatchJob;

/** Null for what is forged, truncated or of another version. */
export function parseEmbedJob(data: unknown): EmbedJob | null {
  return embedJob.safeParse(data).data ?? null;
}

export function parseFinalizeJob(data: unknown): FinalizeJob | null {
  return finalizeJob.safeParse(data).data ?? null;
}

export function parseSyncJob(data: unknown): SyncJob | null {
  return syncJob.safeParse(data).data ?? null;
}

export function parseWatchJob(data: unknown): WatchJob | null {
  return watchJob.safeParse(data).data ?? null;
}

/** Longest first wait of a failed batch; doubles with each attempt. Full jitter: anything from zero to that. */
const FIRST_RETRY_MS = 1000;
const DAY_SECONDS = 24 * 3600;

/** Deterministic, so that adding a job twice adds it once. Not integer-like and without ':', as BullMQ wants it. */
export const embedJobId = (run: string, batch: number): string => `embed-${run}-${batch}`;
/** Why the finalizer is called; part of the job's id, so that one that is about to end does not swallow a later call. */
export const FINALIZE_CAUSES = ['coverage', 'last-batch', 'asked'] as const;
export type FinalizeCause = (typeof FINALIZE_CAUSES)[number];
export const finalizeJobId = (run: string, cause: FinalizeCause): string => `finalize-${run}-${cause}`;

/** Apart from those: a rebuild that was given up is nothing that the run waits for. */
export const rebuildJobId = (run: string): string => `finalize-${run}-rebuild`;

export function embedJobOptions(run: string, batch: number, attempts: number): JobsOptions {
  return {
    jobId: embedJobId(run, batch),
    attempts,
    backoff: { type: 'exponential', delay: FIRST_RETRY_MS, jitter: 1 },
    // Kept for the dashboard; the ledger is what counts.
    removeOnComplete: { age: DAY_SECONDS, count: 1000 },
    removeOnFail: { age: 7 * DAY_SECONDS },
  };
}

const FINALIZE_ATTEMPTS = 5;

export function finalizeJobOptions(jobId: string): JobsOptions {
  return {
    jobId,
    attempts: FINALIZE_ATTEMPTS,
    backoff: { type: 'exponential', delay: 5 * FIRST_RETRY_MS, jitter: 0.5 },
    removeOnComplete: { age: DAY_SECONDS, count: 100 },
    removeOnFail: { age: 7 * DAY_SECONDS },
  };
}

/** @param database installation that the job is of */
export const embedJobData = (
  run: string,
  batch: number,
  lower: string | null,
  upper: string | null,
  database?: string,
): EmbedJob => ({ ...headOf(database), run, batch, lower, upper });
export const finalizeJobData = (run: string, force: boolean, database?: string): FinalizeJob => ({
  ...headOf(database),
  run,
  force,
});
export const rebuildJobData = (run: string, oids: readonly string[], database?: string): FinalizeJob => ({
  ...finalizeJobData(run, false, database),
  rebuild: [...oids],
});
export const watchJobData = (database?: string): WatchJob => ({ ...headOf(database), watch: true });
export const syncJobData = (database?: string): SyncJob => headOf(database);
const headOf = (database?: string): { format: typeof FORMAT; database?: string } => ({
  format: FORMAT,
  ...(database === undefined ? {} : { database }),
});
/** Not tried again: the scheduler brings the next one. */
export const scheduledJobOptions = (): JobsOptions => ({
  attempts: 1,
  removeOnComplete: { count: 50 },
  removeOnFail: { count: 50 },
});
