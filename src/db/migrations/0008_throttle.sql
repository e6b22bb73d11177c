-- How much load a run may put on the database: what the workers saw last, and what the operator has tuned.
CREATE TABLE pgvector_backfill.throttle (
  backfill       text PRIMARY KEY REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  state          text NOT NULL DEFAULT 'go' CHECK (state IN ('go', 'hold', 'stopped')),
  reason         text NOT NULL DEFAULT '',
  -- [{name, value, unit, hold, stop, state, note}] of the last look.
  signals        jsonb NOT NULL DEFAULT '[]',
  tuned          jsonb NOT NULL DEFAULT '{}',
  -- Until when the rows per second that are allowed are given out already, to all workers together.
  reserved_until timestamptz NOT NULL DEFAULT now(),
  checked_at     timestamptz
) WITH (fillfactor = 50);

-- Of the merge, in milliseconds: what the application may have had to wait for.
ALTER TABLE pgvector_backfill.run ADD COLUMN longest_statement_ms double precision;
