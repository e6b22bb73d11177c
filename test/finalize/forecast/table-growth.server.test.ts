/** What writing the vectors is said to take against what the server's tables grow by. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { mergeSql } from '../../../src/pipeline/store/column-writes.ts';
import { applyDdl } from '../../../src/planning/ddl.ts';
import { forecastTableGrowth } from '../../../src/finalize/forecast/table-growth.ts';
import { PAGE_BYTES } from '../../../src/table/heap-pages.ts';
import { textHashSql } from '../../../src/ledger/rows/row-state.ts';
import type { Target } from '../../../src/table/backfill-target.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../../setup/databases.ts';
import { makeSettings } from '../../table/make-target.ts';

const ROWS = 6000;
const FINGERPRINT = 'f';
const BATCH = 500;

interface Wal {
  bytes: number;
  fullPages: number;
}

interface Sizes {
  heapBytes: number;
  toastBytes: number;
  otherIndexBytes: number;
  stageBytes: number;
}

describe.runIf(hasPostgres())('the forecast of the table growth', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  /** @param words SQL of the number of md5 sums in row i's text */
  async function load(words: string): Promise<void> {
    await pool.query(
      `CREATE TABLE things (id bigint PRIMARY KEY, title text, day date, body text) WITH (autovacuum_enabled = off)`,
    );
    await pool.query(
      `INSERT INTO things SELECT i, 'thing ' || i, now(), (SELECT string_agg(md5((i * w)::text), ' ') FROM generate_series(1, ${words}) w)
         FROM generate_series(1, $1) i`,
      [ROWS],
    );
    await pool.query('CREATE INDEX things_title ON things (title)');
    await pool.query('VACUUM ANALYZE things');
  }

  async function sizes(target: Target): Promise<Sizes> {
    const found = await pool.query<Sizes>(
      `SELECT pg_relation_size('things')::float8 AS "heapBytes",
              coalesce((SELECT pg_total_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'things'::regclass AND reltoastrelid <> 0), 0)::float8 AS "toastBytes",
              pg_indexes_size('things')::float8 AS "otherIndexBytes",
              coalesce(pg_total_relation_size(to_regclass($1)), 0)::float8 AS "stageBytes"`,
      [target.stage],
    );
    return found.rows[0] as Sizes;
  }

  /** The statement's own WAL, whatever else the server does, and how many pages it holds in full. */
  async function walOf(sql: string, values: unknown[]): Promise<Wal> {
    const told = await pool.query<{ 'QUERY PLAN': [{ Plan: { 'WAL Bytes': number; 'WAL FPI': number } }] }>(
      `EXPLAIN (ANALYZE, WAL, FORMAT JSON) ${sql}`,
      values,
    );
    const plan = told.rows[0]?.['QUERY PLAN'][0].Plan;
    return { bytes: plan?.['WAL Bytes'] ?? 0, fullPages: plan?.['WAL FPI'] ?? 0 };
  }

  /** By the statements of the run itself, in its order. */
  async function writeVectors(target: Target, dimensions: number, isVacuumed = false): Promise<Wal> {
    await applyDdl(pool, target, dimensions);
    await pool.query('CHECKPOINT');
    const wal = await walOf(
      `INSERT INTO ${target.stage} (id, embedding, text_hash, batch)
       SELECT id, (SELECT array_agg(random() + 0 * (i + id)) FROM generate_series(1, ${dimensions}) i)::vector, ${textHashSql(target, '$1')}, 1
         FROM ${target.table} ORDER BY id`,
      [FINGERPRINT],
    );
    for (let first = 1; first <= ROWS; first += BATCH) {
      const keys = Array.from({ length: BATCH }, (_, each) => String(first + each));
      const values: unknown[] = [FINGERPRINT];
      const merged = await walOf(mergeSql(target, '$1', keys, values), values);
      wal.bytes += merged.bytes;
      wal.fullPages += merged.fullPages;
      // As autovacuum would.
      if (isVacuumed) await pool.query('VACUUM things');
    }
    return wal;
  }

  it.each([
    ['384 dimensions in line', 384, 'vector', '1', { toasted: 0 }],
    [
      '384 dimensions, in line where the text leaves room',
      384,
      'vector',
      '1 + (i % 2)::int * 30',
      { toasted: 0.5 },
    ],
    ['768 dimensions out of line', 768, 'vector', '3', { toasted: 1 }],
    ['768 dimensions of halfvec in line', 768, 'halfvec', '1', { toasted: 0 }],
    ['1,536 dimensions, more than a chunk each', 1536, 'vector', '1', { toasted: 1 }],
  ] as const)(
    '%s: growth within a twentieth, WAL within a tenth',
    async (_, dimensions, type, words, { toasted }) => {
      await load(words);
      const settings = await makeSettings({
        table: 'things',
        text: 'title,body',
        'column-type': type,
        database: database.databaseUrl,
      });
      const target = await describeTarget(pool, 'things', settings);
      const expected = await forecastTableGrowth({ pool, target, settings, dimensions, rows: ROWS });
      const before = await sizes(target);
      const wal = await writeVectors(target, dimensions);
      const after = await sizes(target);
      const grown = (field: keyof Sizes): number => after[field] - before[field];
      const off = (expectedBytes: number, actual: number): number => Math.abs(expectedBytes / actual - 1);
      const table = grown('heapBytes') + grown('toastBytes');
      expect(off(expected.heapBytes + expected.toastBytes, table)).toBeLessThan(0.05);
      expect(Math.abs(expected.heapBytes - grown('heapBytes'))).toBeLessThan(0.05 * table);
      expect(expected.toastBytes > 0).toBe(toasted > 0);
      if (toasted > 0) expect(off(expected.toastBytes, grown('toastBytes'))).toBeLessThan(0.05);
      expect(off(expected.stageBytes, grown('stageBytes'))).toBeLessThan(0.05);
      expect(grown('otherIndexBytes')).toBeLessThanOrEqual(expected.otherIndexBytes * 1.05);
      // Another checkpoint meanwhile, of whoever shares the server, has pages written in full once more.
      const present = (before.heapBytes + before.otherIndexBytes) / PAGE_BYTES;
      const surplus = Math.max(0, wal.fullPages - present) * PAGE_BYTES;
      expect(expected.walBytes).toBeLessThan(wal.bytes * 1.1);
      expect(expected.walBytes).toBeGreaterThan((wal.bytes - surplus) * 0.9);
    },
  );

  it('says what the table grows by where autovacuum keeps up, of small rows with few dimensions', async () => {
    await load('6');
    const settings = await makeSettings({
      table: 'things',
      text: 'title,body',
      database: database.databaseUrl,
    });
    const target = await describeTarget(pool, 'things', settings);
    const said = () => forecastTableGrowth({ pool, target, settings, dimensions: 50, rows: ROWS });
    const unvacuumed = await said();
    expect(unvacuumed.heapMinBytes).toBe(unvacuumed.heapBytes);
    await pool.query('ALTER TABLE things RESET (autovacuum_enabled)');
    const { heapMinBytes = 0, heapBytes } = await said();
    await pool.query('ALTER TABLE things SET (autovacuum_enabled = off)');
    const before = await sizes(target);
    await writeVectors(target, 50, true);
    const grown = (await sizes(target)).heapBytes - before.heapBytes;
    expect(heapBytes).toBeGreaterThan(1.5 * grown);
    expect(Math.abs(heapMinBytes / grown - 1)).toBeLessThan(0.15);
  });
});
