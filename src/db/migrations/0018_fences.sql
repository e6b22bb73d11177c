-- What a run was planned for, so that nobody works on it with anything else: the options that decide which rows take part,
-- what their text is and where the vectors go, by their names; and the table itself, which an online schema change replaces
-- under its name. As regclass, which a dump writes as a name: a restored ledger finds the restored table.
-- Calls of the finalizer, how many of them its last end has answered (one that the queue swallows is still owed), and the
-- counts of rows at which it was called for want of a call.
ALTER TABLE pgvector_backfill.run
  ADD COLUMN scope              jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN target             regclass,
  ADD COLUMN finalizer_calls    integer NOT NULL DEFAULT 0,
  ADD COLUMN finalizer_answered integer NOT NULL DEFAULT 0,
  ADD COLUMN finalizer_counts   text NOT NULL DEFAULT '';
UPDATE pgvector_backfill.run r
   SET target = to_regclass(b.target_table),
       scope = jsonb_build_object('key', b.settings -> 'key', 'text', b.settings -> 'text', 'where', b.settings -> 'where',
                                  'column', b.settings -> 'column', 'columnType', b.settings -> 'columnType',
                                  'updatedAtColumn', b.settings -> 'updatedAtColumn', 'model.queryPrefix', b.settings -> 'modelQueryPrefix')
  FROM pgvector_backfill.backfill b
 WHERE b.name = r.backfill AND b.settings ? 'text' AND b.settings ? 'key'
   AND r.id = (SELECT max(id) FROM pgvector_backfill.run newest WHERE newest.backfill = r.backfill);

-- Grows with each mark, so that one that is set while the batch is being counted outlives that count.
ALTER TABLE pgvector_backfill.batch ADD COLUMN recount_mark integer NOT NULL DEFAULT 0;
