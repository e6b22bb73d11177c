-- A change of a row is noted once for all generations of a backfill, as `<backfill>@all`, and drains move such notes to each of
-- them: `spread`. One that waits for its generation stands for every later one of the same key. The application's own notes are
-- not in this index.
ALTER TABLE pgvector_backfill.change ADD COLUMN spread boolean NOT NULL DEFAULT false;
CREATE INDEX change_spread_idx ON pgvector_backfill.change (backfill, coalesce(hashtextextended(key, 0), 0)) WHERE spread;
-- Of a generation that nobody drains: when it was last seen how many changes wait for it.
ALTER TABLE pgvector_backfill.sync ADD COLUMN waiting_checked_at timestamptz;
