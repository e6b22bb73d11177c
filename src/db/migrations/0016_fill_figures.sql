-- What writing the vectors was foretold to take, the sizes that the table had before it, and what it came to.
ALTER TABLE pgvector_backfill.run ADD COLUMN fill_forecast jsonb;
ALTER TABLE pgvector_backfill.run ADD COLUMN fill_before jsonb;
ALTER TABLE pgvector_backfill.run ADD COLUMN fill_actual jsonb;
