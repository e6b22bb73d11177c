-- The figures behind the checks: relevance, agreement, recall curve, latency, plans. Keys and counts, never texts.
ALTER TABLE pgvector_backfill.verification ADD COLUMN result jsonb NOT NULL DEFAULT '{}';
CREATE INDEX verification_backfill_idx ON pgvector_backfill.verification (backfill, id DESC);

-- Server settings of vector searches that verify has measured to be enough, by name, such as hnsw.ef_search.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN read_settings jsonb NOT NULL DEFAULT '{}';
