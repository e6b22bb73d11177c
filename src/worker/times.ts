/** Intervals of a worker process. What is absent has its usual value; a fault test does not wait for that. */

import type { QueueTimes } from '../queue/connection.ts';

export interface WorkerTimes extends QueueTimes {
  /** Between two looks whether the scheduler of sync is still there, ms. */
  scheduleMs?: number;
  /** Between two comparisons of ledger and queue, ms. */
  reconcileMs?: number;
  /** For which nothing may move before it is asked why, ms. */
  stallMs?: number;
  /** Between two passes over what writers have left to do, before the gate, ms. */
  passMs?: number;
  /** For which a job of another database is left to its workers, ms. */
  giveBackMs?: number;
  /** Between two looks at which generations there are, and before a first try again of one that could not be opened, ms. */
  generationsMs?: number;
  /** Between two heartbeats, ms. */
  beatMs?: number;
}
