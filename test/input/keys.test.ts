/** Keys at the ends of their type: every row is in exactly one batch, is embedded, and is found again by sync. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, travel } from '../setup/small-road.ts';

const TYPES = [
  ['smallint', -(2n ** 15n), 2n ** 15n - 1n],
  ['integer', -(2n ** 31n), 2n ** 31n - 1n],
  ['bigint', -(2n ** 63n), 2n ** 63n - 1n],
] as const;

describe.runIf(hasPostgres())('keys', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION vector');
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it.each(TYPES)('of type %s, anywhere between %s and %s', async (type, least, most) => {
    const key = fc.oneof(
      fc.constantFrom(least, least + 1n, -1n, 0n, 1n, most - 1n, most),
      fc.bigInt({ min: least, max: most }),
    );
    const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.integer({ min: 1, max: 5 }), async (first, later, batchRows) => {
        await pool.query('DROP TABLE IF EXISTS docs, docs_embedding_stage');
        await pool.query('DELETE FROM pgvector_backfill.run');
        await pool.query('DELETE FROM pgvector_backfill.backfill');
        await pool.query(`CREATE TABLE docs (id ${type} PRIMARY KEY, body text)`);
        const insert = `INSERT INTO docs SELECT k, 'text ' || k FROM unnest($1::${type}[]) k ON CONFLICT (id) DO UPDATE SET body = 'edited'`;
        await pool.query(insert, [first]);
        const config = await loadConfig({
          flags: { table: 'docs', text: 'body', 'batch-rows': String(batchRows) },
          env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
          cwd: '/',
        });
        expect(await complaints(pool, config)).toEqual([]);
        const road = await travel(pool, config, hashEmbedder());
        const placed = await pool.query<{ batches: number }>(
          `SELECT (SELECT count(*)::int FROM pgvector_backfill.batch b WHERE b.run = $1
                    AND (b.lower_key IS NULL OR d.id >= b.lower_key::${type}) AND (b.upper_key IS NULL OR d.id < b.upper_key::${type})) AS batches FROM docs d`,
          [road.run.id],
        );
        expect(placed.rows.every(({ batches }) => batches === 1)).toBe(true);
        expect(road.run).toMatchObject({
          rowsPlanned: first.length,
          batchesPlanned: Math.ceil(first.length / batchRows),
        });
        expect(await road.account()).toMatchObject({ eligible: first.length, embedded: first.length });
        await pool.query(`DELETE FROM docs WHERE id = $1`, [first[0]]);
        await pool.query(insert, [later]);
        expect(await road.sync()).toBe(0);
        const now = new Set([...first.slice(1), ...later]).size;
        expect(await road.account()).toMatchObject({ eligible: now, embedded: now });
        const staged = await pool.query('SELECT 1 FROM docs_embedding_stage');
        expect(staged.rowCount).toBe(now);
      }),
      { numRuns: 8 },
    );
  });
});
