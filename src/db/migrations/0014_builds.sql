-- Sessions that the index build waits for, as of the finalizer's last look: [{pid, application, state, waitEvent, ageSeconds}].
ALTER TABLE pgvector_backfill.run ADD COLUMN index_blockers jsonb NOT NULL DEFAULT '[]';
