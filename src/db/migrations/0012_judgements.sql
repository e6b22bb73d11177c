-- What people judged on the search page: the queries with their text, as typed, and how good a row is for each.
CREATE TABLE pgvector_backfill.judgement (
  backfill text NOT NULL,
  query text NOT NULL CHECK (length(query) BETWEEN 1 AND 1000),
  key text NOT NULL,
  grade smallint NOT NULL CHECK (grade BETWEEN 0 AND 2),
  judged_at timestamptz NOT NULL DEFAULT now()
);
-- By a digest, as a query of a thousand characters is too long for an index of its own.
CREATE UNIQUE INDEX judgement_pair_idx ON pgvector_backfill.judgement (backfill, md5(query), key);
