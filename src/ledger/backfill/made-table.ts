/** The table of vectors beside the legacy table: which one `enqueue` has made. Another one of its name is somebody else's. */

import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import { hasLedger } from './siblings.ts';

/** In the transaction that makes it. */
export async function noteMadeTable(db: Queryable, backfill: string, table: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.backfill SET updated_at = clock_timestamp(), store_made = $2::regclass WHERE name = $1`,
    [backfill, table],
  );
}

export interface PresentTable {
  /** Quoted, as it is called now. */
  table: string;
  owner: string;
  /** Made for this backfill, and still owned by this role or one whose rights it has. */
  isOurs: boolean;
}

/** What stands under the name of the table of vectors beside; null where nothing does. */
export async function tableBeside(
  db: Queryable,
  { backfill, store }: Pick<Target, 'backfill' | 'store'>,
): Promise<PresentTable | null> {
  // Read as JSON: the ledger of an older release has no such column.
  const made = (await hasLedger(db))
    ? `(SELECT to_regclass(to_jsonb(b) ->> 'store_made') FROM pgvector_backfill.backfill b WHERE b.name = $2)`
    : `(SELECT NULL::regclass WHERE $2::text IS NOT NULL)`;
  const found = await db.query<PresentTable>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS table, pg_get_userbyid(c.relowner)::text AS owner,
            c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE') AND coalesce(c.oid = ${made}, false) AS "isOurs"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [store.table, backfill],
  );
  return found.rows[0] ?? null;
}

/** The table that was made for a backfill, wherever it is now; null where there is none. */
export async function madeTable(db: Queryable, backfill: string): Promise<PresentTable | null> {
  const found = await db.query<PresentTable>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS table, pg_get_userbyid(c.relowner)::text AS owner, true AS "isOurs"
       FROM pgvector_backfill.backfill b JOIN pg_class c ON c.oid = b.store_made::oid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE b.name = $1 AND pg_has_role(c.relowner, 'USAGE')`,
    [backfill],
  );
  return found.rows[0] ?? null;
}
