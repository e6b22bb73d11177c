/** How much two rankings agree, where nobody has judged which one is right. */

/** Weight of RBO's next rank, given the one before; at 0.9 the first ten ranks carry 86 % of it. */
const PERSISTENCE = 0.9;

/** Share of the first `k` places that hold the same keys, of the longer ranking; 1 where both are empty. */
export function overlap(a: readonly string[], b: readonly string[], k: number): number {
  const [left, right] = [a.slice(0, k), new Set(b.slice(0, k))];
  const places = Math.max(left.length, right.size);
  return places === 0 ? 1 : left.filter((key) => right.has(key)).length / places;
}

/**
 * Rank-biased overlap, extrapolated (RBO_EXT, equation 32 of Webber, Moffat, Zobel: A similarity measure for indefinite
 * rankings, TOIS 2010): unlike Kendall's tau it takes lists of different keys and lengths, and what stands higher weighs more.
 * @returns 0 (nothing in common) to 1 (the same); 1 where both are empty.
 */
export function rankBiasedOverlap(a: readonly string[], b: readonly string[], p = PERSISTENCE): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length === 0) return 1;
  if (short.length === 0) return 0;
  const seen = new Set<string>();
  let common = 0;
  let commonOfShort = 0;
  let sum = 0;
  for (let depth = 1; depth <= long.length; depth++) {
    for (const key of [long[depth - 1], short[depth - 1]]) {
      if (key === undefined) continue;
      if (seen.has(key)) common++;
      seen.add(key);
    }
    if (depth === short.length) commonOfShort = common;
    sum += (common / depth) * p ** depth;
    if (depth > short.length)
      sum += ((commonOfShort * (depth - short.length)) / (short.length * depth)) * p ** depth;
  }
  const rest = (common - commonOfShort) / long.length + commonOfShort / short.length;
  // Of one key that the longer list begins with, the sum is 1 but for its last digit.
  return Math.min(1, ((1 - p) / p) * sum + rest * p ** long.length);
}
