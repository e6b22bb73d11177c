-- How changes of a legacy table are found and brought in line: one row for each backfill.
CREATE TABLE pgvector_backfill.sync (
  backfill         text PRIMARY KEY REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  mode             text NOT NULL CHECK (mode IN ('trigger', 'sweep', 'off')),
  -- Why it is this mode, where that is not plain; why the last drain did not end, where it did not.
  mode_reason      text NOT NULL DEFAULT '',
  failure          text NOT NULL DEFAULT '',
  -- One drain at a time: grows with each, and whoever holds an older one has been overtaken.
  token            integer NOT NULL DEFAULT 0,
  leased_until     timestamptz,
  -- End of the last drain that went through every change it had found.
  drained_at       timestamptz,
  -- Where the sweep under way goes on: batch and key; NULL where none is.
  sweep_batch      integer,
  sweep_key        text,
  sweep_wanted     boolean NOT NULL DEFAULT false,
  sweep_started_at timestamptz,
  sweep_ended_at   timestamptz,
  -- What syncing has cost since the beginning.
  embedded         bigint NOT NULL DEFAULT 0,
  tokens           bigint NOT NULL DEFAULT 0,
  masked           jsonb NOT NULL DEFAULT '{}',
  updated_at       timestamptz NOT NULL DEFAULT now()
);

-- The application's transactions write here, by trigger: one index, and no foreign key, whose check would lock the one
-- row of the backfill in every one of them. A NULL key stands for a TRUNCATE.
ALTER TABLE pgvector_backfill.change
  DROP CONSTRAINT change_backfill_fkey,
  DROP CONSTRAINT change_pkey,
  ALTER COLUMN key DROP NOT NULL,
  ADD PRIMARY KEY (backfill, id);
DROP INDEX pgvector_backfill.change_backfill_idx;
-- A queue: what is dead in it slows every look at its head, whatever its size.
ALTER TABLE pgvector_backfill.change SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Batches that sync was at since their last count: counted again, a few at a time, so that progress and coverage follow.
ALTER TABLE pgvector_backfill.batch ADD COLUMN recount boolean NOT NULL DEFAULT false;
CREATE INDEX batch_recount_idx ON pgvector_backfill.batch (run, number) WHERE recount;
