/** The other backfills of a table, as the ledger has them. */

import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { EARLIER_STEM } from '../../table/index-name.ts';

export interface Sibling {
  backfill: string;
  /** Columns of the table that it writes. */
  writes: string[];
  /** Columns that its key, text and condition read; null, or not all of them, where an earlier release has enqueued it. */
  reads: string[] | null;
  /** What its index and its search function have behind the table's name. */
  indexStem: string;
  searchStem: string;
}

export interface TableOf {
  backfill: string;
  /** Quoted schema.table, and its oid as text. */
  table: string;
  oid: string;
}

/** Without a ledger: a query that fails would end the transaction that this may be asked in. */
export async function hasLedger(db: Queryable): Promise<boolean> {
  const known = await db.query<{ known: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = '${LEDGER_SCHEMA}' AND c.relname = 'backfill') AS known`,
  );
  return known.rows[0]?.known === true;
}

/** Columns of the table that others write; none where there is no ledger yet. */
export const writtenByOthers = async (db: Queryable, of: TableOf): Promise<string[]> =>
  (await hasLedger(db)) ? (await siblingsOf(db, of)).flatMap(({ writes }) => writes) : [];

/**
 * By name, or by the table that the latest run was planned for, which may have had another name then. Columns are read as
 * JSON: one that the ledger of an older release does not have yet is absent, and no error.
 */
export async function siblingsOf(db: Queryable, { backfill, table, oid }: TableOf): Promise<Sibling[]> {
  const found = await db.query<Sibling>(
    `SELECT b.name AS backfill,
            ARRAY(SELECT jsonb_array_elements_text(coalesce(to_jsonb(b) -> 'added_columns', '[]'))
                  UNION SELECT w.name FROM (VALUES (b.settings ->> 'column'), (b.settings ->> 'updatedAtColumn')) AS w (name) WHERE w.name IS NOT NULL
                  ORDER BY 1) AS writes,
            coalesce(nullif(to_jsonb(b) -> 'read_columns', 'null'),
                     CASE WHEN jsonb_typeof(b.settings -> 'text') = 'array' THEN b.settings -> 'text' || to_jsonb(b.key_column) END) AS reads,
            coalesce(to_jsonb(b) ->> 'index_stem', $4) AS "indexStem", coalesce(to_jsonb(b) ->> 'search_stem', '') AS "searchStem"
       FROM pgvector_backfill.backfill b
      WHERE b.name <> $1 AND to_jsonb(b) ->> 'dropped_at' IS NULL
        AND (b.target_table = $2
             OR $3::oid = (SELECT to_regclass(to_jsonb(r) ->> 'target')::oid FROM pgvector_backfill.run r
                            WHERE r.backfill = b.name ORDER BY r.id DESC LIMIT 1))
      ORDER BY 1`,
    [backfill, table, oid, EARLIER_STEM],
  );
  return found.rows;
}
