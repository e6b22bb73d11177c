-- Generations: sets of vectors of one backfill, each with a model, a column, a staging table, an index, runs and a verification of
-- its own. Each is a row here: the first one has the backfill's name, those behind it `<backfill>@<number>`, so that what an
-- earlier release looks up is the first one. A generation whose storage was dropped leaves its row, for its number.
ALTER TABLE pgvector_backfill.backfill
  ADD COLUMN of_backfill text GENERATED ALWAYS AS (regexp_replace(name, '@[1-9][0-9]*$', '')) STORED,
  ADD COLUMN generation  integer GENERATED ALWAYS AS (coalesce(substring(name FROM '@([1-9][0-9]*)$')::integer, 1)) STORED,
  ADD COLUMN dropped_at  timestamptz;

-- Of the backfill. `mode` and `generation`: whose vectors answer. While reads move between two generations, they are those that
-- answer besides, and trial_* is what is tried: an earlier release goes by the first three columns, and its first generation.
-- previous_*: where a rollback leads; NULL is the legacy search.
ALTER TABLE pgvector_backfill.read_mode
  ADD COLUMN generation          integer NOT NULL DEFAULT 1,
  ADD COLUMN trial_mode          text CHECK (trial_mode IN ('shadow', 'canary')),
  ADD COLUMN trial_percent       integer CHECK (trial_percent BETWEEN 1 AND 100),
  ADD COLUMN trial_generation    integer,
  ADD COLUMN previous_mode       text CHECK (previous_mode IN ('vector', 'hybrid')),
  ADD COLUMN previous_generation integer,
  ADD CONSTRAINT read_mode_trial CHECK ((trial_mode IS NULL) = (trial_generation IS NULL)
    AND coalesce(trial_mode = 'canary', false) = (trial_percent IS NOT NULL)
    AND (trial_mode IS NULL OR mode IN ('vector', 'hybrid'))),
  ADD CONSTRAINT read_mode_previous CHECK ((previous_mode IS NULL) = (previous_generation IS NULL));
