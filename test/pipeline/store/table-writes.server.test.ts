/** What may happen between reading a row and writing its vectors beside the table, of which nothing is locked. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import { claimBatch, type ClaimedBatch } from '../../../src/ledger/batch/batch.ts';
import { deleteOrphans } from '../../../src/ledger/rows/orphans.ts';
import type { EmbeddedPage } from '../../../src/pipeline/checked-vectors.ts';
import { embedRows } from '../../../src/pipeline/embed-rows.ts';
import { mergePage } from '../../../src/pipeline/merge-rows.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { processBatch } from '../../../src/pipeline/process-batch.ts';
import { readWork, type WorkRow } from '../../../src/pipeline/read-rows.ts';
import { stagePage } from '../../../src/pipeline/stage-rows.ts';
import { keysOnly } from '../../../src/table/key-range.ts';
import { openBackfill, type TestBackfill } from '../../setup/backfill.ts';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';
import { sharedEmbedder } from '../../setup/embedder.ts';
import { createDocs } from '../../setup/docs-table.ts';
import { sampleModel } from '../../setup/model.ts';
import { pipelineContext } from '../../setup/pipeline-context.ts';
import { expectSynced } from '../../setup/synced.ts';
import { until } from '../../setup/until.ts';

describe.runIf(hasPostgres())('between read and merge of vectors beside the table', () => {
  const model = sampleModel();
  let backfill: TestBackfill;
  let embedder: Embedder;
  let context: PipelineContext;
  let batch: ClaimedBatch;

  beforeEach(async () => {
    backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_STORE: 'table',
      BACKFILL_BATCH_ROWS: '10',
      BACKFILL_SYNC_MODE: 'off',
    });
    await createDocs(backfill.pool, 10, `'bread dough and yeast ' || n`);
    await backfill.enqueue();
    embedder = await sharedEmbedder(backfill.config.settings, 1);
    context = await pipelineContext(backfill, embedder);
    const claimed = await claimBatch(backfill.pool, (await backfill.run()).uid, 1);
    if (claimed === null) throw new Error('the batch cannot be claimed');
    batch = claimed;
  });
  afterEach(async () => {
    await embedder.close();
    await backfill.close();
  });

  async function staged(): Promise<{ rows: WorkRow[]; page: EmbeddedPage }> {
    const { rows } = await readWork(context, batch, null, 10);
    const page = await embedRows(context, rows);
    expect(await stagePage(context, batch, rows, page)).toBe(true);
    return { rows, page };
  }
  const stored = async (): Promise<number[]> =>
    (await backfill.pool.query<{ id: string }>('SELECT id FROM docs_embedding ORDER BY id, chunk')).rows.map(
      ({ id }) => Number(id),
    );

  it("a text that changes after it was read does not get the old text's vector", async () => {
    const { rows, page } = await staged();
    await backfill.pool.query(`UPDATE docs SET body = 'a puppy that bites' WHERE id = 3`);
    await backfill.pool.query('DELETE FROM docs WHERE id = 8');
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await stored()).toEqual([1, 2, 4, 5, 6, 7, 9, 10]);
    expect(await processBatch(context, await backfill.run(), 1)).toMatchObject({
      kind: 'merged',
      counts: { embedded: 9, changed: 0 },
    });
    await expectSynced(backfill);
  });

  it('a row that another transaction changes is not waited for, and found stale once that has ended', async () => {
    const { rows, page } = await staged();
    const writer = await backfill.pool.connect();
    await writer.query('BEGIN');
    await writer.query(`UPDATE docs SET body = 'a kitten that sleeps' WHERE id = 5`);
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await backfill.account()).toMatchObject({ embedded: 10 });
    await writer.query('COMMIT');
    writer.release();
    expect(await backfill.account()).toMatchObject({ embedded: 9, stale: 1 });
    expect(await processBatch(context, await backfill.run(), 1)).toMatchObject({ counts: { embedded: 10 } });
    await expectSynced(backfill);
  });

  it('what somebody else is just merging is left to them', async () => {
    const { rows, page } = await staged();
    const other = await backfill.pool.connect();
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage WHERE id IN (2, 9) FOR UPDATE');
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await stored()).toEqual([1, 3, 4, 5, 6, 7, 8, 10]);
    await other.query('ROLLBACK');
    other.release();
    expect(await mergePage(context, batch, rows, page)).toBe(true);
    expect(await stored()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('vectors of a row that is deleted while they are merged go with what is staged of it', async () => {
    await staged();
    const { pool } = backfill;
    const { target } = context;
    const merger = await pool.connect();
    await merger.query('BEGIN');
    await merger.query('SELECT 1 FROM pgvector_backfill.docs_embedding_stage WHERE id = 4 FOR UPDATE');
    await merger.query(
      `INSERT INTO docs_embedding SELECT id, chunk, chunk_start, chunk_end, embedding, text_hash, now() FROM pgvector_backfill.docs_embedding_stage WHERE id = 4`,
    );
    await pool.query('DELETE FROM docs WHERE id = 4');
    const deleted = deleteOrphans(pool, target, keysOnly(['4']));
    await until('the deletion waits for the merge', async () => {
      const { rowCount } = await merger.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rowCount === 1;
    });
    await merger.query('COMMIT');
    merger.release();
    await deleted;
    expect(await stored()).toEqual([]);
  });

  it("a row's passages change all together or not at all", async () => {
    const { rows, page } = await staged();
    const { pool } = backfill;
    await pool.query(`
      UPDATE pgvector_backfill.docs_embedding_stage SET chunk_end = 5 WHERE id = 1;
      INSERT INTO pgvector_backfill.docs_embedding_stage (id, embedding, text_hash, batch, chunk, chunk_start, chunk_end)
      SELECT id, embedding, text_hash, batch, n, n * 5, n * 5 + 5 FROM pgvector_backfill.docs_embedding_stage, generate_series(1, 2) n WHERE id <= 2`);
    await mergePage(context, batch, rows, page);
    const chunks = await pool.query<object>(
      'SELECT id::int, chunk, chunk_start AS start, chunk_end AS "end" FROM docs_embedding WHERE id = 1 ORDER BY 2',
    );
    expect(chunks.rows).toEqual(
      [0, 1, 2].map((chunk) => ({ id: 1, chunk, start: chunk * 5, end: chunk * 5 + 5 })),
    );
    expect(await backfill.account()).toMatchObject({ eligible: 10, embedded: 10 });
    // Texts of one passage each: what the longer ones had beyond it goes, and of a text that has changed meanwhile nothing.
    await pool.query(`UPDATE docs SET body = body || '!' WHERE id <= 2`);
    const again = await staged();
    await pool.query(`UPDATE docs SET body = body || '?' WHERE id = 2`);
    await mergePage(context, batch, again.rows, again.page);
    expect(await stored()).toEqual([1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await backfill.account()).toMatchObject({ embedded: 9, stale: 1 });
  });

  it('a passage that is as it was stays where it is, and the vector of one that moves is not written again', async () => {
    const { rows, page } = await staged();
    const { pool } = backfill;
    const stage = 'pgvector_backfill.docs_embedding_stage';
    const more = (ids: string): Promise<unknown> =>
      pool.query(`UPDATE ${stage} SET chunk_end = 5, chunk_hash = 'first' WHERE id IN (${ids});
        INSERT INTO ${stage} (id, embedding, text_hash, batch, chunk, chunk_start, chunk_end, chunk_hash)
        SELECT id, embedding, text_hash, batch, n, n * 5, n * 5 + 5, convert_to('passage ' || n, 'UTF8') FROM ${stage}, generate_series(1, 3) n WHERE id IN (${ids})`);
    await more('1');
    await mergePage(context, batch, rows, page);
    const versions = async (): Promise<string[]> =>
      (
        await pool.query<{ version: string }>(
          `SELECT ctid::text || xmin::text AS version FROM docs_embedding WHERE id = 1 ORDER BY chunk`,
        )
      ).rows.map(({ version }) => version);
    const before = await versions();
    await pool.query(`UPDATE docs SET body = body || '!' WHERE id = 1`);
    const again = await staged();
    await more('1');
    await pool.query(`UPDATE ${stage} SET chunk_end = 30 WHERE id = 1 AND chunk = 2;
      UPDATE ${stage} SET chunk_hash = 'other' WHERE id = 1 AND chunk = 3`);
    await mergePage(context, batch, again.rows, again.page);
    const after = await versions();
    // The first one says of which text they all are.
    expect(after.map((version, at) => version === before[at])).toEqual([false, true, false, false]);
    // Staged are vectors of another text: only that of another passage has come.
    const same = await pool.query<{ same: boolean }>(
      `SELECT v.embedding = s.embedding AS same FROM docs_embedding v JOIN ${stage} s USING (id, chunk) WHERE id = 1 ORDER BY chunk`,
    );
    expect(same.rows.map((row) => row.same)).toEqual([false, false, false, true]);
    expect(await backfill.account()).toMatchObject({ embedded: 10 });
    await pool.query('DELETE FROM docs WHERE id = 1');
    await deleteOrphans(pool, context.target, keysOnly(['1']));
    expect(await stored()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('a row that has no text any more, or none that can be embedded, loses its vectors', async () => {
    const { rows, page } = await staged();
    await mergePage(context, batch, rows, page);
    await backfill.pool.query(
      `UPDATE docs SET body = '' WHERE id = 6; UPDATE docs SET body = '☃' WHERE id = 7`,
    );
    expect(await processBatch(context, await backfill.run(), 1)).toMatchObject({
      counts: { embedded: 8, skipped: 1, quarantined: 1 },
    });
    expect(await stored()).toEqual([1, 2, 3, 4, 5, 8, 9, 10]);
    await expectSynced(backfill);
  });
});
