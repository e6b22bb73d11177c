import { WaitingError, type Job } from 'bullmq';

/** Back to the queue without an attempt being used. @throws WaitingError, by which BullMQ leaves the job alone */
export async function waitAgain(job: Pick<Job, 'moveToWait'>, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}
