/** The vector search beside a legacy one that has been answered: bounded in time and in number, heard of only by its counts. */

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
    legacy: ShadowedAnswer,
    search: (signal: AbortSignal) => Promise<readonly string[]>,
  ): void {
    if (this.#running >= this.#limits.concurrency || isShort(pool)) {
      this.#stats.count('skipped');
      return;
    }
    this.#running++;
    const limit = new AbortController();
    const work = (async () => search(limit.signal))();
    // Its place is free when it has really ended: searches that hang would pile up behind the time limit otherwise.
    const leave = (): void => void this.#running--;
    work.then(leave, leave);
    const judged = this.#judge(work, limit, legacy).finally(() => this.#judged.delete(judged));
    this.#judged.add(judged);
  }

  /** Once every search that was started is counted: the time limit at most. */
  async settled(): Promise<void> {
    await Promise.all(this.#judged);
  }

  async #judge(
    work: Promise<readonly string[]>,
    limit: AbortController,
    legacy: ShadowedAnswer,
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
        this.#stats.count('timeouts');
        return;
      }
      const before = [...new Set(legacy.keys)];
      this.#stats.compared({
        overlap: overlap(before, keys, legacy.k),
        rankCorrelation: rankBiasedOverlap(before, keys),
        legacyMs: legacy.milliseconds,
        vectorMs: performance.now() - started,
      });
    } catch {
      this.#stats.count('errors');
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
