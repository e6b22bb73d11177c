/** Rows of every table in our schema, counted: a table that is added later is looked at, too. */
export const LEDGER_TABLES_SQL = `
  SELECT c.relname AS name,
         (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM pgvector_backfill.%I', c.relname), false, true, '')))[1]::text::int AS rows
    FROM pg_class c
   WHERE c.relnamespace = 'pgvector_backfill'::regnamespace AND c.relkind IN ('r', 'p')`;
