import type { Pool } from '../../db/pool.ts';
import { GateError } from '../../errors.ts';
import type { Target } from '../../table/backfill-target.ts';

/** @throws GateError where nobody knows any more which text a vector is of. */
export async function assertStagingTable(pool: Pool, target: Target): Promise<void> {
  const found = await pool.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    target.stage,
  ]);
  if (found.rows[0]?.present === true) return;
  throw new GateError(`The staging table ${target.stage} is gone: nothing tells which text a vector is of.`, {
    code: 'NO_STAGE',
    remedy:
      '`complete` has dropped it. `pgvector-backfill enqueue` makes it again and embeds every row again.',
  });
}
