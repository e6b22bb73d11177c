/**
 * Jobs that wait for their next attempt for longer than any back-off of theirs: somebody's clock was ahead when they were
 * put off, or the server's own has been set back.
 */

import type { Job } from 'bullmq';
import type { JobData } from './payloads.ts';
import type { JobQueue } from '../connection.ts';

/** Of one look. What is behind them comes up as these go. */
const MAX_JOBS = 1000;

/** The longest wait that `jobs.ts` asks for behind this attempt, ms. */
function backoffMs({ opts, attemptsMade }: Job<JobData>): number {
  const { backoff } = opts;
  const delay = typeof backoff === 'object' ? (backoff.delay ?? 0) : 0;
  return delay * 2 ** Math.max(attemptsMade - 1, 0);
}

export class LateJobs {
  /** By id: the attempt that it waits behind, and since when it is seen to, by the monotonic clock. */
  #seen = new Map<string, { attempt: number; since: number }>();

  /** @returns how many were put in line that have waited for `graceMs` longer than they had to */
  async promote(queue: JobQueue, graceMs: number): Promise<number> {
    const now = performance.now();
    const seen = new Map<string, { attempt: number; since: number }>();
    let promoted = 0;
    for (const job of await queue.getDelayed(0, MAX_JOBS - 1)) {
      // One of a scheduler is its scheduler's business; of one that was evicted there is nothing to promote.
      if (job?.id === undefined || job.repeatJobKey !== undefined) continue;
      const before = this.#seen.get(job.id);
      const since = before?.attempt === job.attemptsMade ? before.since : now;
      if (now - since > backoffMs(job) + graceMs && (await isPromoted(job))) promoted++;
      else seen.set(job.id, { attempt: job.attemptsMade, since });
    }
    this.#seen = seen;
    return promoted;
  }
}

/** False where another worker was first. */
const isPromoted = (job: Job<JobData>): Promise<boolean> =>
  job.promote().then(
    () => true,
    () => false,
  );
