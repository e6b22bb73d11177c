/** The table of vectors beside: who may read what of it, and what becomes of a name that is somebody else's. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { forecastTableGrowth } from '../../src/finalize/forecast/table-growth.ts';
import { tableSizes } from '../../src/table/table-sizes.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { applyDdl, missingDdl } from '../../src/planning/ddl.ts';
import { checkStore } from '../../src/planning/checks/store.ts';
import { dropRole, hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

const ending = randomBytes(4).toString('hex');
const [READER, STRANGER] = [`pgvb_reader_${ending}`, `pgvb_stranger_${ending}`];

describe.runIf(hasPostgres())('the table of vectors beside', () => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  beforeEach(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await createDocs(pool, 20);
    config = await loadConfig({
      flags: { store: 'table' },
      env: {
        DATABASE_URL: database.databaseUrl,
        QUEUE_URL: database.queueUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
      },
      cwd: '/',
    });
  });
  afterEach(async () => {
    await pool.end();
    for (const role of [READER, STRANGER]) await dropRole(database.databaseUrl, role).catch(() => {});
    await database.drop();
  });

  /** Ids that the role sees; the SQLSTATE where it may see none. */
  async function seenBy(role: string): Promise<number[] | string> {
    const url = new URL(database.databaseUrl);
    [url.username, url.password] = [role, 'x'];
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      const { rows } = await client.query<{ id: string }>('SELECT id FROM docs_embedding ORDER BY id');
      return rows.map(({ id }) => Number(id));
    } catch (error) {
      return (error as pg.DatabaseError).code ?? '';
    } finally {
      await client.end();
    }
  }

  it('shows a role the vectors of those rows alone that it sees, whatever becomes of its rights', async () => {
    await pool.query(`CREATE ROLE ${READER} LOGIN PASSWORD 'x'; CREATE ROLE ${STRANGER} LOGIN PASSWORD 'x';
      ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${STRANGER};
      GRANT SELECT ON docs TO ${READER}`);
    await runAll(pool, config, hashEmbedder());
    expect(await seenBy(READER)).toHaveLength(20);
    expect(await seenBy(STRANGER)).toBe('42501');
    const { backfill, settings } = config;
    const advice = async (): Promise<string[]> =>
      (await checkStore(pool, await describeTarget(pool, backfill, settings))).map(
        ({ level, remedy }) => `${level} ${remedy ?? ''}`,
      );
    expect(await advice()).toEqual(['ok ']);
    await pool.query(`GRANT SELECT ON docs TO ${STRANGER}`);
    expect(await advice()).toEqual([
      expect.stringContaining(`warn GRANT SELECT ON "public"."docs_embedding" TO ${STRANGER};`),
    ]);
    // Row-level security that comes later.
    await pool.query('ALTER TABLE docs ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON docs USING (id <= 3)');
    expect(await seenBy(READER)).toEqual([1, 2, 3]);
    await pool.query(`REVOKE SELECT ON docs FROM ${READER}`);
    expect(await seenBy(READER)).toBe('42501');
    // Another table under its name: the policy is made for that one.
    const target = await describeTarget(pool, backfill, settings);
    expect(await missingDdl(pool, target, 8)).toEqual([]);
    await pool.query(`ALTER TABLE docs RENAME TO docs_before; CREATE TABLE docs (LIKE docs_before INCLUDING ALL);
      INSERT INTO docs SELECT * FROM docs_before WHERE id > 15; GRANT SELECT ON docs TO ${READER}`);
    await applyDdl(pool, await describeTarget(pool, backfill, settings), 8);
    expect(await seenBy(READER)).toEqual([16, 17, 18, 19, 20]);
    await pool.query('ALTER TABLE docs_embedding DISABLE ROW LEVEL SECURITY');
    expect(await applyDdl(pool, await describeTarget(pool, backfill, settings), 8)).toHaveLength(3);
    await pool.query(`ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM ${STRANGER}`);
  });

  it('is not taken from somebody else, and leaves a table of its name alone', async () => {
    await pool.query('CREATE TABLE docs_embedding (id bigint PRIMARY KEY, embedding vector(8))');
    expect(await complaints(pool, config)).toEqual([
      expect.stringContaining('names: public.docs_embedding is there already'),
    ]);
    await expect(runAll(pool, config, hashEmbedder())).rejects.toMatchObject({ code: 'STORE_NAME_TAKEN' });
    await pool.query('DROP TABLE docs_embedding');
    await runAll(pool, config, hashEmbedder());
    expect(await complaints(pool, config)).toEqual([]);
    // Of the right shape, and not the one that was made.
    await pool.query(
      'ALTER TABLE docs_embedding RENAME TO kept; CREATE TABLE docs_embedding (LIKE kept INCLUDING ALL)',
    );
    expect(await complaints(pool, config)).toContainEqual(
      expect.stringContaining('names: public.docs_embedding is there already'),
    );
  });

  it('refuses a key column that is called as one of its own', async () => {
    await pool.query('ALTER TABLE docs RENAME COLUMN id TO chunk');
    expect(await complaints(pool, config)).toEqual([
      expect.stringContaining('Key column chunk of public.docs'),
    ]);
  });

  it('is what doctor advises where each update costs much', async () => {
    const { backfill, settings } = config;
    const found = async (store: 'column' | 'table'): Promise<string[]> => {
      const target = await describeTarget(pool, backfill, { ...settings, store });
      return (await checkStore(pool, target)).map(({ message }) => message);
    };
    expect(await found('column')).toEqual([]);
    expect(await found('table')).toEqual([expect.stringContaining('into public.docs_embedding')]);
    await pool.query(`CREATE INDEX ON docs (body); CREATE INDEX ON docs (md5(body)); CREATE INDEX ON docs (left(body, 1)); CREATE INDEX ON docs (length(body));
      CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER fires AFTER UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION nothing();
      CREATE TRIGGER other AFTER UPDATE OF body ON docs FOR EACH ROW EXECUTE FUNCTION nothing()`);
    expect(await found('column')).toEqual([
      expect.stringMatching(/the table has 5 indexes, 1 of its triggers fire for each: .*store.* table/),
    ]);
  });

  it.each([8, 384])('is as large as forecast, of %i dimensions', async (dimensions) => {
    const rows = 2000;
    await pool.query(`INSERT INTO docs SELECT n, 'bread ' || n FROM generate_series(21, $1::int) n`, [rows]);
    const { backfill, settings } = config;
    const described = await describeTarget(pool, backfill, settings);
    const forecast = await forecastTableGrowth({ pool, target: described, settings, dimensions, rows });
    await runAll(pool, config, hashEmbedder(dimensions), { index: false });
    const sizes = await tableSizes(pool, await describeTarget(pool, backfill, settings));
    // A table is extended by up to so many pages at a time.
    const isNear = (one = 0, other = 0): boolean => Math.abs(one - other) < 0.05 * other + 64 * 8192;
    expect(isNear(forecast.tableBytes, sizes.tableBytes)).toBe(true);
    expect(isNear(forecast.stageBytes, sizes.stageBytes)).toBe(true);
  });
});
