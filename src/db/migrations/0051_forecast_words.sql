-- Growth of the table by its name: what a run was forecast to add to it, its sizes before, and what was measured.
ALTER TABLE pgvector_backfill.run RENAME COLUMN fill_forecast TO table_growth_forecast;
ALTER TABLE pgvector_backfill.run RENAME COLUMN fill_before TO table_sizes_before;
ALTER TABLE pgvector_backfill.run RENAME COLUMN fill_actual TO table_growth_actual;
