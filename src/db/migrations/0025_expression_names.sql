-- The operator's expressions as PostgreSQL has looked their names up when they were planned for, each with its schema: a better
-- fitting function that somebody makes later, anywhere on the path, is not what was meant. {"text": {"raw": "...", "sql": "..."}}.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN expression_names jsonb NOT NULL DEFAULT '{}';
