-- How the model is used: each option with its value and who says it (the operator, the model's files, a page), as of the last enqueue.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN model_use jsonb NOT NULL DEFAULT '[]';
