-- What applications' `ready()` has found, the last time on each machine: whether it can answer by the vectors of that model.
CREATE TABLE pgvector_backfill.read_report (
  backfill    text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  -- Name of the machine, or of the container.
  host        text NOT NULL,
  fingerprint text NOT NULL,
  -- Code of the error; null where it can.
  fault       text,
  -- To load the model, and for one search, both together.
  ms          double precision NOT NULL,
  reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (backfill, host)
);
