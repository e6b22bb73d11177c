/** Before the gate: what was missed is found, and what is captured is brought in line, as far as writers let it. */

import { setTimeout as delay } from 'node:timers/promises';
import { recordEvent } from '../ledger/event/event.ts';
import { syncState } from '../ledger/changes/drain-lease.ts';
import type { Run } from '../ledger/run/run.ts';
import type { PipelineContext } from '../pipeline/pipeline-context.ts';
import { drainChanges } from './drain-changes.ts';
import { recountMarked } from './recount-batches.ts';
import { sweepAll } from './sweep-missed-rows.ts';

/** Passes over a table whose writers never stop; what they write then is left to sync. */
const MAX_PASSES = 3;
const PASS_MS = 1000;
/** Looks at a drain of another worker before it is left to that one; about half a minute. */
const MAX_LOOKS = 60;
const LOOK_MS = 500;
/** The gate counts for itself; this is for `status`. */
const RECOUNT_MS = 5000;

export interface CaughtUp {
  passes: number;
  /** Rows that nobody had captured. */
  found: number;
  /** Changes that are still to do. */
  pending: number;
}

/** Without `sweep` only what is captured is looked at. */
export async function catchUp(
  context: PipelineContext,
  run: Run,
  sweep: boolean,
  signal?: AbortSignal,
  passMs = PASS_MS,
): Promise<CaughtUp> {
  const { pool, target, logger } = context;
  let found = 0;
  for (let passes = 1; ; passes++) {
    const gaps = sweep ? await sweepAll({ pool, target, run }, signal) : 0;
    found += gaps;
    const { pending } = await syncState(pool, target.backfill);
    if (pending > 0) await drainPatiently(context, run, signal);
    const left = pending === 0 ? 0 : (await syncState(pool, target.backfill)).pending;
    if ((gaps > 0 || left > 0) && passes < MAX_PASSES && signal?.aborted !== true) {
      // Rows that a transaction of the application holds are free again in a moment, mostly.
      if (left > 0) await delay(passMs, undefined, { signal });
      continue;
    }
    await recountMarked(pool, target, run, RECOUNT_MS);
    if (found > 0) {
      const detail = { found, passes, pending: left };
      const message = `${found} rows that no batch had read and no trigger had captured`;
      await recordEvent(pool, { ...about(target.backfill, run), kind: 'sync.gaps', message, detail });
      logger.info(detail, 'gap sweep');
    }
    return { passes, found, pending: left };
  }
}

const about = (backfill: string, run: Run): { backfill: string; run: string; level: 'info' } => ({
  backfill,
  run: run.id,
  level: 'info',
});

async function drainPatiently(context: PipelineContext, run: Run, signal?: AbortSignal): Promise<void> {
  for (let look = 1; look <= MAX_LOOKS; look++) {
    if ((await drainChanges(context, run, signal)).kind === 'drained') return;
    await delay(LOOK_MS, undefined, { signal });
  }
}
