/**
 * Team-draft interleaving of two rankings (Radlinski, Kurup, Joachims: How does clickthrough data reflect retrieval quality?,
 * CIKM 2008, https://doi.org/10.1145/1458082.1458092).
 */

export const SIDES = ['base', 'own'] as const;
/** `base` is what answered before, `own` what is tried. */
export type Side = (typeof SIDES)[number];

export interface Drafted {
  key: string;
  /** Whose pick it was; null where the other side had nothing to pick in that round, so that a click says nothing of either. */
  side: Side | null;
}

/**
 * In each round both sides pick their best row that is not there yet, in an order that a coin gives. A round in which one
 * of them has nothing left to pick counts for neither: somebody who clicks blindly would prefer the longer answer otherwise.
 * @param rankings keys, best first; a key that comes again is taken once
 * @param k rows at most: so many wherever both together have them
 * @param ownFirst by number of the round, from 0
 */
export function teamDraft(
  rankings: Readonly<Record<Side, readonly string[]>>,
  k: number,
  ownFirst: (round: number) => boolean,
): Drafted[] {
  const drafted: Drafted[] = [];
  const taken = new Set<string>();
  const next = { base: 0, own: 0 };
  const best = (side: Side): string | undefined => {
    const ranking = rankings[side];
    while (next[side] < ranking.length && taken.has(ranking[next[side]] as string)) next[side]++;
    return ranking[next[side]];
  };
  const pick = (side: Side, key: string, counts: boolean): void => {
    taken.add(key);
    drafted.push({ key, side: counts ? side : null });
  };
  for (let round = 0; drafted.length < k; round++) {
    const order: readonly Side[] = ownFirst(round) ? ['own', 'base'] : ['base', 'own'];
    const [first, second] = order as [Side, Side];
    const [one, other] = [best(first), best(second)];
    if (one === undefined && other === undefined) break;
    if (one === undefined || other === undefined) {
      pick(one === undefined ? second : first, (one ?? other) as string, false);
      continue;
    }
    pick(first, one, true);
    if (drafted.length === k) break;
    const answer = best(second);
    if (answer === undefined) (drafted.at(-1) as Drafted).side = null;
    else pick(second, answer, true);
  }
  return drafted;
}
