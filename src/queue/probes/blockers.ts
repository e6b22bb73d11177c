/** What keeps a queue's jobs from being taken, and what takes that away. */

import type { JobQueue } from '../connection.ts';

export type QueueBlockerKind =
  | 'queue-paused'
  | 'queue-limited'
  | 'jobs-lost'
  | 'jobs-not-taken'
  | 'no-worker';

export interface QueueBlocker {
  cause: QueueBlockerKind;
  /** What is wrong, as a part of a sentence. */
  message: string;
}

const OTHER_HANDS =
  'by other hands (a Bull Board, or a call of queue.pause()), not by `pgvector-backfill pause`';

/** As it is told wherever somebody looks. @param name of the queue */
export const pausedWords = (name: string): string => `the queue ${name} is paused ${OTHER_HANDS}`;

/** @returns null where it is not paused. Jobs of a paused queue are taken by nobody, whatever the ledger says. */
export async function pausedQueue(queue: JobQueue): Promise<QueueBlocker | null> {
  if (!(await queue.isPaused())) return null;
  return { cause: 'queue-paused', message: pausedWords(queue.name) };
}

/**
 * Of a queue of which the ledger knows that nothing has moved for a while though there is something to do.
 * @returns null where a worker is at a job
 */
export async function findBlocker(queue: JobQueue): Promise<QueueBlocker | null> {
  const paused = await pausedQueue(queue);
  if (paused !== null) return paused;
  const counts = await queue.getJobCounts('active', 'waiting', 'prioritized', 'delayed');
  const { active = 0, waiting = 0, prioritized = 0, delayed = 0 } = counts;
  if (active > 0) return null;
  if (await queue.isMaxed())
    return {
      cause: 'queue-limited',
      message: `the queue ${queue.name} has a global concurrency that lets no job begin`,
    };
  if ((await queue.getRateLimitTtl()) > 0)
    return {
      cause: 'queue-limited',
      message: `the queue ${queue.name} has a rate limit that holds its jobs`,
    };
  if (waiting + prioritized + delayed === 0)
    return { cause: 'jobs-lost', message: `the queue ${queue.name} has no job for it` };
  // Not every server says who is connected to it.
  const workers = await queue.getWorkersCount().catch(() => null);
  const jobs = `${waiting + prioritized + delayed} jobs wait on the queue ${queue.name}`;
  if (workers === 0) return { cause: 'no-worker', message: `${jobs}, to which no worker is connected` };
  return { cause: 'jobs-not-taken', message: `${jobs}, and no worker takes one` };
}

/** @returns whether something was taken away that held them. Jobs that were lost are the producer's to add. */
export async function removeBlocker(queue: JobQueue, { cause }: QueueBlocker): Promise<boolean> {
  if (cause === 'queue-paused') await queue.resume();
  else if (cause !== 'queue-limited') return false;
  else if (await queue.isMaxed()) await queue.removeGlobalConcurrency();
  // A rate that somebody has set is slow, and wanted; what is left is a stop for a time.
  else if (((await queue.getGlobalRateLimit())?.max ?? 0) > 0) return false;
  else await queue.removeRateLimitKey();
  return true;
}

/** For whoever says that the run is to go on. @returns what was done, as sentences */
export async function resumeQueues(queues: readonly JobQueue[]): Promise<string[]> {
  const done: string[] = [];
  for (const queue of queues) {
    const paused = await pausedQueue(queue);
    if (paused === null) continue;
    await removeBlocker(queue, paused);
    done.push(`the queue ${queue.name} was paused ${OTHER_HANDS}: it is resumed`);
  }
  return done;
}
