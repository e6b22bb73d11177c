/** What holds the run, what is tuned, and how long statements take, for `status`. */

import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { count, duration } from '../observability/format.ts';

/** A look that is older says how it was: no worker is up, or none has anything to do. */
const FRESH_SECONDS = 30;

type Shown = Pick<ProgressSnapshot, 'throttle' | 'tuned' | 'longestStatementMs'>;

/** Null where nothing holds, as far as a worker has looked lately. */
export function heldBy({ throttle }: Shown): string | null {
  const { state, reason, ageSeconds } = throttle;
  if (state === 'go') return null;
  if (state === 'stopped') return `stopped by the throttle: ${reason}`;
  if (ageSeconds === null || ageSeconds > FRESH_SECONDS)
    return `was throttled ${ageSeconds === null ? '' : `${duration(ageSeconds)} ago`}: ${reason}`;
  return `throttled: ${reason}`;
}

export function throttleLines(snapshot: Shown): string[] {
  const { throttle, tuned, longestStatementMs } = snapshot;
  const unknown = throttle.signals.filter(({ state }) => state === 'unknown').map(({ name }) => name);
  const held = heldBy(snapshot) ?? 'nothing holds';
  const unseen = unknown.length === 0 ? '' : `; not seen: ${unknown.join(', ')}`;
  const longest =
    longestStatementMs === null
      ? ''
      : `; longest merge statement ${count(Math.round(longestStatementMs))} ms`;
  const { thresholds, ...numbers } = tuned;
  const words = [
    ...Object.entries(numbers).map(([name, value]) => `${name} ${value ?? 'off'}`),
    ...Object.entries(thresholds ?? {}).map(
      ([name, { hold, stop }]) => `${name} ${hold ?? 'off'}${stop === null ? '' : `:${stop}`}`,
    ),
  ];
  return [
    `load     ${held}${unseen}${longest}`,
    ...(words.length === 0 ? [] : [`tuned    ${words.join(', ')}`]),
  ];
}
