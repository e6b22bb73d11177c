/** Constant of reciprocal rank fusion as published (Cormack, Clarke, Büttcher, SIGIR 2009); not tuned here. */
export const RRF_K = 60;

/**
 * Reciprocal rank fusion: each ranking gives a key its weight / (RRF_K + rank).
 * Ties keep the order in which the keys first appear, earlier rankings first.
 * @param weights one a ranking; 1 where absent
 */
export function fuse(
  rankings: readonly (readonly string[])[],
  depth: number,
  weights: readonly number[] = [],
): string[] {
  return fuseScored(rankings, depth, weights).map(([key]) => key);
}

/** The same with the sums. */
export function fuseScored(
  rankings: readonly (readonly string[])[],
  depth: number,
  weights: readonly number[] = [],
): [key: string, score: number][] {
  const scores = new Map<string, number>();
  for (const [of, ranking] of rankings.entries()) {
    const weight = weights[of] ?? 1;
    for (const [at, key] of ranking.entries())
      scores.set(key, (scores.get(key) ?? 0) + weight / (RRF_K + at + 1));
  }
  return [...scores].toSorted((a, b) => b[1] - a[1]).slice(0, depth);
}
