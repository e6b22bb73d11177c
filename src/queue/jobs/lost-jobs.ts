/**
 * Jobs that are a worker's no more when it speaks of them: the process stood still for longer than the lock lasts and another
 * worker took them up, or the server has lost them. No fault of the connection, and nothing to be mended: the fencing token
 * keeps whoever was overtaken from writing, and the ledger has what was done.
 */

import { ErrorCode } from 'bullmq';
import { messageOf } from '../../errors.ts';
import { LogRateLimit } from '../../observability/log-rate-limit.ts';
import type { Logger } from '../../observability/logger.ts';

const NOT_OURS: ReadonlySet<unknown> = new Set([
  ErrorCode.JobNotExist,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobNotInState,
  ErrorCode.JobLockMismatch,
]);
/** BullMQ's lock manager gives no code. */
const NOT_RENEWED = /^could not renew lock for job /;

/** Whether a call failed for the job that it speaks of, and not for the server. */
export function isAboutLostJob(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return NOT_OURS.has(code) || NOT_RENEWED.test(messageOf(error));
}

export class LostJobs {
  readonly #again = new LogRateLimit();
  readonly #logger: Logger;
  readonly #queueName: string;

  constructor(logger: Logger, queueName: string) {
    this.#logger = logger;
    this.#queueName = queueName;
  }

  /** @returns false where the error is about something else */
  saw(error: unknown): boolean {
    if (!isAboutLostJob(error)) return false;
    if (this.#again.isDue(this.#queueName))
      this.#logger.info(
        { queueName: this.#queueName, err: messageOf(error) },
        'a job is another worker’s by now, or gone from the queue: this process stood still for longer than its lock lasts, or the server lost it. What was done counts by the ledger',
      );
    return true;
  }
}
