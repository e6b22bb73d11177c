/** Captured changes → rows whose vectors are of their present texts, by the same steps as a batch. */

import { LEDGER_LIMITS, TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import {
  lastChange,
  readChanges,
  removeChanges,
  type ChangePage,
} from '../ledger/changes/captured-changes.ts';
import { forgetJudgements } from '../ledger/verification/judgement-source.ts';
import type { Run } from '../ledger/run/run.ts';
import {
  LEASE_RENEWAL_MS,
  claimSync,
  lockSync,
  releaseSync,
  renewSync,
  type SyncClaim,
} from '../ledger/changes/drain-lease.ts';
import type { PipelineContext } from '../pipeline/pipeline-context.ts';
import { quarantineLostWrites } from '../pipeline/lost-writes.ts';
import { processRange } from '../pipeline/process-range.ts';
import { deleteOrphans, releaseOrphans } from '../ledger/rows/orphans.ts';
import { readingOf, withReadableRows } from '../pipeline/unreadable-rows.ts';
import { WrittenRows } from '../pipeline/written-rows.ts';
import type { KeyRange } from '../table/key-range.ts';
import { spreadChanges } from './spread-changes.ts';
import { markForRecount } from '../ledger/batch/recount.ts';
import { wantSweep } from '../ledger/changes/sweep-position.ts';

export type DrainOutcome =
  /** Another worker drains. */
  | { kind: 'busy' }
  | {
      kind: 'drained';
      /** Changes that were looked at, and those of them that are done. */
      changes: number;
      done: number;
    };

/** Changes of one look: about as many rows as a batch, at most. */
const MAX_CHANGES = 1000;
const MAX_PASSES = 2;

/**
 * Goes once through the changes that are there at its start. Of two drains at a time one does nothing: changes of a row
 * then never meet, each key is embedded once however often it changed, and the embedder spreads a page over all its
 * processes anyway. The lease is renewed by a timer, so that the changes of a worker that was killed wait for seconds.
 */
export async function drainChanges(
  context: PipelineContext,
  run: Run,
  signal?: AbortSignal,
): Promise<DrainOutcome> {
  const { pool, target } = context;
  const claim = await claimSync(pool, target.backfill, run.id);
  if (claim === null) return { kind: 'busy' };
  const renewal = setInterval(() => void renewSync(pool, claim).catch(() => {}), LEASE_RENEWAL_MS);
  let complete = false;
  try {
    const outcome = { kind: 'drained' as const, changes: 0, done: 0 };
    await spreadChanges({ pool, backfill: target.backfill, signal });
    const upTo = await lastChange(pool, target.backfill);
    const limit = Math.min(context.settings.batchRows, MAX_CHANGES);
    for (let after = '0'; ;) {
      if (upTo === null || signal?.aborted === true) break;
      const page = await readChanges(pool, target.backfill, after, upTo, limit);
      if (page === null) break;
      const done = await drainPage(context, claim, page);
      if (done === null) return { kind: 'busy' };
      outcome.changes += page.ids.length;
      outcome.done += done;
      after = page.last;
    }
    complete = signal?.aborted !== true;
    return outcome;
  } finally {
    clearInterval(renewal);
    await releaseSync(pool, claim, complete).catch(() => {});
  }
}

/** @returns changes that are done; null where another worker has taken over. */
async function drainPage(
  context: PipelineContext,
  claim: SyncClaim,
  page: ChangePage,
): Promise<number | null> {
  // A page that was begun is ended, also by a worker that drains: no signal is handed on.
  const writes = new WrittenRows();
  const range = of(page.keys);
  for (let pass = 1, done = 0; ; pass++) {
    if (page.keys.length > 0 && !(await processRange(context, claim, range, new Set(), writes))) return null;
    const settled = await withReadableRows(readingOf(context, claim), range, () =>
      settleChanges(context, claim, page, writes),
    );
    if (settled === null) return null;
    done += settled.done;
    // A row that was written and is not right is tried once more, and known then for one that takes no write.
    if (pass >= MAX_PASSES || !settled.open.some((key) => writes.has(key))) return done;
  }
}

const of = (keys: readonly string[]): KeyRange => ({ lower: null, upper: null, keys });

/**
 * Takes away the changes whose rows are right: embedded, skipped or quarantined by their present text, or gone. Rows that
 * were locked or have changed again keep theirs. What was captured after the page was read is not touched.
 */
async function settleChanges(
  context: PipelineContext,
  claim: SyncClaim,
  page: ChangePage,
  writes: WrittenRows,
): Promise<{ done: number; open: string[] } | null> {
  const { pool, target } = context;
  return inTransaction(pool, page.truncated ? TABLE_LIMITS : LEDGER_LIMITS, async (client) => {
    if (!(await lockSync(client, claim))) return null;
    await deleteOrphans(client, target, of(page.keys));
    await releaseOrphans(client, target, page.keys);
    await forgetJudgements(client, target, page.keys);
    if (page.truncated) await wantSweep(client, target.backfill);
    await markForRecount(client, target, claim.run, page.keys);
    const { open } = await quarantineLostWrites(client, context, claim, of(page.keys), writes);
    const done = await removeChanges(client, target.backfill, page.ids, open);
    return { done, open };
  });
}
