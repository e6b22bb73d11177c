-- Who may change what stands in the operator's database: enqueue, complete or the way back, one at a time per backfill.
-- A lease, not a lock of a session: that would stay with an application's connection behind a pooler.
-- No foreign key: it is taken before the first enqueue writes the backfill, and given back when that is gone.
CREATE TABLE pgvector_backfill.turn (
  backfill     text PRIMARY KEY,
  holder       uuid NOT NULL,
  what         text NOT NULL,
  leased_until timestamptz NOT NULL
);

-- Every table has a primary key: where all tables are published, an UPDATE is refused without one.
ALTER TABLE pgvector_backfill.judgement ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
