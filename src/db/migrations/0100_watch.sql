-- Passes of the watch: what each has measured of the index that reads go by, and what it made of it. Figures and names of settings,
-- never a text, a key or a vector.
CREATE TABLE pgvector_backfill.watch_pass (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  backfill text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  run      bigint,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  verdict  text NOT NULL,
  -- In words: why, and what to do; the latter NULL where there is nothing to do.
  detail   text NOT NULL,
  remedy   text,
  result   jsonb NOT NULL
);
CREATE INDEX watch_pass_backfill_idx ON pgvector_backfill.watch_pass (backfill, id DESC);
