/** Whatever the key's shape: planning is one pass over its index, and a batch, a drain and a sweep read no more than their rows. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { nextMarked } from '../../src/ledger/batch/recount.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { planRun } from '../../src/planning/plan.ts';
import { recountMarked } from '../../src/sync/recount-batches.ts';
import { sweepAll } from '../../src/sync/sweep-missed-rows.ts';
import { createRun, findRun, type Run } from '../../src/ledger/run/run.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 8000;
const BATCH = 400;

/** Columns with the value of row n, from 0; the index where it is not the columns in their order. */
const SHAPES = [
  { name: 'bigint', columns: [['bigint', 'n']] },
  { name: 'text under an ICU collation', columns: [['text COLLATE "en-x-icu"', `'Key ' || md5(n::text)`]] },
  { name: 'numeric', columns: [['numeric', 'n / 7.0']] },
  {
    name: 'one tenant for all rows',
    columns: [
      ['uuid', `'00000000-0000-0000-0000-00000000000a'`],
      ['bigint', 'n'],
    ],
  },
  {
    name: 'few large tenants',
    columns: [
      ['uuid', `('00000000-0000-0000-0000-00000000000' || n / 3300)::uuid`],
      ['bigint', 'n'],
    ],
  },
  {
    name: 'many small tenants',
    columns: [
      ['integer', 'n / 3'],
      ['text', `'row ' || n % 3`],
    ],
  },
  {
    name: 'opposite orders behind one value',
    columns: [
      ['smallint', '7'],
      ['date', `'2000-01-01'::date + n / 2`],
      ['integer', 'n % 2'],
    ],
    index: 'k1, k2 DESC, k3',
  },
  {
    name: 'opposite orders',
    columns: [
      ['integer', 'n / 2700'],
      ['integer', 'n'],
    ],
    index: 'k1 DESC, k2',
  },
] as const;

describe.runIf(hasPostgres())('rows and index entries that are read', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    // One session, so that what it has read is told at once.
    pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  interface Reads {
    scans: number;
    rows: number;
    blocks: number;
  }
  async function reads(): Promise<Reads> {
    await pool.query('SELECT pg_stat_force_next_flush()');
    const found = await pool.query<Reads>(
      `SELECT t.seq_scan::int AS scans, (t.seq_tup_read + t.idx_tup_fetch)::int AS rows, (i.idx_blks_read + i.idx_blks_hit)::int AS blocks
         FROM pg_stat_user_tables t JOIN pg_statio_user_indexes i ON i.relid = t.relid AND i.indexrelname = 'docs_key' WHERE t.relname = 'docs'`,
    );
    return found.rows[0] as Reads;
  }
  async function readBy(work: () => Promise<unknown>): Promise<Reads> {
    const before = await reads();
    await work();
    const after = await reads();
    return {
      scans: after.scans - before.scans,
      rows: after.rows - before.rows,
      blocks: after.blocks - before.blocks,
    };
  }

  const both = SHAPES.flatMap((shape) => [
    { shape, name: shape.name, statistics: 'analysed' },
    ...(shape.name === 'bigint' ? [{ shape, name: shape.name, statistics: 'never analysed' }] : []),
  ]);
  it.each(both)('$name, $statistics', async ({ shape, statistics }) => {
    const names = shape.columns.map((_, at) => `k${at + 1}`);
    await pool.query('DROP TABLE IF EXISTS docs, pgvector_backfill.docs_embedding_stage CASCADE');
    await pool.query('TRUNCATE pgvector_backfill.backfill CASCADE');
    await pool.query(
      `CREATE TABLE docs (${shape.columns.map(([type], at) => `${names[at]} ${type} NOT NULL`).join(', ')}, body text) WITH (autovacuum_enabled = off)`,
    );
    await pool.query(
      `CREATE UNIQUE INDEX docs_key ON docs (${'index' in shape ? shape.index : names.join(', ')})`,
    );
    await pool.query(
      `INSERT INTO docs SELECT ${shape.columns.map(([, value]) => value).join(', ')}, 'text ' || n FROM generate_series(0, ${ROWS - 1}) n ORDER BY n`,
    );
    await pool.query(statistics === 'analysed' ? 'VACUUM ANALYZE docs' : 'VACUUM docs');
    const { backfill, settings } = await loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': String(BATCH) },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
    // The first run is what makes table and triggers; what is looked at is another one, over the same rows.
    const embedder = hashEmbedder();
    await pool.query(`UPDATE docs SET body = NULL`);
    const { context, run: earlier } = await runAll(pool, { backfill, settings } as never, embedder, {
      index: false,
    });
    await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
    await pool.query(`UPDATE docs SET body = 'text'`);
    await pool.query(`ALTER TABLE docs ENABLE TRIGGER USER`);
    await pool.query(statistics === 'analysed' ? 'VACUUM (ANALYZE, FREEZE) docs' : 'VACUUM (FREEZE) docs');
    await pool.query('DELETE FROM pgvector_backfill.run WHERE id = $1', [earlier.id]);
    const facts = { fingerprint: embedder.fingerprint, model: 'hash', dimensions: 8, batchRows: BATCH };
    const created = await createRun(pool, backfill, { ...facts, scope: {}, tableOid: context.target.oid });

    const pages =
      (
        await pool.query<{ pages: number }>(
          `SELECT relpages AS pages FROM pg_class WHERE relname = 'docs_key'`,
        )
      ).rows[0]?.pages ?? 0;
    const plan = await readBy(() =>
      planRun(pool, context.target, created, { ...facts, limitRows: null, resuming: false }),
    );
    expect(plan.scans).toBe(0);
    // Once over the index, and once more down to where each segment begins.
    expect(plan.blocks).toBeLessThan(1.1 * pages + 30);
    await moveRun(pool, created.id, ['planned'], 'running', '');
    const run = (await findRun(pool, created.uid)) as Run;
    expect(run.batchesPlanned).toBe(ROWS / BATCH);

    // Of a batch each statement reads its rows: states twice, locks, the merge, the count.
    for (const number of [1, 11, 20]) {
      const batch = await readBy(() => processBatch(context, run, number));
      expect(batch.scans).toBe(0);
      expect(batch.rows).toBeLessThan(12 * BATCH);
    }
    const rest = Array.from({ length: ROWS / BATCH }, (_, at) => at + 1);
    for (const number of rest) await processBatch(context, run, number);

    const sweep = await readBy(() => sweepAll({ pool, target: context.target, run }));
    expect(sweep.scans).toBe(0);
    expect(sweep.rows).toBeLessThan(3.5 * ROWS);
    await pool.query('UPDATE pgvector_backfill.batch SET recount = true WHERE run = $1 AND number = 12', [
      run.id,
    ]);
    expect(await nextMarked(pool, run.id, 0)).toMatchObject({ number: 12 });
    const recount = await readBy(() => recountMarked(pool, context.target, run, 0));
    expect(recount).toMatchObject({ scans: 0 });
    expect(recount.rows).toBeLessThan(3 * BATCH);
  });
});
