/** How a build goes, by looks at it from outside: when it began, how long it waited for others, how many workers it has. */

import type { BuildProgress } from './progress.ts';

export class BuildTimings {
  /** Of `performance.now()`; null before the build began. */
  #startedAt: number | null = null;
  #lookedAt: number | null = null;
  #waitedMs = 0;
  #workers = 0;

  /** What comes before it, such as the vacuum, is none of the build's time. Once: a session that is lost does not begin again. */
  begin(secondsAgo = 0): void {
    this.#startedAt ??= performance.now() - 1000 * secondsAgo;
    this.#lookedAt = performance.now();
  }

  /** A look at the build under way: the time since the last one was spent as it is now. */
  observe({ blockers, workers }: BuildProgress): void {
    const now = performance.now();
    if (blockers.length > 0 && this.#startedAt !== null && this.#lookedAt !== null)
      this.#waitedMs += now - this.#lookedAt;
    this.#lookedAt = now;
    this.#workers = Math.max(this.#workers, workers);
  }

  get measured(): { seconds: number | null; waitedSeconds: number; workers: number } {
    const seconds = this.#startedAt === null ? null : (performance.now() - this.#startedAt) / 1000;
    return { seconds, waitedSeconds: this.#waitedMs / 1000, workers: this.#workers };
  }
}
