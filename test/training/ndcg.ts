/** Ranking quality as trec_eval computes it, for binary judgements. */

/** nDCG@k of one ranking: gain 1 for each relevant id, discount log2(rank + 1), ideal over all relevant ids. */
export function ndcg<T>(ranking: readonly T[], relevant: ReadonlySet<T>, k = 10): number {
  if (relevant.size === 0) return 0;
  let gained = 0;
  let ideal = 0;
  for (let rank = 0; rank < k; rank++) {
    const gain = 1 / Math.log2(rank + 2);
    if (rank < ranking.length && relevant.has(ranking[rank]!)) gained += gain;
    if (rank < relevant.size) ideal += gain;
  }
  return gained / ideal;
}

/** Ids by falling score; ties keep the order given. */
export function rank<T>(ids: readonly T[], score: (id: T, index: number) => number): T[] {
  return ids
    .map((id, index) => ({ id, score: score(id, index) }))
    .sort((a, b) => b.score - a.score)
    .map(({ id }) => id);
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let left = 0;
  let right = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    left += a[i]! ** 2;
    right += b[i]! ** 2;
  }
  return dot / Math.sqrt(left * right);
}
