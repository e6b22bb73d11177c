/** Calls of the finalizer: noted in the ledger, so that one that the queue swallows or loses is still owed. */

import type { Queryable } from '../../db/pool.ts';

/** Before its job is added. */
export async function noteFinalizerCall(db: Queryable, run: string): Promise<void> {
  await db.query('UPDATE pgvector_backfill.run SET finalizer_calls = finalizer_calls + 1 WHERE id = $1', [
    run,
  ]);
}

/** `calls`: how many there were before the finalizer had its last look. */
export async function answerFinalizerCalls(db: Queryable, run: string, calls: number): Promise<void> {
  await db.query(
    'UPDATE pgvector_backfill.run SET finalizer_answered = $2 WHERE id = $1 AND finalizer_answered < $2',
    [run, calls],
  );
}

/** @returns false where the finalizer was called at these very counts of rows before, by whatever worker. */
export async function firstAtCounts(db: Queryable, run: string, counts: string): Promise<boolean> {
  const noted = await db.query(
    'UPDATE pgvector_backfill.run SET finalizer_counts = $2 WHERE id = $1 AND finalizer_counts <> $2',
    [run, counts],
  );
  return noted.rowCount === 1;
}
