import { Worker, type Job, type JobJson } from 'bullmq';
import type { JobData } from './jobs.ts';

/**
 * A job whose data is no JSON would throw where BullMQ fetches it: not failed but stalled, and fetched again and again for
 * minutes. With null in its place it reaches the processor, which refuses it like any other data that is not a job's.
 */
export class TolerantWorker extends Worker<JobData, unknown> {
  protected override createJob(data: JobJson, jobId: string): Job<JobData, unknown> {
    try {
      return super.createJob(data, jobId);
    } catch {
      return super.createJob({ ...data, data: 'null' }, jobId);
    }
  }
}
