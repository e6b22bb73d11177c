/** Rate and time left over time: in memory alone, and no more than so many points. */

export interface RatePoint {
  /** ms of a clock that does not go back. */
  at: number;
  rowsPerSecond: number;
  /** Null where it was not known. */
  etaSeconds: number | null;
}

/** As many as a plot has room for. */
export const MAX_POINTS = 240;

export class RateHistory {
  #points: RatePoint[] = [];
  #stepMs: number;

  /** `stepMs`: points closer together than this are one. */
  constructor(stepMs = 1000) {
    this.#stepMs = stepMs;
  }

  get points(): readonly RatePoint[] {
    return this.#points;
  }

  /** Where they become too many, every other one goes, and the next ones are as far apart. */
  add(sample: RatePoint): void {
    const last = this.#points.at(-1);
    if (last !== undefined && sample.at - last.at < this.#stepMs) return;
    this.#points.push(sample);
    if (this.#points.length <= MAX_POINTS) return;
    this.#points = this.#points.filter((_, place) => place % 2 === 0);
    this.#stepMs *= 2;
  }
}
