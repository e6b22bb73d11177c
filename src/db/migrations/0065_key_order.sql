-- Keys of several columns, in an order of the index's: what ranges of keys mean. NULL of backfills from before.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN key_order jsonb;
