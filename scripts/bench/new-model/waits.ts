/** What the run waits for, by the ledger. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../../src/db/pool.ts';
import { openBatchCounts } from '../../../src/ledger/batch/batch.ts';
import { syncState } from '../../../src/ledger/changes/drain-lease.ts';
import { latestRun } from '../../../src/ledger/run/run.ts';

const LOOK_MS = 100;
const PATIENCE_MS = 1_800_000;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await delay(LOOK_MS);
  }
}

/** @throws Error where the run has failed */
export async function untilReadyOrRefused(pool: Pool, name: string): Promise<'ready' | 'refused'> {
  let seen: 'ready' | 'refused' = 'ready';
  await until(`${name} to be ready`, async () => {
    const run = await latestRun(pool, name);
    if (run?.state === 'failed') throw new Error(`run ${run.id} of ${name} failed: ${run.reason}`);
    const isRefused = run?.state === 'verifying' && run.reason.startsWith('verify did not pass');
    if (isRefused) seen = 'refused';
    return isRefused || run?.state === 'ready' || run?.state === 'cut_over';
  });
  return seen;
}

/** @throws Error where the run has failed, or its gate has refused it */
export async function untilReady(pool: Pool, name: string): Promise<void> {
  if ((await untilReadyOrRefused(pool, name)) === 'refused') throw new Error(`the gate refused ${name}`);
}

/** A part of its batches is merged, or its index is being built. */
export const startedBuild = (pool: Pool, name: string, what: 'batches' | 'index'): Promise<void> =>
  until(`${what} of ${name}`, async () => {
    const run = await latestRun(pool, name);
    if (run === null) return false;
    if (run.state === 'ready' || run.state === 'cut_over') return true;
    if (what === 'index') return run.state === 'finalizing' && run.indexPhase !== null;
    const { open } = await openBatchCounts(pool, run.id, 0);
    return open < run.batchesPlanned * 0.7;
  });

export const untilSynced = (pool: Pool, name: string): Promise<void> =>
  until(
    `captured changes of ${name} to be worked off`,
    async () => (await syncState(pool, name)).pending === 0,
  );

/** How many of that kind the log of the generation has. */
export async function eventsOf(pool: Pool, name: string, kind: string): Promise<number> {
  const found = await pool.query<{ events: number }>(
    'SELECT count(*)::int AS events FROM pgvector_backfill.event WHERE backfill = $1 AND kind = $2',
    [name, kind],
  );
  return found.rows[0]?.events ?? 0;
}

export const untilEvent = (pool: Pool, name: string, kind: string, count = 1): Promise<void> =>
  until(`${kind} of ${name}`, async () => (await eventsOf(pool, name, kind)) >= count);
