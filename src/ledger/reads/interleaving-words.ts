/** What people prefer, in a sentence, wherever it is shown. */

import { count, signedDecimal } from '../../observability/format.ts';
import type { InterleavingSummary } from './interleaving.ts';

/** `legacy`, `generation 1`. */
export const nameOfBase = (against: string): string =>
  against === 'legacy' ? against : `generation ${against.split('@', 2)[1]}`;

/** `+0.112 [+0.061, +0.160] for generation 2`. @param own what is tried, such as `vector` */
export function showPreference(summary: InterleavingSummary, own: string): string {
  const { delta, deltaLow, deltaHigh, excludesZero, against } = summary;
  if (delta === null) return 'nobody has clicked yet';
  const interval = `${signedDecimal(delta)} [${signedDecimal(deltaLow)}, ${signedDecimal(deltaHigh)}]`;
  if (!excludesZero) return `${interval}: the interval holds zero, no preference is shown yet`;
  return `${interval}: people prefer ${delta > 0 ? own : nameOfBase(against)}`;
}

/** Counts behind it. */
export function showVotes(summary: InterleavingSummary, own: string): string {
  const { searches, oneSided, failed, baseClicks, ownClicks, baseWins, ownWins, ties, against } = summary;
  const base = nameOfBase(against);
  return [
    `${count(searches)} answers`,
    `${count(baseClicks + ownClicks)} clicks (${base} ${count(baseClicks)}, ${own} ${count(ownClicks)})`,
    `won by ${base} ${count(baseWins)}, by ${own} ${count(ownWins)}, ties ${count(ties)}`,
    ...(oneSided === 0 ? [] : [`${count(oneSided)} more with hits of one search only`]),
    ...(failed === 0 ? [] : [`${count(failed)} more answered by one as the other failed or was slow`]),
  ].join('; ');
}
