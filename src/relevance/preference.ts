/** Which of two searches people prefer, by their clicks on interleaved answers. */

import { wilson } from './wilson.ts';

/** Answers with a click, by whose hits were clicked more often. */
export interface Outcomes {
  baseWins: number;
  ownWins: number;
  ties: number;
}

export interface Preference {
  /** Of the answers that one side won, those that the tried one did: 0.5 is no preference. Null where neither won any. */
  share: number | null;
  low: number;
  high: number;
  /** Δ_AB, -0.5 to 0.5, above 0 where the tried one is preferred; null where nothing was clicked. */
  delta: number | null;
  deltaLow: number;
  deltaHigh: number;
  /** Whether the interval of either leaves "no preference" out: both do, or neither. */
  excludesZero: boolean;
}

/**
 * Δ_AB = (wins + ½ ties) / (wins + losses + ties) − ½ (Chapelle, Joachims, Radlinski, Yue: Large-scale validation and
 * analysis of interleaved search evaluation, ACM TOIS 30(1), 2012, https://doi.org/10.1145/2094072.2094078). Answers that
 * nobody clicked are in none of the three. `low` and `high`: Wilson's 95 % interval of the share of wins, which is the binomial of the
 * sign test; Δ is (share − ½) times the share of answers that somebody won, and so is its interval. Each answer counts
 * as one independent vote: of few people who search much the interval is too narrow.
 */
export function preferenceOf({ baseWins, ownWins, ties }: Outcomes): Preference {
  const won = baseWins + ownWins;
  const clicked = won + ties;
  const { low, high } = wilson(ownWins, won);
  const share = won === 0 ? null : ownWins / won;
  const scaled = (value: number): number => (clicked === 0 ? 0 : ((value - 0.5) * won) / clicked);
  return {
    share,
    low,
    high,
    delta: clicked === 0 ? null : scaled(share ?? 0.5),
    deltaLow: clicked === 0 ? -0.5 : scaled(low),
    deltaHigh: clicked === 0 ? 0.5 : scaled(high),
    excludesZero: low > 0.5 || high < 0.5,
  };
}
