-- Staging tables leave the operator's schemas, where every tool that compares a schema with its own idea of it wants to drop
-- them. Rows, key and owner go along; what others were granted does not.
DO $move$
DECLARE
  b       record;
  stage   oid;
  bare    text;
  grantee text;
  index   regclass;
BEGIN
  FOR b IN SELECT name, target_table, stage_table FROM pgvector_backfill.backfill ORDER BY created_at, name LOOP
    bare := (pg_catalog.parse_ident(b.stage_table))[2];
    stage := pg_catalog.to_regclass(b.stage_table)::oid;
    -- Two tables of one name in two schemas.
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'pgvector_backfill' AND c.relname = bare)
       OR EXISTS (SELECT 1 FROM pgvector_backfill.backfill o
                   WHERE o.name <> b.name AND o.stage_table = pg_catalog.format('"pgvector_backfill"."%s"', pg_catalog.replace(bare, '"', '""'))) THEN
      bare := 'stage_' || pg_catalog.md5(b.target_table);
    END IF;
    IF stage IS NOT NULL THEN
      FOR grantee IN SELECT DISTINCT coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC')
                       FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
                      WHERE c.oid = stage AND a.grantee <> c.relowner LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s CASCADE', stage::pg_catalog.regclass, grantee);
      END LOOP;
      IF bare <> (pg_catalog.parse_ident(b.stage_table))[2] THEN
        EXECUTE pg_catalog.format('ALTER TABLE %s RENAME TO %I', stage::pg_catalog.regclass, bare);
        FOR index IN SELECT i.indexrelid::pg_catalog.regclass FROM pg_catalog.pg_index i WHERE i.indrelid = stage LOOP
          EXECUTE pg_catalog.format('ALTER INDEX %s RENAME TO %I', index, bare || '_' || index::oid);
        END LOOP;
      END IF;
      EXECUTE pg_catalog.format('ALTER TABLE %s SET SCHEMA pgvector_backfill', stage::pg_catalog.regclass);
    END IF;
    UPDATE pgvector_backfill.backfill
       SET stage_table = pg_catalog.format('"pgvector_backfill"."%s"', pg_catalog.replace(bare, '"', '""')) WHERE name = b.name;
  END LOOP;
END
$move$;
