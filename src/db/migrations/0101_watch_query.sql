-- Vectors of searches of applications, where watch.keepQueries says so: of few of them, never their words, and only for a set time. An
-- application's role may add to it, and needs no right to read: GRANT INSERT.
CREATE TABLE pgvector_backfill.watch_query (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  backfill    text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  -- Of the model.
  fingerprint text NOT NULL,
  vector      real[] NOT NULL,
  asked_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX watch_query_backfill_idx ON pgvector_backfill.watch_query (backfill, id);
