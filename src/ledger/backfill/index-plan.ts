import type { Queryable } from '../../db/pool.ts';
import type { IndexPlan } from '../../table/index-plan.ts';

/** What the finalizer chose for `index.method: auto`, or an index that was there before. Searches that are under way go by it within the bound of the read mode. */
export async function saveIndexPlan(
  db: Queryable,
  backfill: string,
  { method, type, name }: IndexPlan,
): Promise<void> {
  await db.query(
    'UPDATE pgvector_backfill.backfill SET index_plan = $2, updated_at = clock_timestamp() WHERE name = $1',
    [backfill, { method, type, ...(name === undefined ? {} : { name }) }],
  );
}
