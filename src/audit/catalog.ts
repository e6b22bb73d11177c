/** What stands over a vector column in the catalog: its indexes, and the views through which it is asked. */

import type { Queryable } from '../db/pool.ts';
import { treeSql } from '../table/partitions.ts';
import type { Target } from '../table/backfill-target.ts';

/** Bare names of the valid vector indexes of the column, also of those on an expression over it, and of each partition. */
export async function indexesOf(db: Queryable, { store }: Target): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT DISTINCT c.relname::text AS name
       FROM ${treeSql('$1::regclass')} parts JOIN pg_index i ON i.indrelid = parts.relid AND i.indisvalid
       JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam AND am.amname IN ('hnsw', 'ivfflat')
       JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
       JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attname = $2 ORDER BY 1`,
    [store.table, store.column],
  );
  return found.rows.map(({ name }) => name);
}

/** Bare names of the views that show such a column, and of those over these. */
export async function viewsOver(db: Queryable, columns: readonly { target: Target }[]): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `WITH RECURSIVE views AS (
       SELECT r.ev_class AS oid FROM unnest($1::text[], $2::text[]) AS w (relation, name)
         JOIN pg_attribute a ON a.attrelid = to_regclass(w.relation) AND a.attname = w.name
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.classid = 'pg_rewrite'::regclass
         JOIN pg_rewrite r ON r.oid = d.objid
       UNION
       SELECT r.ev_class FROM views v JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid AND d.classid = 'pg_rewrite'::regclass
         JOIN pg_rewrite r ON r.oid = d.objid)
     SELECT c.relname::text AS name FROM views v JOIN pg_class c ON c.oid = v.oid ORDER BY 1`,
    [columns.map(({ target }) => target.store.table), columns.map(({ target }) => target.store.column)],
  );
  return found.rows.map(({ name }) => name);
}
