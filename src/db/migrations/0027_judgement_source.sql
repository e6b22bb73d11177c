-- The row whose first line a judged query is, where it was taken from the list of rows: its text goes when that row goes.
ALTER TABLE pgvector_backfill.judgement ADD COLUMN query_key text;
