import type { Pool } from '../db/pool.ts';

/** Whether the ledger has a row of it. */
export async function hasBackfill(pool: Pool, backfill: string): Promise<boolean> {
  const found = await pool.query('SELECT 1 FROM pgvector_backfill.backfill WHERE name = $1', [backfill]);
  return found.rowCount === 1;
}
