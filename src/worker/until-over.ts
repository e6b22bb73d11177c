/** How long a worker process stays: until it is stopped, or with --exit-when-done until its run is over. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../db/pool.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { watchedProgress } from '../ledger/progress/watched-progress.ts';

const POLL_MS = 500;

/** @param onState told of the state at each look @throws Error where it was interrupted, or the ledger cannot be read */
export async function untilOver(
  pool: Pool,
  backfill: string,
  { exitWhenDone, signal }: { exitWhenDone: boolean; signal: AbortSignal },
  onState: (state: ProgressSnapshot['state']) => void,
): Promise<void> {
  for (;;) {
    await delay(POLL_MS, undefined, { signal });
    if (!exitWhenDone) continue;
    const snapshot = await watchedProgress(pool, backfill, signal);
    onState(snapshot.state);
    if (isOver(snapshot)) return;
  }
}

const STOPPED: readonly string[] = ['failed', 'paused'];
const FINISHED: readonly string[] = ['ready', 'cut_over', 'completed', 'none'];

/** Stopped, finished, or waiting for the operator. */
export function isOver({
  state,
  reason,
  batches,
}: Pick<ProgressSnapshot, 'state' | 'reason' | 'batches'>): boolean {
  if (STOPPED.includes(state)) return true;
  if (batches.pending + batches.staged > 0) return false;
  if (FINISHED.includes(state)) return true;
  const waits = reason !== '' && (state === 'running' || state === 'verifying');
  return waits && !reason.startsWith('the index is built');
}
