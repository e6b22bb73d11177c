/** Batches of the runs of the backfill before this one, and what their samples found. */

import type { Queryable } from '../../db/pool.ts';
import type { Run } from '../run/run.ts';

type Present = Pick<Run, 'id' | 'backfill'>;

export async function countEarlierBatches(db: Queryable, { id, backfill }: Present): Promise<number> {
  const counted = await db.query<{ batches: number }>(
    `SELECT count(*)::int AS batches FROM pgvector_backfill.batch b JOIN pgvector_backfill.run r ON r.id = b.run
      WHERE r.backfill = $1 AND r.id < $2`,
    [backfill, id],
  );
  return counted.rows[0]?.batches ?? 0;
}

export async function removeEarlierBatches(db: Queryable, { id, backfill }: Present): Promise<void> {
  for (const table of ['batch', 'adoption_disagreement'])
    await db.query(
      `DELETE FROM pgvector_backfill.${table} WHERE run IN (SELECT id FROM pgvector_backfill.run WHERE backfill = $1 AND id < $2)`,
      [backfill, id],
    );
}
