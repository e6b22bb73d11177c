-- What a run's vectors are made with, besides the fingerprint that only tells that two differ: precision, pooling,
-- limits, prefix, masking policy, revision and checksum of the files.
ALTER TABLE pgvector_backfill.run ADD COLUMN embedding jsonb NOT NULL DEFAULT '{}';

-- Values masked in the texts that were embedded, by type; never the values.
ALTER TABLE pgvector_backfill.batch ADD COLUMN masked jsonb NOT NULL DEFAULT '{}';
