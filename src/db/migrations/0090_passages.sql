-- Vectors of a batch's embedded rows where each has one for every passage of its text; 0 where it has one.
ALTER TABLE pgvector_backfill.batch ADD COLUMN passages bigint NOT NULL DEFAULT 0;
