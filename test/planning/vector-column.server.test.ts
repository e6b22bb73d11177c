/** A table whose vectors are of another dimension: what doctor says to do must be something that works. */

import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createIndexSql, findIndex, wantedIndex } from '../../src/finalize/index-definition.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkAddedColumns, checkExistingObjects } from '../../src/planning/checks/existing-objects.ts';
import { checkVectorColumn } from '../../src/planning/checks/legacy-table.ts';
import { applyDdl } from '../../src/planning/ddl.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';

let database: TestDatabase;
let pool: Pool;
afterEach(async () => {
  await pool.end();
  await database.drop();
});

describe.each(databases())('vectors of another dimension on $name', ({ create }) => {
  it('are told from the catalog, whatever way a session writes the names of types', async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    const settings = await makeSettings({ table: 'docs', text: 'body', 'index-type': 'halfvec' });
    await applyDdl(pool, await describeTarget(pool, 'docs', settings), 3);
    const target = await describeTarget(pool, 'docs', settings);
    const wanted = wantedIndex(target, settings, 10);
    await pool.query(createIndexSql(target, wanted));
    const session = new pg.Client({ connectionString: database.databaseUrl });
    await session.connect();
    try {
      await session.query(
        `SET quote_all_identifiers = on; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'`,
      );
      expect((await checkVectorColumn(session, target, 3)).map(({ level }) => level)).toEqual(['ok', 'ok']);
      expect((await checkVectorColumn(session, target, 5)).map(({ level }) => level)).toEqual([
        'error',
        'error',
      ]);
      expect(await checkAddedColumns(session, target)).toEqual([]);
      expect(await findIndex(session, target, wanted)).toEqual({ kind: 'valid' });
    } finally {
      await session.end();
    }
  });

  it('are cured by taking the backfill out, or by another column, which has a staging table of its own', async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    const targetOf = async (column: string): Promise<Target> =>
      describeTarget(pool, 'docs', await makeSettings({ table: 'docs', text: 'body', column }));
    const remedies = async (target: Target): Promise<string[]> =>
      (await checkVectorColumn(pool, target, 5)).flatMap(({ level, remedy }) =>
        level === 'error' ? [remedy ?? ''] : [],
      );
    const target = await targetOf('embedding');
    await applyDdl(pool, target, 3);
    for (const remedy of await remedies(target)) expect(remedy).toContain('rollback --to-legacy-schema');
    expect(await remedies(await targetOf('other'))).toEqual([]);

    // As `complete` leaves it.
    await pool.query(`DROP TABLE ${target.stage}`);
    await pool.query(`CREATE INDEX ${target.indexName} ON docs USING hnsw (embedding vector_cosine_ops)`);
    const [remedy] = await remedies(target);
    expect(remedy).toContain('another column');
    const other = await targetOf('other');
    expect([...(await remedies(other)), ...(await checkExistingObjects(pool, other))]).toEqual([]);
  });
});
