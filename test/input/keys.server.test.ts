/** Keys of every shape: each row is in exactly one batch, is embedded, is found again by sync, sweep and search. */

import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { reopenBatchesOf } from '../../src/ledger/batch/batch.ts';
import { listQuarantine } from '../../src/ledger/rows/quarantine.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { sweepAll } from '../../src/sync/sweep-missed-rows.ts';
import { nearest } from '../../src/search/queries/vector-query.ts';
import { keyBeforeSql, keyTextSql, legacyKey, parsedKeySql, sameKeySql } from '../../src/table/key.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { KEY_SHAPES, keysOf, makeKeyTypes, shapedTable } from '../setup/key-shapes.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';

describe.runIf(hasPostgres())('keys', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await makeKeyTypes(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await pool.query('DROP TABLE IF EXISTS docs, pgvector_backfill.docs_embedding_stage CASCADE');
    await pool.query('DELETE FROM pgvector_backfill.run');
    await pool.query('DELETE FROM pgvector_backfill.backfill');
  });

  const configOf = (batchRows: number): Promise<Config> =>
    loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': String(batchRows) },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  const rows = async (): Promise<number> =>
    (await pool.query<{ rows: number }>('SELECT count(*)::int AS rows FROM docs')).rows[0]?.rows ?? 0;

  it.each(KEY_SHAPES)('$name', async (shape) => {
    const { names, types, create, insert: insertOf, lists } = shapedTable(shape);
    const insert = insertOf(
      `'text ' || concat_ws('/', ${names.map((name) => `u.${name}::text`).join(', ')})`,
    );
    const keys = keysOf(shape, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc
        .asyncProperty(keys, keys, fc.integer({ min: 1, max: 5 }), async (first, later, batchRows) => {
          for (const sql of create) await pool.query(sql);
          await pool.query(insert, lists(first));
          const config = await configOf(batchRows);
          expect(await complaints(pool, config)).toEqual([]);
          const result = await runAll(pool, config, hashEmbedder());
          const { target } = result.context;
          const legacy = legacyKey(target);
          const there = await rows();
          const placed = await pool.query<{ batches: number }>(
            `SELECT (SELECT count(*)::int FROM pgvector_backfill.batch b WHERE b.run = $1
                      AND (b.lower_key IS NULL OR ${keyBeforeSql(target, parsedKeySql(target, 'b.lower_key'), legacy, true)})
                      AND (b.upper_key IS NULL OR ${keyBeforeSql(target, legacy, parsedKeySql(target, 'b.upper_key'))})) AS batches FROM docs`,
            [result.run.id],
          );
          expect(placed.rows.map(({ batches }) => batches)).toEqual(Array.from({ length: there }, () => 1));
          expect(result.run).toMatchObject({
            rowsPlanned: there,
            batchesPlanned: Math.ceil(there / batchRows),
          });
          expect(await result.account()).toMatchObject({ eligible: there, embedded: there });

          // Deleted, added, edited, and one that the model makes nothing of.
          const is = sameKeySql(
            target,
            names,
            types.map((type, at) => `$${at + 1}::text::${type}`),
          );
          await pool.query(`DELETE FROM docs WHERE ${is}`, [...(first[0] ?? [])]);
          await pool.query(insert, lists(later));
          await pool.query(
            `UPDATE docs SET body = body || ' edited' WHERE ctid = (SELECT max(ctid) FROM docs)`,
          );
          await pool.query(`UPDATE docs SET body = '…' WHERE ${is}`, [...(later[0] ?? [])]);
          expect(await result.sync()).toBe(0);
          const now = await rows();
          expect(await result.account()).toMatchObject({ eligible: now, embedded: now - 1, quarantined: 1 });
          const keyText = keyTextSql(target, legacy);
          const [unknown] = (
            await pool.query<{ key: string }>(`SELECT ${keyText} AS key FROM docs WHERE body = '…'`)
          ).rows;
          expect(await listQuarantine(pool, 'docs', 9)).toMatchObject([{ key: unknown?.key }]);
          expect((await pool.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage')).rowCount).toBe(
            now - 1,
          );
          await pool.query(`UPDATE docs SET body = 'known' WHERE body = '…'`);
          expect(await result.sync()).toBe(0);
          expect(await result.account()).toMatchObject({ eligible: now, embedded: now });

          // What no trigger has seen.
          await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
          await pool.query(`UPDATE docs SET body = 'unseen' WHERE ${is}`, [...(later[0] ?? [])]);
          expect(await sweepAll({ pool, target, run: result.run })).toBe(1);
          expect(await result.sync()).toBe(0);
          await pool.query('ALTER TABLE docs ENABLE TRIGGER USER');
          expect(await listQuarantine(pool, 'docs', 9)).toEqual([]);

          const one = unknown?.key ?? '';
          expect(await reopenBatchesOf(pool, target, result.run.id, [one])).toBe(1);
          const [vector] = (
            await pool.query<{ vector: string }>(
              `SELECT embedding::text AS vector FROM docs WHERE ${keyText} = $1`,
              [one],
            )
          ).rows;
          const found = await nearest(pool, target, 'cosine', vector?.vector ?? '', now, 'exact');
          expect(found.neighbours[0]?.key).toBe(one);
          const all = await pool.query<{ key: string }>(`SELECT ${keyText} AS key FROM docs`);
          expect(new Set(found.neighbours.map((each) => each.key))).toEqual(
            new Set(all.rows.map((each) => each.key)),
          );
        })
        .beforeEach(async () => {
          await pool.query('DROP TABLE IF EXISTS docs, pgvector_backfill.docs_embedding_stage CASCADE');
          await pool.query('DELETE FROM pgvector_backfill.run');
          await pool.query('DELETE FROM pgvector_backfill.backfill');
        }),
      { numRuns: 2 },
    );
  });

  it('are told the same by sessions that write dates, bytes and times in their own way', async () => {
    await pool.query(
      'CREATE TABLE docs (k1 date, k2 timestamptz, k3 bytea, k4 interval, body text, PRIMARY KEY (k1, k2, k3, k4))',
    );
    const insert = `INSERT INTO docs SELECT '2024-03-04'::date + n, '2024-03-04 05:06:07.000008+00'::timestamptz + n * interval '1 s',
      decode('00ff5c' || to_hex(16 + n), 'hex'), n * interval '1 day 2 hours', 'text ' || n FROM generate_series($1::int, $2::int) n`;
    await pool.query(insert, [1, 30]);
    const result = await runAll(pool, await configOf(7), hashEmbedder());
    const application = new pg.Client({ connectionString: database.databaseUrl });
    await application.connect();
    try {
      await application.query(
        `SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'; SET bytea_output = escape; SET IntervalStyle = iso_8601; SET standard_conforming_strings = off`,
      );
      await application.query(insert, [31, 40]);
      await application.query(`UPDATE docs SET body = 'edited' WHERE body IN ('text 3', 'text 35')`);
      await application.query(
        `UPDATE docs SET k2 = k2 + interval '1 year', k1 = k1 + 400 WHERE body = 'text 4'`,
      );
      await application.query(`DELETE FROM docs WHERE body IN ('text 5', 'text 36')`);
    } finally {
      await application.end();
    }
    const noted = await pool.query<{ key: string }>(
      'SELECT DISTINCT key FROM pgvector_backfill.change ORDER BY key',
    );
    expect(noted.rows[0]?.key).toBe(
      String.raw`["2024-03-07", "2024-03-04 05:06:10.000008+00", "\\x00ff5c13", "3 days 06:00:00"]`,
    );
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ eligible: 38, embedded: 38, stale: 0, missing: 0 });
    expect((await pool.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage')).rowCount).toBe(38);
  });
});
