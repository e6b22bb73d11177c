/** A valid index built again beside itself: searches have one all the time, and what does not end leaves nothing behind. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool } from '../../../src/db/pool.ts';
import { indexParts } from '../../../src/finalize/build/rebuild.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';
import { until } from '../../setup/until.ts';
import { DIMENSIONS, INDEX, openVectorTable, type VectorTable } from '../../verify/vector-table.ts';
import { startBuild, type SupervisedBuild } from '../supervised-build.ts';

const ROWS = 300;

describe.runIf(hasPostgres())('the rebuild of an index', () => {
  let url: string;
  let table: VectorTable;
  let blocker: pg.Client;
  beforeEach(async () => {
    const database = await realDatabase();
    url = database.databaseUrl;
    table = await openVectorTable(database, ROWS);
    blocker = new pg.Client({ connectionString: url, application_name: 'the shop' });
    await blocker.connect();
  });
  afterEach(async () => {
    await blocker.end();
    await table.close();
  });

  const oidOf = async (): Promise<string> => (await indexParts(table.pool, INDEX))[0]?.oid ?? '';
  const start = async (rebuild: readonly string[]): Promise<SupervisedBuild> =>
    startBuild(table.pool, url, ROWS, {}, rebuild);
  const indexes = async (): Promise<{ name: string; valid: boolean }[]> =>
    (
      await table.pool.query<{ name: string; valid: boolean }>(
        `SELECT c.relname::text AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          WHERE i.indrelid = 'things'::regclass AND NOT i.indisprimary ORDER BY 1`,
      )
    ).rows;
  const ONE = [{ name: INDEX, valid: true }];

  it('replaces it once, tells how far it is, and clears away what an earlier one has left', async () => {
    const before = await oidOf();
    // As a REINDEX leaves it that was cut off; one of another column is nobody's leftover.
    await table.pool.query(`
      CREATE INDEX ${INDEX}_ccnew ON things USING hnsw (embedding vector_cosine_ops);
      CREATE INDEX ${INDEX}_ccold1 ON things (title);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('${INDEX}_ccnew'::regclass, '${INDEX}_ccold1'::regclass)`);
    const build = await start([before]);
    expect(await build.result).toMatchObject({ built: true, actual: { spilledAfter: null } });
    expect(await indexes()).toEqual([...ONE, { name: `${INDEX}_ccold1`, valid: false }]);
    const after = await oidOf();
    expect(after).not.toBe(before);
    expect(build.events).toMatchObject([
      { kind: 'index.leftover-dropped', message: `${INDEX}_ccnew was left by a rebuild that did not end` },
    ]);
    // A job that comes a second time finds that it is done.
    const again = await start([before]);
    expect(await again.result).toMatchObject({ built: false });
    expect(await oidOf()).toBe(after);
  });

  it('cancelled on the server, begins again; the present index serves meanwhile', async () => {
    const before = await oidOf();
    await blocker.query('BEGIN');
    await blocker.query('UPDATE things SET title = title WHERE id = 1');
    const build = await start([before]);
    const waiting = await build.untilProgress(({ blockers }) => blockers.length > 0);
    expect(waiting.phase).toMatch(/^rebuild: waiting for/);
    const { rows } = await table.pool.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()',
    );
    await table.pool.query('SELECT pg_cancel_backend($1)', [rows[0]?.pid]);
    await build.untilEvent('index.build-failed');
    expect(await indexes()).toContainEqual({ name: INDEX, valid: true });
    await blocker.query('ROLLBACK');
    expect(await build.result).toMatchObject({ built: true });
    expect(await indexes()).toEqual(ONE);
    expect(await oidOf()).not.toBe(before);
  });

  it('builds one that is gone, and leaves one of another definition alone', async () => {
    const before = await oidOf();
    await table.pool.query(`DROP INDEX ${INDEX}`);
    expect(await (await start([before])).result).toMatchObject({ built: true });
    expect(await indexes()).toEqual(ONE);
    await table.pool.query(
      `DROP INDEX ${INDEX}; CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_l2_ops)`,
    );
    await expect((await start([await oidOf()])).result).rejects.toMatchObject({ code: 'INDEX_NAME_TAKEN' });
  });
});

describe.runIf(hasPostgres())('the rebuild of a partitioned index', () => {
  it('goes from leaf to leaf, and on where it was left', async () => {
    const database = await realDatabase();
    const pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    try {
      await migrate(pool);
      await pool.query(`
        CREATE EXTENSION IF NOT EXISTS vector;
        CREATE TABLE things (id bigint PRIMARY KEY, title text, embedding vector(${DIMENSIONS})) PARTITION BY RANGE (id);
        CREATE TABLE things_low PARTITION OF things FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE "Things high" PARTITION OF things FOR VALUES FROM (100) TO (MAXVALUE);
        INSERT INTO things SELECT n, 't', (SELECT array_agg(random() + 0 * (n + d)) FROM generate_series(1, ${DIMENSIONS}) d)::vector FROM generate_series(1, ${ROWS}) n;`);
      await (
        await startBuild(pool, database.databaseUrl, ROWS)
      ).result;
      const parts = await indexParts(pool, INDEX);
      expect(parts).toHaveLength(2);
      const [first, second] = parts as [(typeof parts)[0], (typeof parts)[0]];
      // The first of them was through when the job was cut off.
      await pool.query(`REINDEX INDEX CONCURRENTLY ${first.name}`);
      const [done] = await indexParts(pool, INDEX);
      const rebuild = [first.oid, second.oid];
      const build = await startBuild(pool, database.databaseUrl, ROWS, {}, rebuild);
      expect(await build.result).toMatchObject({ built: true });
      const after = await indexParts(pool, INDEX);
      expect(after.map(({ name }) => name)).toEqual(parts.map(({ name }) => name));
      expect(after[0]?.oid).toBe(done?.oid);
      expect(after[1]?.oid).not.toBe(second.oid);
      await until('the parent is valid', async () => {
        const found = await pool.query<{ valid: boolean }>(
          `SELECT bool_and(i.indisvalid) AS valid FROM pg_index i WHERE i.indexrelid = '${INDEX}'::regclass`,
        );
        return found.rows[0]?.valid === true;
      });
    } finally {
      await pool.end();
      await database.drop();
    }
  });
});
