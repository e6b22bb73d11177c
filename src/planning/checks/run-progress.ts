/** Whether the run moves, as far as there is one: what keeps it, and clocks that are off. */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { installationId } from '../../ledger/backfill/installation.ts';
import { progressSnapshot } from '../../ledger/progress/snapshot.ts';
import { CLOCK_TOLERANCE_SECONDS, clockSkew } from '../../queue/clock/clock-skew.ts';
import { readQueueSnapshot } from '../../queue/probes/queue-snapshot.ts';
import { pausedWords } from '../../queue/probes/blockers.ts';
import type { Finding } from './finding.ts';

interface ProgressInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  /** False for commands that use no queue. */
  withQueue: boolean;
}

const isOff = (seconds: number | null): seconds is number =>
  seconds !== null && Math.abs(seconds) > CLOCK_TOLERANCE_SECONDS;

const clockFinding = (whose: string, aheadSeconds: number): Finding => ({
  level: 'warn',
  check: 'clock',
  message: `The clock of ${whose} ${clockSkew(aheadSeconds)}.`,
});

export async function checkRunProgress({
  pool,
  backfill,
  settings,
  withQueue,
}: ProgressInput): Promise<Finding[]> {
  const { stall, workers } = await progressSnapshot(pool, backfill);
  const findings: Finding[] = workers.flatMap(({ name, clockAheadSeconds }) =>
    isOff(clockAheadSeconds) ? [clockFinding(`worker ${name}`, clockAheadSeconds)] : [],
  );
  if (stall !== null)
    findings.push({
      level: 'warn',
      check: 'progress',
      message: `There is work and nothing moves: ${stall.reason}.`,
      remedy:
        'Where workers are up, they say in their log what they wait for; `pgvector-backfill status` shows it.',
    });
  if (!withQueue) return findings;
  const installation = await installationId(pool);
  const { paused, clockAheadSeconds } = await readQueueSnapshot({
    url: settings.queue,
    backfill,
    installation,
  });
  if (isOff(clockAheadSeconds)) findings.push(clockFinding('this machine', clockAheadSeconds));
  for (const name of paused)
    findings.push({
      level: 'warn',
      check: 'queue-paused',
      message: `${pausedWords(name)}.`.replace(/^t/, 'T'),
      remedy: 'Run `pgvector-backfill resume`, or `pgvector-backfill enqueue`: both resume it.',
    });
  return findings;
}
