import type { Queryable } from '../../src/db/pool.ts';

/** Staging tables of tables that a test has dropped: they are not beside them. */
export async function dropStages(db: Queryable): Promise<void> {
  const found = await db.query<{ stage: string }>(
    `SELECT c.oid::regclass::text AS stage FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'staged_at'
      WHERE c.relnamespace = 'pgvector_backfill'::regnamespace AND c.relkind = 'r' AND c.relname <> 'batch'`,
  );
  for (const { stage } of found.rows) await db.query(`DROP TABLE ${stage}`);
  const functions = await db.query<{ signature: string }>(
    `SELECT p.oid::regprocedure::text AS signature FROM pg_proc p
      WHERE p.pronamespace = 'pgvector_backfill'::regnamespace AND p.prorettype = 'trigger'::regtype
        AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgfoid = p.oid)`,
  );
  for (const { signature } of functions.rows) await db.query(`DROP FUNCTION ${signature}`);
}
