import { backfillOf } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';

/**
 * A rollback leads to the legacy search from now on, and no longer to that generation. The mode itself is none other, nor since
 * when it is in force. @returns false where it led elsewhere
 */
export async function forgetBase(db: Queryable, name: string, generation: number): Promise<boolean> {
  const forgotten = await db.query(
    `UPDATE pgvector_backfill.read_mode SET previous_mode = NULL, previous_generation = NULL
      WHERE backfill = $1 AND previous_generation = $2`,
    [backfillOf(name), generation],
  );
  return forgotten.rowCount === 1;
}
