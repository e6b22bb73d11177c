import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import { keyInSql, keyRefs } from '../../table/key.ts';

/** All that is staged of these rows. */
export async function deleteStaged(db: Queryable, target: Target, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const values: unknown[] = [];
  const isStaged = keyInSql(target, keyRefs(target), keys, values);
  await db.query(`DELETE FROM ${target.stage} WHERE ${isStaged}`, values);
}
