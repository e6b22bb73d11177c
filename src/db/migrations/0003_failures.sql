-- When a batch was given up: the circuit breaker looks at the last batches that ended, well or badly.
ALTER TABLE pgvector_backfill.batch ADD COLUMN failed_at timestamptz;

-- What a paused run goes back to.
ALTER TABLE pgvector_backfill.run ADD COLUMN paused_from text;

-- Batches that ended before are no longer held against the run: it was resumed, or tried again, since.
ALTER TABLE pgvector_backfill.run ADD COLUMN judged_since timestamptz NOT NULL DEFAULT now();
