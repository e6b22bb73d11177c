-- Vectors may live in a table beside the legacy table. `store_table` is its quoted name, null where they are in a column; `store_made`
-- is the table that `enqueue` has made under it, noted in the transaction that made it: only that one is ever written or dropped.
ALTER TABLE pgvector_backfill.backfill ADD COLUMN store_table text, ADD COLUMN store_made regclass;
