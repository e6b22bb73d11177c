-- Several backfills of one table. What stands behind the table's name in those of the index and of the search function, as it
-- was chosen when the backfill came; NULL in rows of earlier releases, which named both after the table alone.
-- Columns that key, text and condition read, so that no other backfill comes to write one of them; NULL: not known.
ALTER TABLE pgvector_backfill.backfill
  ADD COLUMN index_stem   text,
  ADD COLUMN search_stem  text,
  ADD COLUMN read_columns text[];

-- One function notes the changes of a table for all its backfills: what it has to know of each, so that whoever makes it again
-- for one keeps the others. As regclass, which a dump writes as a name. NULL: of an earlier release, with triggers of its own.
ALTER TABLE pgvector_backfill.sync
  ADD COLUMN captured_table   regclass,
  ADD COLUMN captured_key     jsonb,
  ADD COLUMN captured_columns text[];
