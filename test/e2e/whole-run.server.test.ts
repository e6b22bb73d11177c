import { afterEach, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { backends } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const model = sampleModel();

describe.each(backends())('A whole run on $name', ({ create }) => {
  let backfill: TestBackfill;
  const open = async (options: Record<string, string> = {}): Promise<TestBackfill> => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'public.articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_WHERE: "status <> 'draft'",
      BACKFILL_BATCH_ROWS: '50',
      ...options,
    });
    await loadArticles(backfill.pool, articles());
    return backfill;
  };
  afterEach(() => backfill.close());

  it('accounts for every row, builds a valid index and passes the gate', async () => {
    await open();
    const eligible = articles().filter((article) => article.status !== 'draft').length;
    const enqueued = await backfill.enqueue();
    expect(enqueued).toMatchObject({
      backfill: 'articles',
      rows: eligible,
      batches: Math.ceil(eligible / 50),
      alreadyDone: 0,
    });
    expect(enqueued.enqueued).toBe(enqueued.batches);
    expect(await backfill.enqueue()).toEqual({ ...enqueued, enqueued: 0 });

    const snapshot = await backfill.work();
    expect(snapshot).toMatchObject({
      state: 'ready',
      reason: '',
      index: { name: 'articles_embedding_hnsw_idx', method: 'hnsw', valid: true },
    });
    const { rows } = snapshot;
    expect(rows.embedded + rows.skipped + rows.quarantined).toBe(eligible);
    expect(await backfill.account()).toEqual({
      eligible,
      embedded: rows.embedded,
      skipped: rows.skipped,
      quarantined: rows.quarantined,
      stale: 0,
      missing: 0,
      truncated: 0,
      adopted: 0,
      passages: 0,
    });
    const drafts = await backfill.pool.query(
      `SELECT 1 FROM articles WHERE status = 'draft' AND embedding IS NOT NULL`,
    );
    expect(drafts.rowCount).toBe(0);

    const verification = await backfill.verify();
    expect(verification.checks.filter((check) => !check.passed)).toEqual([]);
    expect(verification.measures).toMatchObject({ usesIndex: true });
    expect(verification.measures.recallAt10).toBeGreaterThan(0.95);

    const before = await backfill.vectorDigest();
    expect(await backfill.enqueue()).toEqual({ ...enqueued, enqueued: 0, alreadyDone: enqueued.batches });
    expect(await backfill.vectorDigest()).toBe(before);
  });

  it('takes up added, edited, emptied and deleted rows by the next enqueue, and leaves the rest alone', async () => {
    await open({ BACKFILL_SYNC_MODE: 'off' });
    await backfill.enqueue();
    await backfill.work();
    const { pool } = backfill;
    const stamps = async (): Promise<Map<string, string>> => {
      const found = await pool.query<{ id: string; at: string }>(
        'SELECT id, embedding_updated_at::text AS at FROM articles WHERE embedding IS NOT NULL',
      );
      return new Map(found.rows.map((row) => [row.id, row.at]));
    };
    const before = await stamps();
    const [edited, emptied, deleted] = (
      await pool.query<{ id: string }>(
        `SELECT id FROM articles WHERE status <> 'draft' AND embedding IS NOT NULL ORDER BY id LIMIT 3`,
      )
    ).rows.map((row) => row.id);
    await pool.query(
      `UPDATE articles SET body = 'The dog ate the homework and the cat watched.' WHERE id = $1`,
      [edited],
    );
    await pool.query(`UPDATE articles SET title = NULL, body = '  ' WHERE id = $1`, [emptied]);
    await pool.query('DELETE FROM articles WHERE id = $1', [deleted]);
    await pool.query(
      `INSERT INTO articles (id, title, body) VALUES (999999, 'Bread without yeast', 'A dough that rises with soda.')`,
    );
    expect(await backfill.account()).toMatchObject({ stale: 2, missing: 1 });
    expect((await backfill.verify()).passed).toBe(false);

    const again = await backfill.enqueue();
    expect(again.enqueued).toBeGreaterThan(0);
    expect(again.alreadyDone).toBe(again.batches - again.enqueued);
    const snapshot = await backfill.work();
    expect(snapshot.state).toBe('ready');
    expect(await backfill.account()).toMatchObject({ stale: 0, missing: 0, skipped: snapshot.rows.skipped });
    const after = await stamps();
    expect(after.has('999999')).toBe(true);
    expect(after.has(emptied ?? '')).toBe(false);
    const touched = [...after].filter(([id, at]) => before.get(id) !== at).map(([id]) => id);
    expect(new Set(touched)).toEqual(new Set([edited, '999999']));
    const orphans = await pool.query(
      'SELECT id FROM pgvector_backfill.articles_embedding_stage s WHERE NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = s.id AND a.embedding IS NOT NULL)',
    );
    expect(orphans.rows).toEqual([]);
  });

  it('does a canary of the first rows, then the rest', async () => {
    await open();
    const canary = await backfill.enqueue(60);
    expect(canary).toMatchObject({ rows: 60, batches: 2, enqueued: 2 });
    const waiting = await backfill.work();
    expect(waiting).toMatchObject({ state: 'running', rows: { eligible: 60, embedded: 60 } });
    expect(waiting.reason).toContain('pgvector-backfill enqueue');
    expect(waiting.index.name).toBeNull();
    const rest = await backfill.enqueue();
    // The second batch of the canary was short, so that batch has work again; the first one is done.
    expect(rest.alreadyDone).toBe(1);
    expect(await backfill.work()).toMatchObject({ state: 'ready', coverage: 1 });
    expect(await backfill.account()).toMatchObject({ missing: 0, stale: 0 });
  });

  it('a canary that is still to do grows to all rows', async () => {
    await open();
    const canary = await backfill.enqueue(60);
    const sizesBefore = async (): Promise<unknown> =>
      (await backfill.pool.query('SELECT table_sizes_before FROM pgvector_backfill.run')).rows;
    const before = await sizesBefore();
    // As rows of the canary do that are written before it grows.
    await backfill.pool.query('UPDATE articles SET body = body');
    const whole = await backfill.enqueue();
    expect(await sizesBefore()).toEqual(before);
    expect(whole.run).toBe(canary.run);
    expect(whole.rows).toBeGreaterThan(60);
    expect(whole.enqueued).toBe(whole.batches - canary.batches);
    expect(await backfill.enqueue()).toMatchObject({ rows: whole.rows, enqueued: 0 });
    expect(await backfill.work()).toMatchObject({ state: 'ready', coverage: 1, rows: { pending: 0 } });
    expect(await backfill.account()).toMatchObject({ eligible: whole.rows, missing: 0, stale: 0 });
  });
});
