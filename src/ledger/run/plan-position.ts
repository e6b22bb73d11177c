import type { Queryable } from '../../db/pool.ts';

export interface PlanStep {
  /** Where the plan stood, and where it stands now; null = its beginning. */
  from: string | null;
  to: string | null;
  /** Its end. */
  isComplete: boolean;
  /** Number of the last batch. */
  batches: number;
  /** Of this step. */
  rows: number;
}

/** @returns false where the plan does not stand where this step begins: somebody else has moved it. */
export async function movePlan(
  db: Queryable,
  run: string,
  { from, to, isComplete, batches, rows }: PlanStep,
): Promise<boolean> {
  const moved = await db.query(
    `UPDATE pgvector_backfill.run SET plan_cursor = $2, planned_at = CASE WHEN $3 THEN now() END,
            batches_planned = $4, rows_planned = rows_planned + $5 WHERE id = $1 AND plan_cursor IS NOT DISTINCT FROM $6`,
    [run, to, isComplete, batches, rows, from],
  );
  return moved.rowCount === 1;
}
