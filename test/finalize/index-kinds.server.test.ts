/** Every kind of index, by every distance: built by the finalizer, found again, and used by searches. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { finalize } from '../../src/finalize/finalize.ts';
import { findIndex, wantedIndex } from '../../src/finalize/index-definition.ts';
import { accountFor } from '../../src/ledger/rows/accounting.ts';
import { findRun } from '../../src/ledger/run/run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { nearest, nearestSql, nearestValues, withScan } from '../../src/search/queries/vector-query.ts';
import { loadReadSettings } from '../../src/ledger/reads/read-settings.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { createDocs } from '../setup/docs-table.ts';
import { databases, hasPostgres, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, runAll, type RunResult } from '../setup/whole-run.ts';

const ROWS = 400;

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
for (const { name, create } of databases())
  describe.runIf(hasPostgres())(`an index on ${name}`, () => {
    let database: TestDatabase;
    let pool: Pool;
    beforeEach(async () => {
      database = await create();
      pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
      await createDocs(pool);
      await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, $1) n`, [ROWS]);
      await migrate(pool);
    });
    afterEach(async () => {
      await pool.end();
      await database.drop();
    });

    async function built(
      options: Record<string, string>,
      dimensions = 8,
    ): Promise<{ result: RunResult; target: Target; config: Config }> {
      const config = await loadConfig({
        flags: {},
        env: {
          DATABASE_URL: database.databaseUrl,
          BACKFILL_TABLE: 'docs',
          BACKFILL_TEXT: 'body',
          ...options,
        },
        cwd: '/',
      });
      const result = await runAll(pool, config, hashEmbedder(dimensions), { index: false });
      const run = await findRun(pool, result.run.uid);
      if (run === null) throw new Error('no run');
      const input = { pool, settings: config.settings, run, force: false, logger: silentLogger };
      const finalizeOnce = async (): ReturnType<typeof finalize> =>
        finalize({
          ...input,
          target: await describeTarget(pool, config.backfill, config.settings),
          onProgress: () => Promise.resolve(),
        });
      expect(await finalizeOnce()).toMatchObject({ kind: 'indexed', built: true });
      expect(await finalizeOnce()).toMatchObject({ kind: 'indexed', built: false });
      return { result, config, target: await describeTarget(pool, config.backfill, config.settings) };
    }

    const planOf = async (target: Target, metric: 'cosine' | 'l2' | 'ip', vector: string): Promise<string> =>
      withScan(pool, target, 'index', async (client) => {
        const found = await client.query<{ 'QUERY PLAN': string }>(
          `EXPLAIN ${nearestSql(target, metric)}`,
          nearestValues(null, vector, 5),
        );
        return found.rows.map((row) => row['QUERY PLAN']).join(' ');
      });

    const vectorOf = async (target: Target, id: number): Promise<string> =>
      (await pool.query<{ v: string }>(`SELECT ${target.column}::text AS v FROM docs WHERE id = $1`, [id]))
        .rows[0]?.v ?? '';

    for (const metric of ['cosine', 'l2', 'ip'] as const)
      it.each([
        ['hnsw', 'vector', 'vector', 'hnsw (embedding vector_'],
        ['hnsw', 'vector', 'halfvec', 'hnsw (((embedding)::halfvec(8)) halfvec_'],
        ['hnsw', 'halfvec', 'halfvec', 'hnsw (embedding halfvec_'],
        ['hnsw', 'vector', 'bit', 'hnsw (((binary_quantize(embedding))::bit(8)) bit_hamming_ops)'],
        ['hnsw', 'halfvec', 'bit', 'hnsw (((binary_quantize(embedding))::bit(8)) bit_hamming_ops)'],
        ['ivfflat', 'vector', 'vector', 'ivfflat (embedding'],
        ['ivfflat', 'vector', 'halfvec', 'ivfflat (((embedding)::halfvec(8)) halfvec_'],
        ['ivfflat', 'halfvec', 'halfvec', 'ivfflat (embedding halfvec_'],
      ])(`by ${metric}: %s, column %s, index %s`, async (method, columnType, type, definition) => {
        const { result, target, config } = await built({
          BACKFILL_INDEX_METHOD: method,
          BACKFILL_COLUMN_TYPE: columnType,
          BACKFILL_INDEX_TYPE: type,
          BACKFILL_METRIC: metric,
          BACKFILL_INDEX_LISTS: '4',
        });
        const { settings } = result.context;
        const shown = await pool.query<{ sql: string }>('SELECT pg_get_indexdef($1::regclass) AS sql', [
          target.indexName,
        ]);
        expect(shown.rows[0]?.sql).toContain(definition);
        expect(await findIndex(pool, target, wantedIndex(target, settings, ROWS))).toEqual({ kind: 'valid' });
        expect(await accountFor(pool, target, result.run.fingerprint)).toMatchObject({
          eligible: ROWS,
          embedded: ROWS,
        });
        // Asked again, doctor takes the index for what it is.
        expect(await complaints(pool, config)).toEqual([]);
        const vector = await vectorOf(target, 7);
        expect(await planOf(target, metric, vector)).toContain(`Index Scan using ${target.indexName}`);
        const read = {
          ...(await loadReadSettings(pool, target.backfill)),
          ...(method === 'ivfflat' ? { 'ivfflat.probes': '4' } : {}),
        };
        const [byIndex, exact] = [
          await nearest(pool, target, metric, vector, 5, 'index', { read }),
          await nearest(pool, target, metric, vector, 5, 'exact'),
        ];
        expect(byIndex.neighbours[0]?.key).toBe('7');
        expect(exact.neighbours[0]?.key).toBe('7');
        // The distance that is shown is that of the stored vectors, whatever the index is of.
        expect(byIndex.neighbours[0]?.distance).toBeCloseTo(exact.neighbours[0]?.distance ?? Number.NaN, 6);
        const reads = await settingsOfReads(pool, target);
        const made = await planSearchFunction(pool, target, metric, reads);
        for (const sql of made.statements) await pool.query(sql);
        const answer = await pool.query<{ key: string }>(`SELECT key::text FROM ${made.name}($1, 3)`, [
          vector,
        ]);
        expect(answer.rows[0]?.key).toBe('7');
      });

    it('of more than 2,000 dimensions is on halfvec by itself', async () => {
      const { target } = await built({}, 2500);
      expect(target.indexed).toEqual({ method: 'hnsw', type: 'halfvec' });
      expect(await planOf(target, 'cosine', await vectorOf(target, 1))).toContain('Index Scan using');
    });

    it('is of bits where there is no memory for more', async () => {
      const { target, result } = await built(
        {
          BACKFILL_INDEX_METHOD: 'auto',
          BACKFILL_INDEX_MAINTENANCE_WORK_MEM: '1MB',
          BACKFILL_INDEX_M: '70',
          BACKFILL_INDEX_EF_CONSTRUCTION: '140',
        },
        256,
      );
      expect(target).toMatchObject({
        indexed: { method: 'hnsw', type: 'bit' },
        indexName: 'docs_embedding_hnsw_idx',
      });
      const events = await pool.query<{ message: string }>(
        `SELECT message FROM pgvector_backfill.event WHERE run = $1 AND kind = 'index.chosen'`,
        [result.run.id],
      );
      expect(events.rows[0]?.message).toMatch(/^hnsw on bit: HNSW on vector needs .* HNSW on halfvec needs/);
      expect(await planOf(target, 'cosine', await vectorOf(target, 1))).toContain('Index Scan using');
    });

    it('is chosen, kept, and read with enough of its lists', async () => {
      const { target, result } = await built({
        BACKFILL_INDEX_METHOD: 'auto',
        // Enough for the lists, and less than any graph as dense as this one.
        BACKFILL_INDEX_MAINTENANCE_WORK_MEM: '1MB',
        BACKFILL_INDEX_M: '100',
        BACKFILL_INDEX_EF_CONSTRUCTION: '200',
        BACKFILL_INDEX_LISTS: '4',
      });
      expect(target).toMatchObject({
        indexed: { method: 'ivfflat', type: 'vector' },
        indexName: 'docs_embedding_ivfflat_idx',
      });
      expect(await loadReadSettings(pool, 'docs')).toEqual({ 'ivfflat.probes': '2' });
      const events = await pool.query<{ message: string }>(
        `SELECT message FROM pgvector_backfill.event WHERE run = $1 AND kind = 'index.chosen'`,
        [result.run.id],
      );
      expect(events.rows).toHaveLength(1);
      expect(events.rows[0]?.message).toMatch(/^ivfflat on vector: HNSW on vector needs \d+ MB of memory/);
    });
  });
