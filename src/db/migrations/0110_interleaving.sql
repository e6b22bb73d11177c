-- Reads of which a share is answered by two searches at once, interleaved. For a release that does not know of it the mode is
-- shadow: what answered before goes on answering all of them.
ALTER TABLE pgvector_backfill.read_mode
  ADD COLUMN interleave_percent integer CHECK (interleave_percent BETWEEN 1 AND 100),
  ADD CONSTRAINT read_mode_interleave CHECK (interleave_percent IS NULL OR coalesce(trial_mode, mode) = 'shadow');

-- Counts of interleaved answers by day, run and the search beside which it was tried: never a text, a key or a person.
ALTER TABLE pgvector_backfill.read_stats ADD COLUMN interleaved jsonb NOT NULL DEFAULT '{}';
