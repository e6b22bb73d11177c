-- What each worker process found at its last look: why nothing moves although there is work, and what its clock is off.
CREATE TABLE pgvector_backfill.worker (
  backfill            text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  -- host/process
  name                text NOT NULL,
  -- A word for machines and a sentence for people; empty where something moves, or nothing is to do.
  cause               text NOT NULL DEFAULT '',
  reason              text NOT NULL DEFAULT '',
  -- Since when nothing moves.
  since               timestamptz,
  -- Of the queue's server; null where it does not tell its time.
  clock_ahead_seconds double precision,
  seen_at             timestamptz NOT NULL,
  PRIMARY KEY (backfill, name)
) WITH (fillfactor = 50);
