/** The index of a run as it is now: what was verified, and what reads would go by. */

import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface PresentIndex {
  /** Another one after REINDEX CONCURRENTLY or a new build. */
  oid: string;
  name: string;
  definition: string;
  valid: boolean;
}

/** The catalog shows the schema of pgvector's types, functions and operator classes by the search path of whoever looks. */
export const bareDefinition = (definition: string | null): string | null =>
  definition?.replaceAll(
    /(?:"(?:[^"]|"")+"|[\w$]+)\.(?=(?:vector|halfvec|binary_quantize|bit_hamming)\w*[ ()])/g,
    '',
  ) ?? null;

/** Null where there is none. */
export async function presentIndex(db: Queryable, target: Target, run: string): Promise<PresentIndex | null> {
  const found = await db.query<PresentIndex>(
    `SELECT c.oid::text AS oid, c.relname::text AS name, pg_get_indexdef(c.oid) AS definition,
            i.indisvalid AND i.indisready AND i.indislive AS valid
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = $1::regclass
        AND c.relname = coalesce((SELECT index_name FROM pgvector_backfill.run WHERE id = $2), $3)`,
    [target.store.table, run, target.indexName],
  );
  return found.rows[0] ?? null;
}
