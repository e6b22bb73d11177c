/** Whoever stages and merges rows and may be overtaken at it: a batch, or the drain of captured changes. */

import type { Queryable } from '../db/pool.ts';
import { lockBatch, markStaged, type ClaimedBatch } from './batch/batch.ts';
import { lockSync, markSyncStaged, type SyncClaim } from './changes/drain-lease.ts';

export type Claim = ClaimedBatch | SyncClaim;

/** Locks it for the rest of the transaction. False where another worker has taken it over. */
export function lockClaim(db: Queryable, claim: Claim): Promise<boolean> {
  return claim.kind === 'sync' ? lockSync(db, claim) : lockBatch(db, claim);
}

/** In the transaction that stages the vectors, so that what it cost is counted just once, whatever happens later. */
export function markClaimStaged(
  db: Queryable,
  claim: Claim,
  cost: { embedded: readonly unknown[]; tokens: number; masked: Record<string, number> },
): Promise<void> {
  return claim.kind === 'sync' ? markSyncStaged(db, claim, cost) : markStaged(db, claim, cost);
}
