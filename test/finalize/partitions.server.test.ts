/** A partitioned table in a whole run: columns, capture, vectors, an index built partition by partition, and back. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { addedObjects, dropAddedIndexSql } from '../../src/cutover/added-objects.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { finalize, type FinalizeOutcome } from '../../src/finalize/finalize.ts';
import { estimatedRows, rowsOfLargestLeaf } from '../../src/table/estimated-rows.ts';
import { findRun } from '../../src/ledger/run/run.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { nearest } from '../../src/search/queries/vector-query.ts';
import { catchUp } from '../../src/sync/catch-up.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { explainSearch } from '../../src/verify/measures/plan.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { complaints, hashEmbedder, runAll, type RunResult } from '../setup/whole-run.ts';

const ROWS = 600;

for (const { name, create } of databases())
  describe(`a partitioned table on ${name}`, () => {
    let database: TestDatabase;
    let pool: Pool;
    let config: Config;
    beforeEach(async () => {
      database = await create();
      pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
      await pool.query(`
        CREATE SCHEMA attic;
        CREATE TABLE docs (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id);
        CREATE TABLE docs_low PARTITION OF docs FOR VALUES FROM (MINVALUE) TO (200);
        CREATE TABLE docs_mid PARTITION OF docs FOR VALUES FROM (200) TO (400) PARTITION BY HASH (id);
        CREATE TABLE docs_mid_0 PARTITION OF docs_mid FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE attic."Docs 1" PARTITION OF docs_mid FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE docs_high PARTITION OF docs FOR VALUES FROM (400) TO (10000);
        INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, ${ROWS}) n;`);
      await migrate(pool);
      config = await loadConfig({
        flags: {},
        env: {
          DATABASE_URL: database.databaseUrl,
          BACKFILL_TABLE: 'docs',
          BACKFILL_TEXT: 'body',
          BACKFILL_BATCH_ROWS: '50',
        },
        cwd: '/',
      });
    });
    afterEach(async () => {
      await pool.end();
      await database.drop();
    });

    const phases: string[] = [];
    const target = (): Promise<Target> => describeTarget(pool, config.backfill, config.settings);
    async function finalizeOnce(result: RunResult): Promise<FinalizeOutcome> {
      const run = await findRun(pool, result.run.uid);
      if (run === null) throw new Error('no run');
      const input = { pool, target: await target(), settings: config.settings, run, force: false };
      return finalize({
        ...input,
        logger: silentLogger,
        onProgress: ({ phase }) => Promise.resolve(void phases.push(phase)),
      });
    }
    const indexes = async (): Promise<Record<string, boolean>> => {
      const found = await pool.query<{ name: string; valid: boolean }>(
        `SELECT c.oid::regclass::text AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
           JOIN pg_am am ON am.oid = c.relam WHERE am.amname IN ('hnsw', 'ivfflat') ORDER BY 1`,
      );
      return Object.fromEntries(found.rows.map((row) => [row.name, row.valid]));
    };
    const ALL_VALID = {
      'attic."Docs 1_embedding_hnsw_idx"': true,
      docs_embedding_hnsw_idx: true,
      docs_high_embedding_hnsw_idx: true,
      docs_low_embedding_hnsw_idx: true,
      docs_mid_0_embedding_hnsw_idx: true,
      docs_mid_embedding_hnsw_idx: true,
    };

    it('gets its index partition by partition, once, and is searched by it', async () => {
      expect(await complaints(pool, config)).toEqual([]);
      const result = await runAll(pool, config, hashEmbedder(), { index: false });
      expect(await result.account()).toMatchObject({ eligible: ROWS, embedded: ROWS, missing: 0, stale: 0 });
      expect(await finalizeOnce(result)).toMatchObject({ kind: 'indexed', built: true });
      expect(await indexes()).toEqual(ALL_VALID);
      expect(await finalizeOnce(result)).toMatchObject({ kind: 'indexed', built: false });

      const run = await findRun(pool, result.run.uid);
      const { rows } = await pool.query<{ bytes: number }>(
        `SELECT sum(pg_relation_size(relid))::float8 AS bytes FROM pg_partition_tree('docs_embedding_hnsw_idx')`,
      );
      expect(run?.indexActual?.sizeBytes).toBe(rows[0]?.bytes);
      expect(await estimatedRows(pool, 'docs')).toBe(ROWS);
      expect(await rowsOfLargestLeaf(pool, { table: 'docs', isPartitioned: true }, 1000)).toBe(
        Math.ceil((1000 * 201) / ROWS),
      );

      const found = await pool.query<{ v: string }>('SELECT embedding::text AS v FROM docs WHERE id = 333');
      const vector = found.rows[0]?.v ?? '';
      const { neighbours } = await nearest(pool, await target(), config.settings.metric, vector, 5, 'index');
      expect(neighbours[0]).toMatchObject({ key: '333' });
      const plan = await explainSearch(
        { pool, target: await target(), settings: config.settings, read: {} },
        vector,
      );
      expect(plan).toMatchObject({ usesIndex: true });
      expect(plan.node).toMatch(
        /Append of Seq Scan, .* and 1 more \(Merge Append of Index Scan using .*_embedding_hnsw_idx/,
      );
    });

    it('goes on where an interrupted build has left it', async () => {
      const result = await runAll(pool, config, hashEmbedder(), { index: false });
      await finalizeOnce(result);
      const kept = await pool.query<{ oid: string }>(
        `SELECT 'docs_low_embedding_hnsw_idx'::regclass::oid AS oid`,
      );
      // As after a kill: one partition has come since, whose index was built and not attached; another's build did not end.
      await pool.query(`
        CREATE TABLE late (LIKE docs INCLUDING ALL);
        INSERT INTO late (id, body) SELECT n, 'text ' || n FROM generate_series(10000, 10050) n;
        CREATE TABLE docs_new PARTITION OF docs FOR VALUES FROM (20000) TO (30000);
        DROP INDEX docs_embedding_hnsw_idx;
        CREATE INDEX docs_embedding_hnsw_idx ON ONLY docs USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
        CREATE INDEX docs_low_embedding_hnsw_idx ON docs_low USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
        ALTER INDEX docs_embedding_hnsw_idx ATTACH PARTITION docs_low_embedding_hnsw_idx;
        CREATE INDEX docs_high_embedding_hnsw_idx ON docs_high USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
        CREATE INDEX docs_mid_0_embedding_hnsw_idx ON docs_mid_0 USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'docs_mid_0_embedding_hnsw_idx'::regclass;
        ALTER TABLE docs ATTACH PARTITION late FOR VALUES FROM (10000) TO (20000);`);
      const before = await pool.query<{ low: string; high: string }>(
        `SELECT 'docs_low_embedding_hnsw_idx'::regclass::oid AS low, 'docs_high_embedding_hnsw_idx'::regclass::oid AS high`,
      );
      expect(kept.rows[0]?.oid).not.toBe(before.rows[0]?.low);
      await moveRun(pool, result.run.id, ['finalizing', 'ready', 'verifying'], 'running', '');
      // The rows that came with the partition are found by the sweep, and embedded.
      expect(await result.account()).toMatchObject({ missing: 51 });
      await catchUp(result.context, result.run, true);
      expect(await result.account()).toMatchObject({ missing: 0, embedded: ROWS + 51 });
      expect(await finalizeOnce(result)).toMatchObject({ kind: 'indexed', built: true });
      const now = await indexes();
      expect(now).toMatchObject(ALL_VALID);
      expect(Object.values(now).every(Boolean)).toBe(true);
      expect(Object.keys(now)).toHaveLength(8);
      const after = await pool.query<{ low: string; high: string }>(
        `SELECT 'docs_low_embedding_hnsw_idx'::regclass::oid AS low, 'docs_high_embedding_hnsw_idx'::regclass::oid AS high`,
      );
      expect(after.rows).toEqual(before.rows);
    });

    // The embedded server has one session.
    it.runIf(name !== 'embedded')('gives way to writers, and comes back', async () => {
      const result = await runAll(pool, config, hashEmbedder(), { index: false });
      const writer = await pool.connect();
      await writer.query('BEGIN');
      await writer.query(`UPDATE docs SET body = 'text 7' WHERE id = 7`);
      const finalized = finalizeOnce(result);
      const waits = async (): Promise<boolean> => {
        const { rows } = await pool.query<{ waits: boolean }>(
          `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'docs'::regclass) AS waits`,
        );
        return rows[0]?.waits ?? false;
      };
      // Waits, has given up after its lock timeout, waits again.
      for (const wanted of [true, false, true]) while ((await waits()) !== wanted);
      await writer.query('COMMIT');
      writer.release();
      expect(await finalized).toMatchObject({ kind: 'indexed', built: true });
      expect(await indexes()).toEqual(ALL_VALID);
    });

    it('captures what is written to a partition, moved to another one, or detached', async () => {
      const result = await runAll(pool, config, hashEmbedder(), { index: false });
      await pool.query(`
        UPDATE docs_low SET body = 'written to the partition' WHERE id = 1;
        INSERT INTO docs_high (id, body) VALUES (5000, 'new in the partition');
        UPDATE docs SET id = 450 + 9000 WHERE id = 2;
        DELETE FROM docs_mid WHERE id = 300;`);
      expect(await result.sync()).toBe(0);
      expect(await result.account()).toMatchObject({ eligible: ROWS, embedded: ROWS, missing: 0, stale: 0 });
      await pool.query('ALTER TABLE docs DETACH PARTITION docs_low');
      expect(await result.account()).toMatchObject({ eligible: ROWS - 198, missing: 0, stale: 0 });
    });

    it('is keyed by the columns of its own index, and refused by one that is not unique by itself', async () => {
      await pool.query(`
        CREATE TABLE events (id bigint NOT NULL, day date NOT NULL, body text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');`);
      const { settings } = config;
      const told = (key?: string): Promise<string[]> =>
        complaints(pool, { backfill: 'events', settings: { ...settings, table: 'events', key }, file: null });
      expect(await told()).toEqual([]);
      expect(await told('id')).toEqual(['key: Key column id has no unique index of its own.']);
    });

    it('gives its index back, with that of each partition', async () => {
      const result = await runAll(pool, config, hashEmbedder(), { index: false });
      await finalizeOnce(result);
      // Built and not attached.
      await pool.query(`CREATE TABLE lone (LIKE docs);
        ALTER TABLE docs ATTACH PARTITION lone FOR VALUES FROM (10000) TO (20000);
        ALTER TABLE docs DETACH PARTITION docs_low;`);
      const { indexes: added } = await addedObjects(pool, await target());
      expect(added).toMatchObject([{ name: 'docs_embedding_hnsw_idx', isPartitioned: true }]);
      for (const each of added) await pool.query(dropAddedIndexSql(each));
      expect(await indexes()).toEqual({ docs_low_embedding_hnsw_idx: true });
    });
  });
