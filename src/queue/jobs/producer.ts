/** Puts jobs on the queue so that each stands there once, whatever was there before. */

import type { JobSchedulerJson } from 'bullmq';
import { duration } from '../../observability/format.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../clock/clock-skew.ts';
import { queueNow } from '../clock/queue-clock.ts';
import { installationOf, type JobQueue } from '../connection.ts';
import {
  FINALIZE_CAUSES,
  embedJobData,
  embedJobId,
  embedJobOptions,
  finalizeJobData,
  finalizeJobId,
  finalizeJobOptions,
  rebuildJobData,
  rebuildJobId,
  scheduledJobOptions,
  syncJobData,
  watchJobData,
  type FinalizeCause,
  type SyncJob,
  type WatchJob,
} from './payloads.ts';

export interface BatchToAdd {
  number: number;
  lower: string | null;
  upper: string | null;
}

/** Jobs of one call to the server. */
const PAGE = 500;

/**
 * Adds what is not on its way. A job that the queue holds as completed or failed, although the ledger says that the
 * batch is not done, is taken out first: its id would make the new one a no-op.
 * @returns how many jobs were added.
 */
export async function addEmbedJobs(
  queue: JobQueue,
  run: string,
  batches: readonly BatchToAdd[],
  attempts: number,
  fresh: boolean,
): Promise<number> {
  let added = 0;
  for (let start = 0; start < batches.length; start += PAGE) {
    const page = batches.slice(start, start + PAGE);
    const wanted = fresh ? page : await withoutUnderWay(queue, run, page);
    await queue.addBulk(
      wanted.map((batch) => ({
        name: 'embed',
        data: embedJobData(run, batch.number, batch.lower, batch.upper, installationOf(queue)),
        opts: embedJobOptions(run, batch.number, attempts),
      })),
    );
    added += wanted.length;
  }
  return added;
}

async function withoutUnderWay(
  queue: JobQueue,
  run: string,
  batches: readonly BatchToAdd[],
): Promise<BatchToAdd[]> {
  const wanted = await Promise.all(
    batches.map(async (batch) =>
      (await removeFinished(queue, embedJobId(run, batch.number))) ? batch : null,
    ),
  );
  return wanted.filter((batch) => batch !== null);
}

/** What the queue says of a job that nobody will do. */
const OVER: ReadonlySet<string> = new Set(['unknown', 'completed', 'failed']);

/** True where a job of this id can be added now. */
async function removeFinished(queue: JobQueue, id: string): Promise<boolean> {
  const state = await queue.getJobState(id);
  // Unknown may also be one of which only the lists were lost, by eviction: what is left of it would swallow the new one.
  if (!OVER.has(state)) return false;
  await queue.remove(id);
  return true;
}

/** @returns false where a finalize job of this run and cause is already on its way. */
export async function addFinalizeJob(queue: JobQueue, run: string, cause: FinalizeCause): Promise<boolean> {
  if (!(await removeFinished(queue, finalizeJobId(run, cause)))) return false;
  const data = finalizeJobData(run, cause === 'asked', installationOf(queue));
  await queue.add('finalize', data, finalizeJobOptions(finalizeJobId(run, cause)));
  return true;
}

/** @param oids of the indexes to be built again. @returns false where that is on its way already. */
export async function addRebuildJob(queue: JobQueue, run: string, oids: readonly string[]): Promise<boolean> {
  if (!(await removeFinished(queue, rebuildJobId(run)))) return false;
  const data = rebuildJobData(run, oids, installationOf(queue));
  await queue.add('finalize', data, finalizeJobOptions(rebuildJobId(run)));
  return true;
}

/** Jobs that are on their way, of all runs. */
export const jobsUnderWay = (queue: JobQueue): Promise<number> =>
  queue.getJobCountByTypes('waiting', 'prioritized', 'active', 'delayed');

/** Those that a worker would take now, or has taken. */
export const jobsInLine = (queue: JobQueue): Promise<number> =>
  queue.getJobCountByTypes('waiting', 'prioritized', 'active');

/** Whether the finalizer is called or at it, or was given up after its last attempt: that one waits for the operator. */
export async function finalizeJobStands(queue: JobQueue, run: string): Promise<boolean> {
  const states = await Promise.all(
    FINALIZE_CAUSES.map((cause) => queue.getJobState(finalizeJobId(run, cause))),
  );
  return states.some((state) => state !== 'unknown' && state !== 'completed');
}

/** A job at intervals, now and for ever. */
interface Schedule {
  /** Of the job scheduler: one for each backfill, as its queue has the backfill's name. Also the name of its jobs. */
  id: string;
  data: (database?: string) => SyncJob | WatchJob;
}

const SYNC: Schedule = { id: 'sync', data: syncJobData };
const WATCH: Schedule = { id: 'watch', data: watchJobData };

/**
 * Left alone where it is there already and its next job is on its way: one that is due later than its interval was set by a clock
 * that is ahead, and one that is gone is followed by no other.
 * @param force whatever it looks like: the ledger shows that it does not do its work
 * @returns what was wrong with it; empty where nothing was
 */
async function schedule(
  queue: JobQueue,
  { id, data: dataOf }: Schedule,
  everySeconds: number,
  force: boolean,
): Promise<string> {
  const every = everySeconds * 1000;
  const data = dataOf(installationOf(queue));
  const present = await queue.getJobScheduler(id);
  const of = (present?.template?.data as Partial<SyncJob> | undefined)?.database;
  const wrong = present?.every === every ? await faultOf(queue, id, present, every) : '';
  if (present?.every === every && of === data.database && wrong === '' && !force) return '';
  // Another one in its place would keep its time.
  if (wrong !== '' || force) await queue.removeJobScheduler(id);
  await queue.upsertJobScheduler(id, { every }, { name: id, data, opts: scheduledJobOptions() });
  return wrong;
}

async function faultOf(
  queue: JobQueue,
  id: string,
  { next }: JobSchedulerJson,
  every: number,
): Promise<string> {
  if (next === undefined) return '';
  const aheadMs = next - queueNow(queue) - every;
  if (aheadMs > CLOCK_TOLERANCE_SECONDS * 1000)
    return `the next ${id} was due in ${duration((aheadMs + every) / 1000)}, as a clock that is ahead had set it`;
  if (!OVER.has(await queue.getJobState(`repeat:${id}:${next}`))) return '';
  // It may have been done just now.
  const now = await queue.getJobScheduler(id);
  return now?.next === next ? `the next ${id} was lost from the queue` : '';
}

export const scheduleSync = (queue: JobQueue, everySeconds: number, force = false): Promise<string> =>
  schedule(queue, SYNC, everySeconds, force);

/** @returns whether there was one. */
export function unscheduleSync(queue: JobQueue): Promise<boolean> {
  return queue.removeJobScheduler(SYNC.id);
}

export async function isSyncScheduled(queue: JobQueue): Promise<boolean> {
  return (await queue.getJobScheduler(SYNC.id)) != null;
}

/** @param queue of the finalizer */
export const scheduleWatch = (queue: JobQueue, everySeconds: number): Promise<string> =>
  schedule(queue, WATCH, everySeconds, false);

export async function unscheduleWatch(queue: JobQueue): Promise<void> {
  await queue.removeJobScheduler(WATCH.id);
}
