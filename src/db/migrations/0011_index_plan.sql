-- What the finalizer chose for index.method auto: {method, type}.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN index_plan jsonb;
