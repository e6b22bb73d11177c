-- What the triggers could not note row by row: their statement goes through all the same, and the table is swept.
-- With a primary key, as every table of the ledger: a publication of all tables takes no deletes otherwise.
CREATE TABLE pgvector_backfill.missed_change (
  backfill text NOT NULL,
  id       bigint GENERATED ALWAYS AS IDENTITY,
  at       timestamptz NOT NULL DEFAULT now(),
  -- The SQLSTATE. A message might hold values of the row.
  reason   text NOT NULL,
  PRIMARY KEY (backfill, id)
);

ALTER TABLE pgvector_backfill.sync
  -- Last look at the triggers, and why they are not as they should be where that could not be mended.
  ADD COLUMN looked_at     timestamptz,
  ADD COLUMN capture_fault text NOT NULL DEFAULT '',
  -- The triggers and their function as they were armed, {"<oid of the table>": "<oid>:<xmin> ..."}: whoever disables one and
  -- enables it again leaves another xmin.
  ADD COLUMN armed_as      jsonb,
  -- The sweep under way takes all the time that it may: rows were missed, or there is no trigger.
  ADD COLUMN sweep_urgent  boolean NOT NULL DEFAULT false,
  -- What in text and condition changes without a write of the row, such as now(): only a sweep finds that.
  ADD COLUMN varies        text NOT NULL DEFAULT '';
