/**
 * Quality of one ranking, by the definitions of trec_eval (https://github.com/usnistgov/trec_eval): what was not judged
 * counts as not relevant, and every judged key counts, whether the table still has it or not.
 */

/** Key → grade. Grades of 1 and more are relevant; 0 and less are judged, and not. */
export type Grades = ReadonlyMap<string, number>;

export const NDCG_K = 10;
/** Also the depth of every ranking: the reciprocal rank of something further down is 0. */
export const RECALL_K = 100;

const MIN_RELEVANT = 1;

const gainOf = (grade: number | undefined): number => Math.max(0, grade ?? 0);
const discount = (rank: number): number => 1 / Math.log2(rank + 1);

/**
 * ndcg_cut: the gain is the grade itself, divided by log2(rank + 1), against the best order of all judged keys.
 * @returns 0 to 1; 0 where no judged key is relevant.
 */
export function ndcg(ranking: readonly string[], grades: Grades, k = NDCG_K): number {
  const ideal = [...grades.values()]
    .map((grade) => gainOf(grade))
    .toSorted((a, b) => b - a)
    .slice(0, k)
    .reduce((sum, gain, at) => sum + gain * discount(at + 1), 0);
  const gained = ranking
    .slice(0, k)
    .reduce((sum, key, at) => sum + gainOf(grades.get(key)) * discount(at + 1), 0);
  return ideal === 0 ? 0 : gained / ideal;
}

/** recall: share of the relevant keys among the first `k`; 0 where there is none. */
export function recall(ranking: readonly string[], grades: Grades, k = RECALL_K): number {
  const relevant = relevantOf(grades);
  return relevant === 0 ? 0 : ranking.slice(0, k).filter((key) => isRelevant(grades, key)).length / relevant;
}

/** recip_rank: 1 / rank of the first relevant key; 0 where the ranking has none. */
export function reciprocalRank(ranking: readonly string[], grades: Grades): number {
  const at = ranking.findIndex((key) => isRelevant(grades, key));
  return at < 0 ? 0 : 1 / (at + 1);
}

/** Number of relevant keys. */
export function relevantOf(grades: Grades): number {
  return [...grades.values()].filter((grade) => grade >= MIN_RELEVANT).length;
}

const isRelevant = (grades: Grades, key: string): boolean => (grades.get(key) ?? 0) >= MIN_RELEVANT;
