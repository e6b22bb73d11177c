-- Who has a batch in hand, as host/process: for the operator's eye, nothing hangs on it.
ALTER TABLE pgvector_backfill.batch ADD COLUMN worker text;
-- A handful of rows, whatever the size of the run.
CREATE INDEX batch_in_hand_idx ON pgvector_backfill.batch (run, started_at)
 WHERE started_at IS NOT NULL AND state IN ('pending', 'staged');
