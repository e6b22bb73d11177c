/** How long a phase of the build still takes, by how far it has come lately: a forecast of before it knows nothing of how it goes. */

interface Look {
  /** Milliseconds. */
  at: number;
  share: number;
}

/** Before it a share says nothing. */
const MIN_SHARE = 0.01;
/** The pace changes, above all where a graph leaves memory: only the last quarter of the time counts. */
const WINDOW = 0.25;
const MIN_WINDOW_MS = 30_000;
const MAX_LOOKS = 1000;

export class TimeLeft {
  #phase = '';
  #looks: Look[] = [];

  /**
   * One look at a time. @param share 0 to 1, null where the phase has no measure
   * @returns seconds to the end of the phase; null where nobody can tell
   */
  observe(phase: string, share: number | null, at = performance.now()): number | null {
    const last = this.#looks.at(-1);
    // Less than before: the next partition, or another attempt.
    if (phase !== this.#phase || share === null || share < (last?.share ?? 0)) this.#looks = [];
    this.#phase = phase;
    if (share === null) return null;
    this.#looks.push({ at, share });
    if (this.#looks.length > MAX_LOOKS) this.#looks = this.#looks.filter((_, place) => place % 2 === 0);
    return share < MIN_SHARE ? null : this.#secondsFrom({ at, share });
  }

  #secondsFrom(now: Look): number | null {
    const [first] = this.#looks;
    if (first === undefined) return null;
    const window = Math.max(MIN_WINDOW_MS, WINDOW * (now.at - first.at));
    const recent = this.#looks.find(({ at }) => at >= now.at - window) ?? first;
    for (const from of [recent, first]) {
      const done = now.share - from.share;
      if (done > 0) return (((now.at - from.at) / done) * (1 - now.share)) / 1000;
    }
    return null;
  }
}
