/** What nothing moves for, and whose clock is off, for `status`. */

import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { STILL_SECONDS } from '../ledger/progress/stalled-run.ts';
import { CLOCK_TOLERANCE_SECONDS, clockSkew } from '../queue/clock/clock-skew.ts';
import { pausedWords } from '../queue/probes/blockers.ts';
import { duration } from '../observability/format.ts';

type Shown = Pick<ProgressSnapshot, 'stall' | 'workers'>;

/** @param paused queues that somebody else has paused, seen just now: no worker may be up to say so */
export function waitLines({ stall, workers }: Shown, paused: readonly string[]): string[] {
  const off = workers.filter(
    ({ clockAheadSeconds }) => Math.abs(clockAheadSeconds ?? 0) > CLOCK_TOLERANCE_SECONDS,
  );
  const faults = new Set(workers.flatMap(({ fault }) => (fault === null ? [] : [fault])));
  return [
    ...(stall === null ? [] : [`waits    ${stall.reason}`]),
    ...(stall?.cause === 'queue-paused'
      ? []
      : paused.map((name) => `waits    ${pausedWords(name)}: \`pgvector-backfill resume\` resumes it`)),
    ...[...faults].filter((fault) => fault !== stall?.reason).map((fault) => `worker   ${fault}`),
    ...off.map(
      ({ name, clockAheadSeconds }) => `clock    of worker ${name} ${clockSkew(clockAheadSeconds ?? 0)}`,
    ),
  ];
}

/** In the place of a rate. */
export function stillness({ idleSeconds, stall }: Pick<ProgressSnapshot, 'idleSeconds' | 'stall'>): string {
  if (stall === null && (idleSeconds ?? 0) < STILL_SECONDS) return 'not measured yet';
  return `nothing moves${idleSeconds === null ? '' : `, the last sign was ${duration(idleSeconds)} ago`}`;
}
