/** Who may change what stands in the operator's database: a lease that its holder renews. */

import type { Queryable } from '../../db/pool.ts';

export interface SchemaLease {
  backfill: string;
  /** uuid of the one who asks. */
  holder: string;
  /** What for: the verb. */
  what: string;
}

/** @returns false where somebody else has it. */
export async function acquireLease(db: Queryable, lease: SchemaLease, seconds: number): Promise<boolean> {
  const taken = await db.query(
    `INSERT INTO pgvector_backfill.turn AS t (backfill, holder, what, leased_until)
     VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
     ON CONFLICT (backfill) DO UPDATE SET holder = excluded.holder, what = excluded.what, leased_until = excluded.leased_until
       WHERE t.leased_until < clock_timestamp()`,
    [lease.backfill, lease.holder, lease.what, seconds],
  );
  return taken.rowCount === 1;
}

/** @returns false where somebody else has taken it meanwhile. A backfill that is taken out of the ledger takes it along. */
export async function renewLease(
  db: Queryable,
  { backfill, holder }: SchemaLease,
  seconds: number,
): Promise<boolean> {
  const renewed = await db.query<{ mine: boolean }>(
    `UPDATE pgvector_backfill.turn
        SET leased_until = CASE WHEN holder = $2 THEN clock_timestamp() + make_interval(secs => $3) ELSE leased_until END
      WHERE backfill = $1 RETURNING holder = $2 AS mine`,
    [backfill, holder, seconds],
  );
  return renewed.rows[0]?.mine ?? true;
}

export async function releaseLease(db: Queryable, { backfill, holder }: SchemaLease): Promise<void> {
  await db.query('DELETE FROM pgvector_backfill.turn WHERE backfill = $1 AND holder = $2', [
    backfill,
    holder,
  ]);
}

/** Who has it, and until when, as text that is another one after each renewal; null where nobody has. */
export async function leaseOf(
  db: Queryable,
  backfill: string,
): Promise<{ what: string; until: string } | null> {
  const found = await db.query<{ what: string; until: string }>(
    `SELECT what, holder || ' ' || extract(epoch FROM leased_until) AS until FROM pgvector_backfill.turn WHERE backfill = $1`,
    [backfill],
  );
  return found.rows[0] ?? null;
}
