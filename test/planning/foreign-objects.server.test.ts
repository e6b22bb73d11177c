/** Somebody else was there before: what stands under our names is looked at before anything of it is read. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { planSearchFunction } from '../../src/cutover/search-function.ts';
import { latestRun } from '../../src/ledger/run/run.ts';
import { targetOfRun } from '../../src/ledger/run/run-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { blockers, diagnose } from '../../src/planning/doctor.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { reachQueue } from '../../src/queue/connection.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { dropRole, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';
import { applicationPool } from '../setup/application-pool.ts';

const MALLORY = `pgvb_mallory_${randomBytes(4).toString('hex')}`;

describe.runIf(hasPostgres())('objects of another role under our names', () => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  let mallory: pg.Client;
  beforeEach(async () => {
    database = await realDatabase(undefined, { bare: true });
    pool = createPool(database.databaseUrl, {
      name: 'test',
      max: 4,
      logger: silentLogger,
      table: 'public.docs',
    });
    const name = new URL(database.databaseUrl).pathname.slice(1);
    await pool.query(`CREATE EXTENSION IF NOT EXISTS vector; CREATE ROLE ${MALLORY} LOGIN PASSWORD 'x';
      GRANT CREATE ON DATABASE "${name}" TO ${MALLORY}; GRANT CREATE ON SCHEMA public TO ${MALLORY};
      CREATE TABLE public.loot (what text, who text); GRANT INSERT ON public.loot TO PUBLIC`);
    await createDocs(pool, 8);
    config = await loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        QUEUE_URL: database.queueUrl,
        BACKFILL_TABLE: 'public.docs',
        BACKFILL_TEXT: 'body',
      },
      cwd: '/',
    });
    const url = new URL(database.databaseUrl);
    url.username = MALLORY;
    url.password = 'x';
    mallory = new pg.Client({ connectionString: url.href });
    await mallory.connect();
    await mallory.query(`CREATE FUNCTION public.robbed() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO public.loot VALUES (to_jsonb(NEW)::text, current_user); RETURN NEW; END $$`);
  });
  afterEach(async () => {
    await mallory.end();
    await pool.end();
    await dropRole(database.databaseUrl, MALLORY);
  });

  const openEmbedder = () => Promise.resolve(hashEmbedder());
  const blocking = async (): Promise<Finding[]> =>
    blockers((await diagnose({ pool, ...config, openEmbedder, withQueue: false })).findings);
  const loot = async (): Promise<unknown[]> => (await pool.query('SELECT * FROM public.loot')).rows;
  const search = async (): Promise<unknown> => {
    const application = applicationPool(database.databaseUrl, 1);
    const ours = createSearch({
      pool: application,
      backfill: config.backfill,
      options: { table: 'public.docs', text: ['body'] },
    });
    try {
      return await ours.search('bread', { k: 2 });
    } finally {
      await ours.close();
      await application.end();
    }
  };
  /** A way for each who would have taken it over: doctor, enqueue and workers by their migration, an application's search. */
  async function refused(words: RegExp, remedy: RegExp): Promise<void> {
    const [finding] = await blocking();
    expect(finding).toMatchObject({ check: 'ledger', message: expect.stringMatching(words) as string });
    expect(finding?.remedy).toMatch(remedy);
    await expect(migrate(pool)).rejects.toMatchObject({
      code: 'SCHEMA_FOREIGN',
      message: expect.stringMatching(words) as string,
    });
    await expect(describeTarget(pool, config.backfill, config.settings)).rejects.toMatchObject({
      code: 'SCHEMA_FOREIGN',
    });
    expect(await loot()).toEqual([]);
  }

  it('the schema: with views and triggers that would run as us', async () => {
    await mallory.query(`CREATE SCHEMA pgvector_backfill;
      CREATE FUNCTION pgvector_backfill.take(what text) RETURNS text LANGUAGE sql AS $$ INSERT INTO public.loot VALUES (what, current_user) RETURNING what $$;
      CREATE TABLE pgvector_backfill.migration (version integer, name text, applied_at timestamptz DEFAULT now());
      CREATE VIEW pgvector_backfill.backfill AS SELECT pgvector_backfill.take('read') AS name, 'public.docs' AS target_table, ''::text AS stage_table,
        '{}'::jsonb AS settings, '{}'::jsonb AS read_settings, now() AS updated_at;
      GRANT ALL ON SCHEMA pgvector_backfill TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA pgvector_backfill TO PUBLIC`);
    await refused(/belongs to pgvb_mallory_\w+/, /DROP SCHEMA pgvector_backfill CASCADE/);
    // The application knows nothing of owners, but reads no view there.
    await expect(search()).rejects.toMatchObject({ code: 'SCHEMA_FOREIGN' });
    expect(await loot()).toEqual([]);
  });

  it('something in a schema that is ours: a table, a function, a trigger, a default, the right to make more', async () => {
    await pool.query(`CREATE SCHEMA pgvector_backfill; GRANT ALL ON SCHEMA pgvector_backfill TO ${MALLORY}`);
    await mallory.query(`CREATE TABLE pgvector_backfill.docs_embedding_stage (id bigint PRIMARY KEY, embedding vector(8) NOT NULL, text_hash bytea NOT NULL,
        batch integer NOT NULL, staged_at timestamptz NOT NULL DEFAULT now(), truncated boolean NOT NULL DEFAULT false, adopted boolean NOT NULL DEFAULT false);
      CREATE TRIGGER robbed BEFORE INSERT ON pgvector_backfill.docs_embedding_stage FOR EACH ROW EXECUTE FUNCTION public.robbed();
      GRANT ALL ON pgvector_backfill.docs_embedding_stage TO PUBLIC`);
    await refused(
      /pgvb_mallory_\w+ may create objects in it.*docs_embedding_stage belongs to pgvb_mallory_\w+/,
      /REVOKE CREATE ON SCHEMA/,
    );
    await pool.query(`REVOKE CREATE ON SCHEMA pgvector_backfill FROM ${MALLORY}`);
    await refused(
      /docs_embedding_stage belongs to pgvb_mallory_\w+/,
      /DROP TABLE pgvector_backfill\.docs_embedding_stage/,
    );
    // Given away, or taken over with the trigger still on it.
    await pool.query('ALTER TABLE pgvector_backfill.docs_embedding_stage OWNER TO CURRENT_USER');
    await refused(/the trigger robbed, whose function belongs to pgvb_mallory_\w+/, /DROP TRIGGER robbed ON/);
    await pool.query('DROP TRIGGER robbed ON pgvector_backfill.docs_embedding_stage');
    await pool.query('CREATE TABLE heirs () INHERITS (pgvector_backfill.docs_embedding_stage)');
    await refused(/inherit/, /take away/);
    await pool.query(
      'DROP TABLE heirs; CREATE RULE sly AS ON INSERT TO pgvector_backfill.docs_embedding_stage DO ALSO SELECT 1',
    );
    await refused(/has rules/, /take away/);
    await pool.query(
      'DROP RULE sly ON pgvector_backfill.docs_embedding_stage; ALTER TABLE pgvector_backfill.docs_embedding_stage ENABLE ROW LEVEL SECURITY',
    );
    await refused(/row-level security/, /take away/);
    await pool.query('ALTER TABLE pgvector_backfill.docs_embedding_stage DISABLE ROW LEVEL SECURITY');
    await mallory.query(`CREATE FUNCTION public.sly(text) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$`);
    await pool.query(
      `ALTER TABLE pgvector_backfill.docs_embedding_stage ALTER batch SET DEFAULT public.sly('x')`,
    );
    await refused(/calls (public\.)?sly\(text\), which belongs to pgvb_mallory_\w+/, /DROP TABLE/);
    await pool.query('ALTER TABLE pgvector_backfill.docs_embedding_stage ALTER batch DROP DEFAULT');
    expect(await blocking()).toEqual([]);
    await migrate(pool);
    expect(await (await runAll(pool, config, hashEmbedder())).account()).toMatchObject({ embedded: 8 });
  });

  it('a trigger that comes later, with the right of TRIGGER: the next worker does not begin', async () => {
    await migrate(pool);
    await runAll(pool, config, hashEmbedder());
    await pool.query(
      `GRANT USAGE ON SCHEMA pgvector_backfill TO ${MALLORY}; GRANT TRIGGER ON pgvector_backfill.docs_embedding_stage TO ${MALLORY}`,
    );
    await mallory.query(
      'CREATE TRIGGER robbed BEFORE INSERT ON pgvector_backfill.docs_embedding_stage FOR EACH ROW EXECUTE FUNCTION public.robbed()',
    );
    const another = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    try {
      await expect(migrate(another)).rejects.toMatchObject({ code: 'SCHEMA_FOREIGN' });
      const run = await latestRun(another, config.backfill);
      await expect(run === null ? null : targetOfRun(another, run, config.settings)).rejects.toMatchObject({
        code: 'SCHEMA_FOREIGN',
      });
    } finally {
      await another.end();
    }
    expect(await loot()).toEqual([]);
  });

  it('search_<table> with our comment and another owner, or another body', async () => {
    await migrate(pool);
    const { target } = (await runAll(pool, config, hashEmbedder())).context;
    const plan = () => planSearchFunction(pool, target, 'cosine', { 'hnsw.ef_search': '40' });
    for (const sql of (await plan()).statements) await pool.query(sql);
    expect(await plan()).toMatchObject({ statements: [], obstacle: null });
    const { rows } = await pool.query<{ mark: string }>(
      `SELECT obj_description('public.search_docs(vector, integer)'::regprocedure) AS mark`,
    );
    const forged = `CREATE OR REPLACE FUNCTION public.search_docs(query vector, k integer DEFAULT 10) RETURNS TABLE (key bigint, distance double precision)
      LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES ('asked', current_user); END $$`;
    await pool.query(forged);
    const again = (await plan()).statements;
    expect(again).toEqual([
      expect.stringMatching(/^CREATE OR REPLACE FUNCTION "public"\."search_docs"/),
      expect.stringMatching(/^COMMENT/),
    ]);
    for (const sql of again) await pool.query(sql);
    expect(await plan()).toMatchObject({ statements: [] });
    await pool.query('DROP FUNCTION public.search_docs');
    await mallory.query(forged);
    await mallory.query(
      `COMMENT ON FUNCTION public.search_docs(vector, integer) IS '${rows[0]?.mark ?? ''}'`,
    );
    expect(await plan()).toMatchObject({
      statements: [],
      obstacle: expect.stringContaining(`role ${MALLORY}`) as string,
    });
    const [finding] = await blocking();
    expect(finding).toMatchObject({
      check: 'names',
      remedy: expect.stringContaining('DROP FUNCTION') as string,
    });
    expect(await loot()).toEqual([]);
  });

  it('the schema of the queue in PostgreSQL', async () => {
    await mallory.query('CREATE SCHEMA bullmq; GRANT ALL ON SCHEMA bullmq TO PUBLIC');
    await expect(reachQueue(database.databaseUrl)).rejects.toMatchObject({ code: 'SCHEMA_FOREIGN' });
  });
});
