-- How reads are answered, since when, by whose hand and why. A percentage belongs to the canary alone.
ALTER TABLE pgvector_backfill.read_mode
  ADD COLUMN percent    integer,
  ADD COLUMN changed_by text NOT NULL DEFAULT '',
  ADD COLUMN reason     text NOT NULL DEFAULT '',
  ADD CONSTRAINT read_mode_known CHECK (mode IN ('legacy', 'shadow', 'canary', 'vector', 'hybrid')),
  ADD CONSTRAINT read_mode_percent CHECK ((mode = 'canary') = (percent IS NOT NULL) AND coalesce(percent BETWEEN 1 AND 100, true));

-- What searches of applications have counted since the mode left legacy last: sums and histograms, never a text.
CREATE TABLE pgvector_backfill.read_stats (
  backfill         text PRIMARY KEY REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  since            timestamptz NOT NULL DEFAULT now(),
  searches         bigint NOT NULL DEFAULT 0,
  errors           bigint NOT NULL DEFAULT 0,
  timeouts         bigint NOT NULL DEFAULT 0,
  -- Not compared: too many were under way, or the application needed its connections itself.
  skipped          bigint NOT NULL DEFAULT 0,
  -- Over `searches`, each of them 0 to 1.
  overlap          double precision NOT NULL DEFAULT 0,
  rank_correlation double precision NOT NULL DEFAULT 0,
  -- Counts by bucket of time (src/observability/histogram.ts).
  legacy_ms        bigint[] NOT NULL,
  vector_ms        bigint[] NOT NULL,
  canary_vector    bigint NOT NULL DEFAULT 0,
  canary_legacy    bigint NOT NULL DEFAULT 0,
  canary_errors    bigint NOT NULL DEFAULT 0
);

-- The index that a verification has looked at: the gate in front of the reads asks whether it is still the same.
ALTER TABLE pgvector_backfill.verification
  ADD COLUMN index_oid bigint,
  ADD COLUMN index_definition text;

-- Columns of the legacy table that were added by us; a column that was there before is never taken away.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN added_columns text[] NOT NULL DEFAULT '{}';
UPDATE pgvector_backfill.backfill b SET added_columns = ARRAY(
  SELECT DISTINCT c.name FROM (VALUES (b.settings ->> 'column'), (b.settings ->> 'updatedAtColumn')) c (name)
   WHERE EXISTS (SELECT 1 FROM pgvector_backfill.event e
                  WHERE e.backfill = b.name AND e.kind = 'schema.changed'
                    AND position('ADD COLUMN IF NOT EXISTS "' || replace(c.name, '"', '""') || '" ' IN e.message) > 0));
