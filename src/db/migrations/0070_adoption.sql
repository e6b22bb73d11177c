-- Vectors that were there before: what a run takes over was sampled with which result. Null where a run takes nothing over.
ALTER TABLE pgvector_backfill.run ADD COLUMN adoption jsonb;

-- Rows of the sample whose vectors are not those of the model: they are embedded, whatever the options permit.
CREATE TABLE pgvector_backfill.adoption_disagreement (
  run    bigint NOT NULL REFERENCES pgvector_backfill.run (id) ON DELETE CASCADE,
  key    text NOT NULL,
  cosine double precision NOT NULL,
  PRIMARY KEY (run, key)
);

-- Of the embedded: their vectors were taken over.
ALTER TABLE pgvector_backfill.batch ADD COLUMN adopted bigint NOT NULL DEFAULT 0;

-- Staging tables say so row by row. A default that is a constant rewrites nothing.
DO $adopt$
DECLARE
  stage pg_catalog.regclass;
BEGIN
  FOR stage IN SELECT pg_catalog.to_regclass(stage_table) FROM pgvector_backfill.backfill LOOP
    IF stage IS NOT NULL THEN
      EXECUTE pg_catalog.format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS adopted boolean NOT NULL DEFAULT false', stage);
    END IF;
  END LOOP;
END
$adopt$;
