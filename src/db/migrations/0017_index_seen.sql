-- When a finalizer last looked at the build: what is older is nobody's present view of it.
ALTER TABLE pgvector_backfill.run ADD COLUMN index_seen_at timestamptz;
