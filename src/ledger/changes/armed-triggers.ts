/** The triggers of change capture as they were armed, and what they could not note. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';

/** Null where nobody has noted it yet. `isShared`: by the function that serves all backfills of the table. */
export async function armedAs(
  db: Queryable,
  backfill: string,
): Promise<{ saved: Record<string, string> | null; isShared: boolean }> {
  const found = await db.query<{ saved: Record<string, string> | null; isShared: boolean }>(
    'SELECT armed_as AS saved, captured_table IS NOT NULL AS "isShared" FROM pgvector_backfill.sync WHERE backfill = $1',
    [backfill],
  );
  return found.rows[0] ?? { saved: null, isShared: false };
}

/** `missed`: rows may have been written that nobody captured. Before the first run there are none to miss. */
export async function saveArmed(
  db: Queryable,
  backfill: string,
  armed: { as: Record<string, string>; varies: string; missed: boolean },
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET armed_as = $2, varies = ${utf8Sql('$3')},
            sweep_wanted = sweep_wanted OR ($4 AND EXISTS (SELECT 1 FROM pgvector_backfill.run WHERE run.backfill = $1))
      WHERE backfill = $1`,
    [backfill, JSON.stringify(armed.as), utf8(armed.varies), armed.missed],
  );
}

/** Whether changes are to be captured by triggers, and stay so for the rest of the transaction. */
export async function keepTriggerMode(db: Queryable, backfill: string): Promise<boolean> {
  const found = await db.query(
    `SELECT 1 FROM pgvector_backfill.sync WHERE backfill = $1 AND mode = 'trigger' FOR SHARE`,
    [backfill],
  );
  return found.rowCount === 1;
}

/** Partitions that have been read since they came. `missed`: not to their end, the next sweep goes on with them. */
export async function addArmed(
  db: Queryable,
  backfill: string,
  parts: Record<string, string>,
  missed: boolean,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET armed_as = armed_as || $2::jsonb, sweep_wanted = sweep_wanted OR $3 WHERE backfill = $1`,
    [backfill, JSON.stringify(parts), missed],
  );
}

/** Whether it is time to look at the triggers: of several workers one does. */
export async function isLookDue(db: Queryable, backfill: string, everySeconds: number): Promise<boolean> {
  const due = await db.query(
    `UPDATE pgvector_backfill.sync SET looked_at = clock_timestamp()
      WHERE backfill = $1 AND mode = 'trigger'
        AND coalesce(looked_at + make_interval(secs => $2) <= clock_timestamp(), true)`,
    [backfill, everySeconds],
  );
  return due.rowCount === 1;
}

/** Empty: nothing is wrong with capture any more. @returns whether it is another one than before */
export async function saveCaptureFault(db: Queryable, backfill: string, fault: string): Promise<boolean> {
  const saved = await db.query(
    `UPDATE pgvector_backfill.sync SET capture_fault = ${utf8Sql('$2')}, sweep_wanted = sweep_wanted OR length($2::bytea) > 0
      WHERE backfill = $1 AND capture_fault <> ${utf8Sql('$2')}`,
    [backfill, utf8(fault)],
  );
  return saved.rowCount === 1;
}

/** What the triggers could not note since the last call: SQLSTATEs and how many transactions met each. A sweep is asked for. */
export async function takeMissed(
  db: Queryable,
  backfill: string,
): Promise<{ reason: string; transactions: number }[]> {
  const taken = await db.query<{ reason: string; transactions: number }>(
    `WITH gone AS (DELETE FROM pgvector_backfill.missed_change WHERE backfill = $1 RETURNING reason),
          wanted AS (UPDATE pgvector_backfill.sync SET sweep_wanted = true WHERE backfill = $1 AND EXISTS (SELECT 1 FROM gone))
     SELECT reason, count(*)::int AS transactions FROM gone GROUP BY 1 ORDER BY 1`,
    [backfill],
  );
  return taken.rows;
}
