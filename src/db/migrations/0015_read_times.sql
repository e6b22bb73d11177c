-- How long applications' searches took, by read mode, and how many ended with an error: for metrics, over all time.
CREATE TABLE pgvector_backfill.read_times (
  backfill text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  mode     text NOT NULL,
  -- Counts by bucket of time (src/observability/histogram.ts), and the sum of the times themselves.
  ms       bigint[] NOT NULL,
  total_ms double precision NOT NULL,
  errors   bigint NOT NULL,
  PRIMARY KEY (backfill, mode)
);
