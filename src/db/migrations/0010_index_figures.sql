-- What was foretold of the index build and what it came to, side by side.
ALTER TABLE pgvector_backfill.run ADD COLUMN index_forecast jsonb;
ALTER TABLE pgvector_backfill.run ADD COLUMN index_actual jsonb;
