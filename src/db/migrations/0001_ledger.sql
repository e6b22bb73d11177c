-- The ledger: what was planned, what is done, what went wrong. PostgreSQL is the truth, the queue is transport.
-- Keys are kept as text, whatever the type of the legacy table's key; they are cast back where they are used.

-- IF NOT EXISTS would ask for the right to make schemas all the same, where an administrator has made this one beforehand.
DO $$ BEGIN
  IF to_regnamespace('pgvector_backfill') IS NULL THEN CREATE SCHEMA pgvector_backfill; END IF;
END $$;

CREATE TABLE pgvector_backfill.migration (
  version    integer PRIMARY KEY,
  name       text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

-- Tells this database's queue keys from those of another one on the same Redis, and from an earlier life of this one.
CREATE TABLE pgvector_backfill.installation (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  only_one   boolean NOT NULL DEFAULT true UNIQUE CHECK (only_one),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO pgvector_backfill.installation DEFAULT VALUES;

-- One migration of one column of one table.
CREATE TABLE pgvector_backfill.backfill (
  name         text PRIMARY KEY,
  target_table text NOT NULL,
  key_column   text NOT NULL,
  stage_table  text NOT NULL,
  settings     jsonb NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);

-- One planned pass over the table.
CREATE TABLE pgvector_backfill.run (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uid            uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  backfill       text NOT NULL REFERENCES pgvector_backfill.backfill (name),
  state          text NOT NULL DEFAULT 'planned'
                 CHECK (state IN ('planned', 'running', 'paused', 'finalizing', 'verifying', 'ready', 'cut_over', 'completed', 'failed')),
  reason         text NOT NULL DEFAULT '',
  fingerprint    text NOT NULL,
  model          text NOT NULL,
  dimensions     integer NOT NULL,
  batch_rows     integer NOT NULL,
  rows_planned   bigint NOT NULL DEFAULT 0,
  batches_planned integer NOT NULL DEFAULT 0,
  -- Last key that the planner has passed; a planner that died goes on behind it.
  plan_cursor    text,
  planned_at     timestamptz,
  started_at     timestamptz,
  embedded_at    timestamptz,
  finished_at    timestamptz,
  index_name     text,
  index_phase    text,
  index_progress double precision,
  index_seconds  double precision,
  index_method   text,
  created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX run_backfill_idx ON pgvector_backfill.run (backfill, id DESC);

-- One key range [lower_key, upper_key) of a run; one job. NULL is an open end.
CREATE TABLE pgvector_backfill.batch (
  run         bigint NOT NULL REFERENCES pgvector_backfill.run (id) ON DELETE CASCADE,
  number      integer NOT NULL,
  lower_key   text,
  upper_key   text,
  rows        bigint NOT NULL,
  state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'staged', 'merged', 'failed')),
  -- Grows with each start: a worker that was overtaken finds another value and leaves the batch alone.
  token       integer NOT NULL DEFAULT 0,
  attempts    integer NOT NULL DEFAULT 0,
  -- Of the last finished pass; eligible = embedded + skipped + quarantined + changed.
  eligible    bigint NOT NULL DEFAULT 0,
  embedded    bigint NOT NULL DEFAULT 0,
  skipped     bigint NOT NULL DEFAULT 0,
  quarantined bigint NOT NULL DEFAULT 0,
  changed     bigint NOT NULL DEFAULT 0,
  truncated   bigint NOT NULL DEFAULT 0,
  tokens      bigint NOT NULL DEFAULT 0,
  reason      text NOT NULL DEFAULT '',
  started_at  timestamptz,
  staged_at   timestamptz,
  merged_at   timestamptz,
  PRIMARY KEY (run, number)
);
CREATE INDEX batch_unfinished_idx ON pgvector_backfill.batch (run, number) WHERE state <> 'merged';
CREATE INDEX batch_merged_at_idx ON pgvector_backfill.batch (run, merged_at) WHERE state = 'merged';

-- Rows that cannot be embedded as they are; text_hash is that of the text that failed, so an edit takes the row out again.
CREATE TABLE pgvector_backfill.quarantine (
  backfill  text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  key       text NOT NULL,
  run       bigint NOT NULL,
  batch     integer NOT NULL,
  class     text NOT NULL,
  reason    text NOT NULL,
  attempts  integer NOT NULL DEFAULT 1,
  text_hash bytea NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (backfill, key)
);

-- Keys whose text changed while their batch was under way, or later.
CREATE TABLE pgvector_backfill.change (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  backfill text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  key      text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX change_backfill_idx ON pgvector_backfill.change (backfill, id);

CREATE TABLE pgvector_backfill.event (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT now(),
  backfill text,
  run      bigint,
  level    text NOT NULL CHECK (level IN ('info', 'warn', 'error')),
  kind     text NOT NULL,
  message  text NOT NULL,
  detail   jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_backfill_idx ON pgvector_backfill.event (backfill, id DESC);

CREATE TABLE pgvector_backfill.verification (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  backfill text NOT NULL REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  run      bigint,
  at       timestamptz NOT NULL DEFAULT now(),
  passed   boolean NOT NULL,
  checks   jsonb NOT NULL
);

CREATE TABLE pgvector_backfill.read_mode (
  backfill   text PRIMARY KEY REFERENCES pgvector_backfill.backfill (name) ON DELETE CASCADE,
  mode       text NOT NULL DEFAULT 'legacy',
  changed_at timestamptz NOT NULL DEFAULT now()
);
