/** How long a worker process stays: until it is stopped, or with --exit-when-done until its run is over. */

import { setTimeout as delay } from 'node:timers/promises';
import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Pool } from '../db/pool.ts';
import { throughRestarts } from '../db/wait-for-server.ts';
import { presentGenerations } from '../ledger/generation/generation.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { READY_STATES } from '../ledger/run/run.ts';
import { watchedProgress } from '../ledger/progress/watched-progress.ts';

const POLL_MS = 500;

export interface GenerationState {
  /** From 1. */
  generation: number;
  state: ProgressSnapshot['state'];
}

/**
 * @param onStates told of the state of each generation at each look
 * @throws Error where it was interrupted, or the ledger cannot be read
 */
export async function untilOver(
  pool: Pool,
  backfill: string,
  { exitWhenDone, signal }: { exitWhenDone: boolean; signal: AbortSignal },
  onStates: (states: GenerationState[]) => void,
): Promise<void> {
  for (;;) {
    await delay(POLL_MS, undefined, { signal });
    if (!exitWhenDone) continue;
    const names = await throughRestarts(pool, [signal], () => namesOf(pool, backfill));
    const snapshots: (GenerationState & { isOver: boolean })[] = [];
    for (const name of names) {
      const snapshot = await watchedProgress(pool, name, signal);
      const { generation } = parseGenerationName(name);
      snapshots.push({ generation, state: snapshot.state, isOver: isOver(snapshot) });
    }
    onStates(snapshots.map(({ generation, state }) => ({ generation, state })));
    if (snapshots.every((each) => each.isOver)) return;
  }
}

/** Those that have a run; the backfill itself before its first. */
async function namesOf(pool: Pool, backfill: string): Promise<string[]> {
  const planned = (await presentGenerations(pool, backfill)).filter(({ run }) => run !== null);
  return planned.length === 0 ? [backfill] : planned.map(({ name }) => name);
}

/** Of several, one that an operator has to see to; else that of the newest. */
export const wholeState = (states: readonly GenerationState[]): GenerationState['state'] | undefined =>
  (states.find(({ state }) => STOPPED.includes(state)) ?? states.at(-1))?.state;

const STOPPED: readonly string[] = ['failed', 'paused'];
const FINISHED: readonly string[] = [...READY_STATES, 'none'];

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
