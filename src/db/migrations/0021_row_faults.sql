-- Of a row whose text cannot be computed: the version of the row that failed. It is not asked again before it is written
-- again. There is no hash of a text that nobody has read.
ALTER TABLE pgvector_backfill.quarantine ADD COLUMN row_version text;

-- Counts of a whole table that are under way: a page at a time, so that no statement grows with the table.
CREATE TABLE pgvector_backfill.count (
  backfill text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  purpose  text NOT NULL,
  run      bigint NOT NULL,
  token    uuid NOT NULL,
  -- First key that is not counted yet.
  from_key text,
  counts   jsonb,
  saved_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (backfill, purpose)
);

-- Ranges that were cut out of a batch as the table grew: no jobs of their own, numbered from 1,000,000,001. `part_of` is
-- the batch whose range they were planned in; batches themselves stay numbered in the order of their keys.
ALTER TABLE pgvector_backfill.batch ADD COLUMN part_of integer;
CREATE INDEX batch_part_idx ON pgvector_backfill.batch (run, part_of) WHERE part_of IS NOT NULL;
