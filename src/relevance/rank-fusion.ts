/** Constant of reciprocal rank fusion as published (Cormack, Clarke, Büttcher, SIGIR 2009); not tuned here. */
export const RRF_K = 60;

/**
 * Reciprocal rank fusion: each ranking gives a key 1 / (k + rank), all rankings the same weight.
 * Ties keep the order in which the keys first appear, earlier rankings first.
 */
export function fuse(rankings: readonly (readonly string[])[], depth: number, k = RRF_K): string[] {
  return fuseScored(rankings, depth, k).map(([key]) => key);
}

/** The same with the sums. */
export function fuseScored(
  rankings: readonly (readonly string[])[],
  depth: number,
  k = RRF_K,
): [key: string, score: number][] {
  const scores = new Map<string, number>();
  for (const ranking of rankings)
    for (const [at, key] of ranking.entries()) scores.set(key, (scores.get(key) ?? 0) + 1 / (k + at + 1));
  return [...scores].toSorted((a, b) => b[1] - a[1]).slice(0, depth);
}
