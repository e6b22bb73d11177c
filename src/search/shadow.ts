/** A search by vectors beside one that has been answered, by the legacy search or another generation: bounded in time and in number, heard of only by its counts. */

import type { Pool } from '../db/pool.ts';
import { overlap, rankBiasedOverlap } from '../relevance/agreement.ts';
import type { StatsBuffer } from './state/stats-buffer.ts';

export interface ShadowLimits {
  /** Longest shadow search, model and database together, ms. */
  timeoutMs: number;
  /** At a time, in this process. */
  concurrency: number;
}

export interface ShadowedAnswer {
  /** In the ledger, of the generation that is compared. */
  name: string;
  keys: readonly string[];
  k: number;
  /** The caller's wait. */
  milliseconds: number;
}

const TIMED_OUT = Symbol('timed out');

export class Shadow {
  readonly #limits: ShadowLimits;
  readonly #stats: StatsBuffer;
  #running = 0;
  readonly #judged = new Set<Promise<void>>();

  constructor(limits: ShadowLimits, stats: StatsBuffer) {
    this.#limits = limits;
    this.#stats = stats;
  }

  /** Returns at once and never throws. */
  start(
    pool: Pool,
    answered: ShadowedAnswer,
    search: (signal: AbortSignal) => Promise<readonly string[]>,
  ): void {
    if (this.#running >= this.#limits.concurrency || isShort(pool)) {
      this.#stats.count(answered.name, 'skipped');
      return;
    }
    this.#running++;
    const limit = new AbortController();
    const work = (async () => search(limit.signal))();
    // Its place is free when it has really ended: searches that hang would pile up behind the time limit otherwise.
    const leave = (): void => void this.#running--;
    work.then(leave, leave);
    const judged = this.#judge(work, limit, answered).finally(() => this.#judged.delete(judged));
    this.#judged.add(judged);
  }

  /** Once every search that was started is counted: the time limit at most. */
  async settled(): Promise<void> {
    await Promise.all(this.#judged);
  }

  async #judge(
    work: Promise<readonly string[]>,
    limit: AbortController,
    answered: ShadowedAnswer,
  ): Promise<void> {
    const started = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
      timer = setTimeout(() => resolve(TIMED_OUT), this.#limits.timeoutMs);
    });
    try {
      const keys = await Promise.race([work, timeout]);
      if (keys === TIMED_OUT) {
        limit.abort();
        this.#stats.count(answered.name, 'timeouts');
        return;
      }
      const before = [...new Set(answered.keys)];
      this.#stats.compared(answered.name, {
        overlap: overlap(before, keys, answered.k),
        rankCorrelation: rankBiasedOverlap(before, keys),
        legacyMs: answered.milliseconds,
        vectorMs: performance.now() - started,
      });
    } catch {
      this.#stats.count(answered.name, 'errors');
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether somebody waits for a connection, or the last one would be taken from the application. */
function isShort({ totalCount, idleCount, waitingCount, options }: Pool): boolean {
  // Something that is no pg.Pool but behaves like one says nothing of its connections.
  if (options?.max === undefined) return false;
  return waitingCount > 0 || options.max - (totalCount - idleCount) < 2;
}
