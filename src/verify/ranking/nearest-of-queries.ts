/**
 * Queries against rows that are embedded page by page: of each query the nearest rows so far are kept, and no vector, so that
 * memory goes by the queries alone, however many rows there are.
 */

import type { Metric } from '../../table/metric.ts';
import { RECALL_K } from '../../relevance/metrics.ts';

/** Of one passage and all queries: larger is nearer. Both are rows of `dimensions` components. */
type Score = (a: Float32Array, at: number, b: Float32Array, bt: number, dimensions: number) => number;

const dot: Score = (a, at, b, bt, dimensions) => {
  let sum = 0;
  for (let n = 0; n < dimensions; n++) sum += (a[at + n] as number) * (b[bt + n] as number);
  return sum;
};

const negativeSquare: Score = (a, at, b, bt, dimensions) => {
  let sum = 0;
  for (let n = 0; n < dimensions; n++) sum += ((a[at + n] as number) - (b[bt + n] as number)) ** 2;
  return -sum;
};

export interface QueryVectors {
  /** Queries × dimensions, row by row. */
  vectors: Float32Array;
  dimensions: number;
  /** Not 0 where the model makes no vector of a query: nothing is near it. */
  faults: Uint8Array;
}

export class NearestOfQueries {
  readonly #queries: QueryVectors;
  readonly #metric: Metric;
  readonly #depth: number;
  /** By query, the best first; of one score in the order in which rows were added. */
  #keys: string[][];
  #scores: number[][];

  constructor(queries: QueryVectors, metric: Metric, depth = RECALL_K) {
    this.#queries = metric === 'cosine' ? { ...queries, vectors: unitLength(queries) } : queries;
    this.#metric = metric;
    this.#depth = depth;
    this.#keys = Array.from(queries.faults, () => []);
    this.#scores = Array.from(queries.faults, () => []);
  }

  /** With what was added so far, to be added to apart. */
  copy(): NearestOfQueries {
    const copy = new NearestOfQueries(this.#queries, this.#metric, this.#depth);
    copy.#keys = this.#keys.map((each) => [...each]);
    copy.#scores = this.#scores.map((each) => [...each]);
    return copy;
  }

  /** @param passages vectors of a row's passages, row by row; a row without any is found by nothing */
  add(key: string, passages: Float32Array): void {
    if (passages.length > 0) this.addScores(key, this.scoresOf(passages));
  }

  /** For each query the score of the row's best passage; -Infinity where there is no vector to go by. */
  scoresOf(passages: Float32Array): Float64Array {
    const { vectors, dimensions, faults } = this.#queries;
    const score = this.#metric === 'l2' ? negativeSquare : dot;
    const best = new Float64Array(faults.length).fill(-Infinity);
    for (let at = 0; at < passages.length; at += dimensions) {
      const length = this.#metric === 'cosine' ? Math.sqrt(dot(passages, at, passages, at, dimensions)) : 1;
      if (length === 0) continue;
      for (let query = 0; query < faults.length; query++) {
        if (faults[query] !== 0) continue;
        const own = score(vectors, query * dimensions, passages, at, dimensions) / length;
        if (own > (best[query] as number)) best[query] = own;
      }
    }
    return best;
  }

  addScores(key: string, scores: Float64Array): void {
    for (const [query, own] of this.#scores.entries()) {
      const score = scores[query] ?? -Infinity;
      const isAmong = own.length < this.#depth || score > (own.at(-1) ?? -Infinity);
      if (score === -Infinity || !isAmong) continue;
      const place = placeOf(own, score);
      own.splice(place, 0, score);
      this.#keys[query]?.splice(place, 0, key);
      if (own.length <= this.#depth) continue;
      own.pop();
      this.#keys[query]?.pop();
    }
  }

  /** Keys by score, the best first. */
  ranking(query: number): readonly string[] {
    return this.#keys[query] ?? [];
  }
}

/** Behind all that are as near or nearer. @param scores falling */
function placeOf(scores: readonly number[], score: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scores[middle] as number) >= score) low = middle + 1;
    else high = middle;
  }
  return low;
}

function unitLength({ vectors, dimensions }: QueryVectors): Float32Array {
  const scaled = new Float32Array(vectors.length);
  for (let at = 0; at < vectors.length; at += dimensions) {
    const length = Math.sqrt(dot(vectors, at, vectors, at, dimensions));
    for (let n = 0; n < dimensions; n++)
      scaled[at + n] = length === 0 ? 0 : (vectors[at + n] as number) / length;
  }
  return scaled;
}
