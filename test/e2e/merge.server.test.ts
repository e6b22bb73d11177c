/** What may happen between reading a row and writing its vector. On real PostgreSQL: the embedded one has a single session. */

import type { Embedder } from '../../src/embedding/embedder.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { claimBatch } from '../../src/ledger/batch/batch.ts';
import { createRun } from '../../src/ledger/run/run.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { PipelineContext } from '../../src/pipeline/pipeline-context.ts';
import { embedRows } from '../../src/pipeline/embed-rows.ts';
import { mergePage } from '../../src/pipeline/merge-rows.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { readWork } from '../../src/pipeline/read-rows.ts';
import { stagePage } from '../../src/pipeline/stage-rows.ts';
import { planRun } from '../../src/planning/plan.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import { pipelineContext } from '../setup/pipeline-context.ts';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

describe.runIf(hasPostgres())('between read and merge', () => {
  const model = sampleModel();
  let backfill: TestBackfill;
  let embedder: Embedder;
  let context: PipelineContext;

  beforeEach(async () => {
    backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '10',
      // What the batches do themselves is looked at, not what a trigger adds.
      BACKFILL_SYNC_MODE: 'off',
    });
    await createDocs(backfill.pool, 10, `'bread dough and yeast ' || n`);
    await backfill.enqueue();
    embedder = await openEmbedder(backfill.config.settings, 1);
    context = await pipelineContext(backfill, embedder);
  });
  afterEach(async () => {
    await embedder.close();
    await backfill.close();
  });

  async function claim(): Promise<NonNullable<Awaited<ReturnType<typeof claimBatch>>>> {
    const batch = await claimBatch(backfill.pool, (await backfill.run()).uid, 1);
    if (batch === null) throw new Error('the batch cannot be claimed');
    return batch;
  }
  const vectorOf = async (id: number): Promise<string | null> =>
    (
      await backfill.pool.query<{ v: string | null }>('SELECT embedding::text AS v FROM docs WHERE id = $1', [
        id,
      ])
    ).rows[0]?.v ?? null;

  it("a text that changes after it was read does not get the old text's vector", async () => {
    const batch = await claim();
    const { rows } = await readWork(context, batch, null, 10);
    const page = await embedRows(context, rows);
    await backfill.pool.query(`UPDATE docs SET body = 'a puppy that bites' WHERE id = 3`);
    expect(await stagePage(context, batch, rows, page)).toBe(true);
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await vectorOf(3)).toBeNull();
    expect(await vectorOf(4)).not.toBeNull();
    // The batch itself goes over its range again and catches it.
    expect(await processBatch(context, await backfill.run(), 1)).toMatchObject({
      kind: 'merged',
      counts: { embedded: 10, changed: 0 },
    });
    expect(await backfill.account()).toMatchObject({ embedded: 10, stale: 0, missing: 0 });
  });

  it('a row that another transaction holds is skipped, and merged once it is free', async () => {
    const batch = await claim();
    const { rows } = await readWork(context, batch, null, 10);
    const page = await embedRows(context, rows);
    await stagePage(context, batch, rows, page);
    const writer = await backfill.pool.connect();
    await writer.query('BEGIN');
    await writer.query(`UPDATE docs SET body = 'a kitten that sleeps' WHERE id = 5`);
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await backfill.account()).toMatchObject({ embedded: 9, missing: 1 });
    await writer.query('COMMIT');
    writer.release();
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    // It is the text of that transaction now; the vector of the one before is not for it.
    expect(await vectorOf(5)).toBeNull();
    expect(await processBatch(context, await backfill.run(), 1)).toMatchObject({ counts: { embedded: 10 } });
  });

  it('rows that other rows refer to are not held up, nor do they hold up the merge', async () => {
    const batch = await claim();
    const { rows } = await readWork(context, batch, null, 10);
    const page = await embedRows(context, rows);
    await stagePage(context, batch, rows, page);
    await backfill.pool.query('CREATE TABLE comments (doc bigint REFERENCES docs)');
    const writer = await backfill.pool.connect();
    await writer.query('BEGIN');
    await writer.query('INSERT INTO comments SELECT id FROM docs');
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await backfill.account()).toMatchObject({ embedded: 10 });
    await writer.query('COMMIT');
    writer.release();
  });

  it('a batch that was staged and not merged is merged without embedding again', async () => {
    const batch = await claim();
    const { rows } = await readWork(context, batch, null, 10);
    await stagePage(context, batch, rows, await embedRows(context, rows));
    const asked: string[] = [];
    const counting: Embedder = {
      ...embedder,
      embed: (texts, options) => (asked.push(...texts), embedder.embed(texts, options)),
    };
    const outcome = await processBatch({ ...context, embedder: counting }, await backfill.run(), 1);
    expect(outcome).toMatchObject({ kind: 'merged', counts: { embedded: 10 } });
    expect(asked).toEqual([]);
  });

  it('a new vector that was staged and not merged is not mistaken for the old one in the table', async () => {
    await processBatch(context, await backfill.run(), 1);
    const old = await vectorOf(2);
    await backfill.pool.query(`UPDATE docs SET body = 'a guitar out of tune' WHERE id = 2`);
    await backfill.enqueue();
    const batch = await claim();
    const { rows } = await readWork(context, batch, null, 10);
    expect(rows.map((row) => row.key)).toEqual(['2']);
    await stagePage(context, batch, rows, await embedRows(context, rows));
    expect(await vectorOf(2)).toBe(old);
    expect(await backfill.account()).toMatchObject({ stale: 1 });
    expect(await processBatch(context, await backfill.run(), 1)).toMatchObject({ kind: 'merged' });
    expect(await vectorOf(2)).not.toBe(old);
    expect(await backfill.account()).toMatchObject({ embedded: 10, stale: 0 });
  });

  it('a worker that was overtaken writes nothing', async () => {
    const overtaken = await claim();
    const { rows } = await readWork(context, overtaken, null, 10);
    const page = await embedRows(context, rows);
    await claim();
    expect(await stagePage(context, overtaken, rows, page)).toBe(false);
    expect(await mergePage(context, overtaken, rows, page)).toBe(false);
    expect((await backfill.pool.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage')).rowCount).toBe(
      0,
    );
    expect(await backfill.account()).toMatchObject({ embedded: 0, missing: 10 });
  });

  it('rows that keep changing do not hold the batch: they are noted as changes', async () => {
    const restless: Embedder = {
      ...embedder,
      embed: async (texts, options) => {
        await backfill.pool.query(`UPDATE docs SET body = body || ' again' WHERE id = 7`);
        return embedder.embed(texts, options);
      },
    };
    expect(await processBatch({ ...context, embedder: restless }, await backfill.run(), 1)).toMatchObject({
      kind: 'merged',
      counts: { embedded: 9, changed: 1 },
    });
    expect((await backfill.pool.query('SELECT key FROM pgvector_backfill.change')).rows).toEqual([
      { key: '7' },
    ]);
    expect(await backfill.snapshot()).toMatchObject({
      rows: { eligible: 10, embedded: 9, stale: 1, pending: 0 },
    });
  });

  it('identical texts are embedded once', async () => {
    await backfill.pool.query(`UPDATE docs SET body = 'the same words'`);
    const asked: string[] = [];
    const counting: Embedder = {
      ...embedder,
      embed: (texts, options) => (asked.push(...texts), embedder.embed(texts, options)),
    };
    expect(await processBatch({ ...context, embedder: counting }, await backfill.run(), 1)).toMatchObject({
      counts: { embedded: 10 },
    });
    expect(asked).toEqual(['the same words']);
  });

  it('a worker with another model stops instead of mixing vectors', async () => {
    const other: Embedder = { ...embedder, fingerprint: 'f'.repeat(64) };
    await expect(
      processBatch({ ...context, embedder: other }, await backfill.run(), 1),
    ).rejects.toMatchObject({ code: 'MODEL_CHANGED' });
    expect((await backfill.pool.query('SELECT attempts, state FROM pgvector_backfill.batch')).rows).toEqual([
      { attempts: 0, state: 'pending' },
    ]);
  });

  it('no statement of a batch reads the whole legacy table', async () => {
    const { pool, config } = backfill;
    await pool.query(
      `INSERT INTO docs SELECT n, 'bread dough and yeast ' || n % 100 FROM generate_series(11, 40000) n`,
    );
    await pool.query('VACUUM ANALYZE docs');
    const single = createPool(config.settings.database.url, { name: 'one', max: 1, logger: silentLogger });
    const scans = async (): Promise<string> => {
      await single.query('SELECT pg_stat_force_next_flush()');
      return (
        (
          await single.query<{ n: string }>(
            `SELECT seq_scan AS n FROM pg_stat_user_tables WHERE relname = 'docs'`,
          )
        ).rows[0]?.n ?? ''
      );
    };
    try {
      const run = await createRun(pool, 'docs', {
        fingerprint: embedder.fingerprint,
        model: 'sample',
        dimensions: model.dimensions,
        batchRows: 1000,
      });
      await planRun(pool, context.target, run, {
        batchRows: 1000,
        limitRows: null,
        resuming: false,
        fingerprint: embedder.fingerprint,
      });
      await moveRun(pool, run.id, ['planned'], 'running', '');
      // What other sessions have scanned so far is handed over when they end, or at a time of their own.
      await single.query(
        'SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      const before = await scans();
      for (const number of [20, 1, 40]) {
        expect(
          await processBatch(
            { ...context, pool: single, settings: { ...config.settings, batchRows: 1000 } },
            run,
            number,
          ),
        ).toMatchObject({ kind: 'merged', counts: { embedded: 1000 } });
      }
      // Again with changed, emptied and unreadable rows, so that clearing and replacing are seen too.
      await pool.query(
        `UPDATE docs SET body = CASE id % 3 WHEN 0 THEN NULL WHEN 1 THEN 'qzx' ELSE 'puppy training' END WHERE id BETWEEN 19100 AND 19200`,
      );
      await pool.query(
        `UPDATE pgvector_backfill.batch SET state = 'pending' WHERE run = $1 AND number = 20`,
        [run.id],
      );
      expect(await processBatch({ ...context, pool: single }, run, 20)).toMatchObject({
        kind: 'merged',
        counts: { skipped: 34, quarantined: 33, embedded: 933 },
      });
      expect(await scans()).toBe(before);
    } finally {
      await single.end();
    }
  });
});
