-- Of the phase that the index build is at, by how far it has come lately; NULL where nobody can tell.
ALTER TABLE pgvector_backfill.run ADD COLUMN index_seconds_left double precision;
