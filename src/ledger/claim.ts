/** Whoever stages and merges rows and may be overtaken at it: a batch, or the drain of captured changes. */

import type { Queryable } from '../db/pool.ts';
import { holdBatch, markStaged, type ClaimedBatch } from './batch.ts';
import { holdSync, markSyncStaged, type SyncClaim } from './sync.ts';

export type Claim = ClaimedBatch | SyncClaim;

const isSync = (claim: Claim): claim is SyncClaim => 'backfill' in claim;

/** Locks it for the rest of the transaction. False where another worker has taken it over. */
export function holdClaim(db: Queryable, claim: Claim): Promise<boolean> {
  return isSync(claim) ? holdSync(db, claim) : holdBatch(db, claim);
}

/** In the transaction that stages the vectors, so that what it cost is counted just once, whatever happens later. */
export function markClaimStaged(
  db: Queryable,
  claim: Claim,
  cost: { embedded: readonly unknown[]; tokens: number; masked: Record<string, number> },
): Promise<void> {
  return isSync(claim) ? markSyncStaged(db, claim, cost) : markStaged(db, claim, cost);
}
