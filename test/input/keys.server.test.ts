/** Keys at the ends of their type: every row is in exactly one batch, is embedded, and is found again by sync. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { reopenBatchesOf } from '../../src/ledger/batch/batch.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { keyColumn } from '../table/make-key.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

/** Keys between two ends, as text: the ends themselves more often than chance would have it. */
const whole = (least: bigint, most: bigint): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(least, least + 1n, -1n, 0n, 1n, most - 1n, most),
      fc.bigInt({ min: least, max: most }),
    )
    .map(String);

const uuids = fc.oneof(
  fc.constantFrom(
    '00000000-0000-0000-0000-000000000000',
    '00000000-0000-0000-0000-000000000001',
    // Where the halves meet, and where a signed number would turn over.
    '00000000-0000-0000-ffff-ffffffffffff',
    '00000000-0000-0001-0000-000000000000',
    '7fffffff-ffff-ffff-ffff-ffffffffffff',
    '80000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ),
  fc.uuid(),
);

const TYPES = [
  ['smallint', whole(-(2n ** 15n), 2n ** 15n - 1n)],
  ['integer', whole(-(2n ** 31n), 2n ** 31n - 1n)],
  ['bigint', whole(-(2n ** 63n), 2n ** 63n - 1n)],
  ['uuid', uuids],
] as const;

describe.runIf(hasPostgres())('keys', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it.each(TYPES)('of type %s, anywhere between its ends', async (type, key) => {
    const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.integer({ min: 1, max: 5 }), async (first, later, batchRows) => {
        await pool.query('DROP TABLE IF EXISTS docs, pgvector_backfill.docs_embedding_stage');
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
        const result = await runAll(pool, config, hashEmbedder());
        const placed = await pool.query<{ batches: number }>(
          `SELECT (SELECT count(*)::int FROM pgvector_backfill.batch b WHERE b.run = $1
                    AND (b.lower_key IS NULL OR d.id >= b.lower_key::${type}) AND (b.upper_key IS NULL OR d.id < b.upper_key::${type})) AS batches FROM docs d`,
          [result.run.id],
        );
        expect(placed.rows.every(({ batches }) => batches === 1)).toBe(true);
        expect(result.run).toMatchObject({
          rowsPlanned: first.length,
          batchesPlanned: Math.ceil(first.length / batchRows),
        });
        expect(await result.account()).toMatchObject({ eligible: first.length, embedded: first.length });
        await pool.query(`DELETE FROM docs WHERE id = $1`, [first[0]]);
        await pool.query(insert, [later]);
        expect(await result.sync()).toBe(0);
        const now = new Set([...first.slice(1), ...later]).size;
        expect(await result.account()).toMatchObject({ eligible: now, embedded: now });
        const staged = await pool.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage');
        expect(staged.rowCount).toBe(now);
        const one = first[0] ?? '';
        expect(await reopenBatchesOf(pool, { key: [keyColumn('id', type)] }, result.run.id, [one])).toBe(1);
        const open = await pool.query<{ holds: boolean }>(
          `SELECT (lower_key IS NULL OR lower_key::${type} <= $2) AND (upper_key IS NULL OR upper_key::${type} > $2) AS holds
             FROM pgvector_backfill.batch WHERE run = $1 AND state <> 'merged'`,
          [result.run.id, one],
        );
        expect(open.rows).toEqual([{ holds: true }]);
      }),
      { numRuns: 8 },
    );
  });
});
