/** Judged queries against rows that are embedded page by page: of a row its score is kept for each query, and no vector. */

import type { Metric } from '../../table/metric.ts';
import { RECALL_K } from '../../relevance/metrics.ts';

/** Larger is nearer. Both are rows of `dimensions` components, from these places on. */
type Score = (a: Float32Array, at: number, b: Float32Array, bt: number, dimensions: number) => number;

const dot: Score = (a, at, b, bt, dimensions) => {
  let sum = 0;
  for (let n = 0; n < dimensions; n++) sum += (a[at + n] ?? 0) * (b[bt + n] ?? 0);
  return sum;
};

const SCORES: Record<Metric, Score> = {
  ip: dot,
  cosine(a, at, b, bt, dimensions) {
    const lengths = dot(a, at, a, at, dimensions) * dot(b, bt, b, bt, dimensions);
    return lengths === 0 ? -1 : dot(a, at, b, bt, dimensions) / Math.sqrt(lengths);
  },
  l2(a, at, b, bt, dimensions) {
    let sum = 0;
    for (let n = 0; n < dimensions; n++) sum += ((a[at + n] ?? 0) - (b[bt + n] ?? 0)) ** 2;
    return -sum;
  },
};

export class ScoredQueries {
  readonly #vectors: Float32Array;
  readonly #dimensions: number;
  readonly #score: Score;
  readonly #keys: string[] = [];
  /** By query, of each row the best score of its passages. */
  readonly #best: number[][];

  /** @param vectors queries × dimensions, row by row */
  constructor(vectors: Float32Array, dimensions: number, metric: Metric) {
    this.#vectors = vectors;
    this.#dimensions = dimensions;
    this.#score = SCORES[metric];
    this.#best = Array.from({ length: vectors.length / dimensions }, () => []);
  }

  /** @param passages vectors of a row's passages, row by row; a row without any is found by nothing */
  add(key: string, passages: Float32Array): void {
    if (passages.length === 0) return;
    this.#keys.push(key);
    for (const [query, best] of this.#best.entries()) {
      let highest = -Infinity;
      for (let at = 0; at < passages.length; at += this.#dimensions)
        highest = Math.max(
          highest,
          this.#score(this.#vectors, query * this.#dimensions, passages, at, this.#dimensions),
        );
      best.push(highest);
    }
  }

  /** Keys by score, the best first; of one score in the order in which they were added. */
  ranking(query: number, depth = RECALL_K): string[] {
    const best = this.#best[query] ?? [];
    return this.#keys
      .map((key, at) => ({ key, score: best[at] ?? -Infinity }))
      .toSorted((a, b) => b.score - a.score)
      .slice(0, depth)
      .map(({ key }) => key);
  }
}
