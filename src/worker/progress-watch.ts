/**
 * The ledger is the truth and the queue is transport: where the ledger has work and nothing moves, this finds out why, takes
 * away what it can, and says the rest: in the ledger for `status`, `doctor`, page and metrics, and in the log.
 */

import { messageOf } from '../errors.ts';
import { recordEvent, recordMended } from '../ledger/event/event.ts';
import { workToDo } from '../ledger/progress/open-work.ts';
import { saveReport, type Stall } from '../ledger/progress/worker-report.ts';
import { LogRateLimit } from '../observability/log-rate-limit.ts';
import { duration } from '../observability/format.ts';
import { WORKER_NAME } from '../observability/worker-name.ts';
import { CLOCK_TOLERANCE_SECONDS, clockSkew } from '../queue/clock/clock-skew.ts';
import { QUEUE_ROLES, type OpenQueue, type QueueRole } from '../queue/connection.ts';
import { reasonOf } from '../queue/faults/queue-fault.ts';
import { LateJobs } from '../queue/jobs/late-jobs.ts';
import { findBlocker, pausedQueue, removeBlocker, type QueueBlocker } from '../queue/probes/blockers.ts';
import { queueOutage } from '../queue/faults/outage.ts';
import { jobsInLine, scheduleSync } from '../queue/jobs/producer.ts';
import { withTimeLimit } from '../time-limit.ts';
import type { WorkerContext } from './context.ts';

/** For which nothing may move before it is asked why: jobs of a worker that was killed are taken up within it. */
const STALL_MS = 60_000;
/** Of all that is asked of the queue in one look at one role. */
const QUEUE_LIMIT_MS = 5000;

export class ProgressWatch {
  readonly #context: WorkerContext;
  readonly #queues: Record<QueueRole, OpenQueue>;
  readonly #again = new LogRateLimit();
  readonly #late: Record<QueueRole, LateJobs> = {
    embed: new LateJobs(),
    finalize: new LateJobs(),
    sync: new LateJobs(),
  };
  /** By role: the mark of the work as it was seen last, and since when it is the same. */
  readonly #seen = new Map<QueueRole, { mark: string; since: number }>();
  #told = '';

  constructor(context: WorkerContext, queues: Record<QueueRole, OpenQueue>) {
    this.#context = context;
    this.#queues = queues;
  }

  async look(): Promise<void> {
    const { pool, backfill } = this.#context;
    const work = await workToDo(pool, backfill);
    let stall: Stall | null = null;
    for (const role of QUEUE_ROLES) stall ??= await this.#lookAt(role, work[role]);
    const clockAheadSeconds = await this.#clock();
    const isNews = await saveReport(pool, backfill, WORKER_NAME, { stall, clockAheadSeconds });
    await this.#tell(stall, isNews);
  }

  /** For how long the mark of a role's work may stay what it is. */
  #limitMs(role: QueueRole): number {
    const { settings, times } = this.#context;
    const stallMs = times.stallMs ?? STALL_MS;
    return role === 'sync' ? Math.max(stallMs, 2000 * settings.sync.everySeconds) : stallMs;
  }

  async #lookAt(role: QueueRole, mark: string | null): Promise<Stall | null> {
    if (mark === null) {
      this.#seen.delete(role);
      return null;
    }
    const now = performance.now();
    const before = this.#seen.get(role);
    const since = before?.mark === mark ? before.since : now;
    this.#seen.set(role, { mark, since });
    const seconds = (now - since) / 1000;
    const outage = queueOutage(this.#context.address);
    if (outage !== null && Date.now() - outage.since.getTime() > QUEUE_LIMIT_MS)
      return { cause: 'queue-fault', reason: reasonOf(outage), seconds };
    try {
      const obstacle = await inTime(this.#obstacle(role, now - since));
      return obstacle === null ? null : { cause: obstacle.cause, reason: obstacle.message, seconds };
    } catch (error) {
      const { queue } = this.#queues[role];
      const reason = `the queue ${queue.name} does not answer: ${messageOf(error)}`;
      return { cause: 'queue-fault', reason, seconds };
    }
  }

  /** @returns what is still in the way */
  async #obstacle(role: QueueRole, stillMs: number): Promise<QueueBlocker | null> {
    const { queue } = this.#queues[role];
    const limitMs = this.#limitMs(role);
    const promoted = await this.#late[role].promote(queue, limitMs);
    if (promoted > 0)
      await this.#mended(
        `${promoted} jobs of the queue ${queue.name} were put off for longer than any attempt has to wait, as by a clock that is ahead: they are tried now`,
      );
    if (stillMs < limitMs) {
      const paused = await pausedQueue(queue);
      const after = `workers resume it once nothing has moved for ${duration(limitMs / 1000)}, \`pgvector-backfill resume\` does it now`;
      return paused === null ? null : { ...paused, message: `${paused.message}: ${after}` };
    }
    const obstacle = await findBlocker(queue);
    if (obstacle === null) return null;
    const still = `nothing has moved for ${duration(stillMs / 1000)}`;
    if (await removeBlocker(queue, obstacle))
      return this.#goesOn(role, `${obstacle.message}, and ${still}: it is resumed`);
    if (role === 'sync' && (await jobsInLine(queue)) === 0) {
      const { everySeconds } = this.#context.settings.sync;
      const wrong = await scheduleSync(queue, everySeconds, true);
      const why = wrong === '' ? 'the queue has no sync that is due' : wrong;
      return this.#goesOn(role, `captured changes wait, ${still}, and ${why}: sync is scheduled again`);
    }
    return { ...obstacle, message: `${obstacle.message}; ${still}` };
  }

  /** Its time begins again. */
  async #goesOn(role: QueueRole, message: string): Promise<null> {
    this.#seen.delete(role);
    await this.#mended(message);
    return null;
  }

  async #mended(message: string): Promise<void> {
    const { pool, backfill, logger } = this.#context;
    logger.warn({}, message);
    await recordMended(pool, backfill, null, message);
  }

  /** @returns how far it is ahead, in seconds */
  async #clock(): Promise<number | null> {
    const { address, logger } = this.#context;
    const { clock } = address;
    if (clock === undefined) return null;
    const { time, resetTimes } = this.#queues.embed;
    await inTime(clock.measure(time)).catch(() => {});
    const reset = await inTime(resetTimes()).catch(() => 0);
    if (reset > 0)
      await this.#mended(
        `${reset} locks and looks of the queue lay in the future, as of a clock that was ahead: they are set to now`,
      );
    const aheadSeconds = clock.aheadSeconds;
    const isOff = aheadSeconds !== null && Math.abs(aheadSeconds) > CLOCK_TOLERANCE_SECONDS;
    if (isOff && this.#again.isDue('clock'))
      logger.warn(
        { aheadSeconds: Math.round(aheadSeconds) },
        `the clock of this machine ${clockSkew(aheadSeconds)}`,
      );
    return aheadSeconds;
  }

  async #tell(stall: Stall | null, isNews: boolean): Promise<void> {
    const { pool, backfill, logger } = this.#context;
    const { cause = '', reason = '', seconds = 0 } = stall ?? {};
    if (cause !== this.#told && this.#told !== '')
      logger.info({ was: this.#told }, 'what nothing moved for is over');
    if (cause === '' || cause !== this.#told) this.#told = '';
    // One that comes and goes is not told at each coming.
    if (cause === '' || !this.#again.isDue(cause)) return;
    this.#told = cause;
    logger.warn({ cause, reason, seconds: Math.round(seconds) }, 'there is work and nothing moves');
    if (isNews)
      await recordEvent(pool, {
        backfill,
        run: null,
        level: 'warn',
        kind: `stall.${cause}`,
        message: reason,
      });
  }
}

/** @throws Error where the queue has not answered by then */
const inTime = <T>(work: Promise<T>): Promise<T> =>
  withTimeLimit(QUEUE_LIMIT_MS, work, () => {
    throw new Error(`no answer within ${QUEUE_LIMIT_MS / 1000} s`);
  });
