/** What may happen between a change and its row's new vector. On real PostgreSQL: the embedded one has a single session. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../../src/db/pool.ts';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import { claimSync, lockSync, releaseSync } from '../../../src/ledger/changes/drain-lease.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { embedRows } from '../../../src/pipeline/embed-rows.ts';
import { readWork } from '../../../src/pipeline/read-rows.ts';
import { stagePage } from '../../../src/pipeline/stage-rows.ts';
import { drainChanges, type DrainOutcome } from '../../../src/sync/drain-changes.ts';
import { recountMarked } from '../../../src/sync/recount-batches.ts';
import { sweepAll, sweepSome } from '../../../src/sync/sweep-missed-rows.ts';
import { pipelineContext } from '../../setup/pipeline-context.ts';
import { createDocs } from '../../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../../setup/backfill.ts';
import { sharedEmbedder } from '../../setup/embedder.ts';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';
import { sampleModel } from '../../setup/model.ts';
import { expectSynced } from '../../setup/synced.ts';

const ROWS = 50;

describe.runIf(hasPostgres())('draining changes', () => {
  const model = sampleModel();
  let backfill: TestBackfill;
  let embedder: Embedder;
  let context: PipelineContext;

  beforeEach(async () => {
    backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '10',
      BACKFILL_SYNC_EVERY_SECONDS: '3600',
      BACKFILL_INDEX_COVERAGE: '0.5',
    });
    await createDocs(backfill.pool, ROWS, `'bread dough and yeast ' || n`);
    await backfill.enqueue();
    await backfill.work();
    embedder = await sharedEmbedder(backfill.config.settings, 1);
    context = await pipelineContext(backfill, embedder);
  });
  afterEach(async () => {
    await embedder.close();
    await backfill.close();
  });

  const drain = async (changes: Partial<PipelineContext> = {}): Promise<DrainOutcome> =>
    drainChanges({ ...context, ...changes }, await backfill.run());
  const pending = async (): Promise<number> => (await backfill.snapshot()).sync.pending;
  /** An embedder that lets something happen while it works. */
  const during = (happen: () => Promise<unknown>): Embedder => ({
    ...embedder,
    embed: async (texts, options) => {
      await happen();
      return embedder.embed(texts, options);
    },
  });

  it('brings added, edited, emptied, unreadable and deleted rows in line, each key once', async () => {
    const { pool } = backfill;
    for (let n = 0; n < 5; n++)
      await pool.query(`UPDATE docs SET body = 'puppy training ${n}' WHERE id < 20`);
    await pool.query('UPDATE docs SET body = NULL WHERE id = 20');
    await pool.query(`UPDATE docs SET body = 'qzxv' WHERE id = 21`);
    await pool.query('DELETE FROM docs WHERE id = 22');
    await pool.query(`INSERT INTO docs VALUES (0, 'guitar strings'), (1000, 'winter tyres')`);
    const asked: string[] = [];
    const counting: Embedder = {
      ...embedder,
      embed: (texts, options) => (asked.push(...texts), embedder.embed(texts, options)),
    };
    expect(
      await drain({ embedder: counting, settings: { ...context.settings, batchRows: 1000 } }),
    ).toMatchObject({ kind: 'drained', changes: 100, done: 100 });
    expect(asked.filter((text) => text.startsWith('puppy'))).toEqual(['puppy training 4']);
    await expectSynced(backfill);
    expect(await backfill.account()).toMatchObject({
      eligible: ROWS + 1,
      embedded: ROWS - 1,
      skipped: 1,
      quarantined: 1,
    });
    // An unreadable row that is deleted leaves quarantine.
    await pool.query('DELETE FROM docs WHERE id = 21');
    await drain();
    expect((await pool.query('SELECT 1 FROM pgvector_backfill.quarantine')).rowCount).toBe(0);
    await expectSynced(backfill);
  });

  it('keeps a change that arrives while its row is being embedded, and gives no older vector', async () => {
    await backfill.pool.query(`UPDATE docs SET body = 'a puppy that bites' WHERE id = 3`);
    let edits = 0;
    const edit = (): Promise<unknown> =>
      backfill.pool.query(`UPDATE docs SET body = 'a kitten that sleeps ' || $1::text WHERE id = 3`, [
        ++edits,
      ]);
    expect(await drain({ embedder: during(edit) })).toMatchObject({ changes: 1, done: 0 });
    expect(await backfill.account()).toMatchObject({ stale: 1 });
    expect(await pending()).toBe(1 + edits);
    expect(await drain()).toMatchObject({ changes: 1 + edits, done: 1 + edits });
    await expectSynced(backfill);
  });

  it('keeps a change that is committed late, with a lower number than those that are done', async () => {
    const writer = await backfill.pool.connect();
    await writer.query('BEGIN');
    await writer.query(`UPDATE docs SET body = 'winter tyres' WHERE id = 1`);
    await backfill.pool.query(`UPDATE docs SET body = 'summer tyres' WHERE id = 2`);
    const commit = async (): Promise<void> => {
      await writer.query('COMMIT');
      writer.release();
    };
    // Committed while the other one is under way, so that it is there when changes are taken away.
    expect(await drain({ embedder: during(commit) })).toMatchObject({ changes: 1, done: 1 });
    expect(await pending()).toBe(1);
    await drain();
    await expectSynced(backfill);
  });

  it('passes over a row that is locked, does the others, and sweeps it up later', async () => {
    await backfill.pool.query(`UPDATE docs SET body = body || ' again' WHERE id <= 3`);
    const writer = await backfill.pool.connect();
    await writer.query('BEGIN');
    await writer.query('SELECT 1 FROM docs WHERE id = 2 FOR UPDATE');
    expect(await drain()).toMatchObject({ changes: 3, done: 2 });
    expect(await backfill.account()).toMatchObject({ stale: 1 });
    await writer.query('ROLLBACK');
    writer.release();
    // Its vector is staged: it is not embedded again.
    const asked = during(() => Promise.reject(new Error('embedded again')));
    expect(await drain({ embedder: asked })).toMatchObject({ changes: 1, done: 1 });
    await expectSynced(backfill);
  });

  it('makes no deadlock with updates of many rows in the opposite order', async () => {
    const { pool } = backfill;
    const over = new AbortController();
    const keys = Array.from({ length: ROWS }, (_, n) => ROWS - n);
    const application = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        const client = await pool.connect();
        await client.query('BEGIN');
        for (const id of keys)
          await client.query('UPDATE docs SET body = $2 WHERE id = $1', [id, `tyre ${n}`]);
        await client.query('COMMIT');
        client.release();
        await delay(20);
      }
    })();
    const deadlocks = async (): Promise<string | undefined> =>
      (
        await pool.query<{ deadlocks: string }>(
          'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
        )
      ).rows[0]?.deadlocks;
    for (let merged = 0; merged < 4 * ROWS;) {
      const outcome = await drain({ settings: { ...context.settings, mergeRows: 7 } });
      if (outcome.kind === 'drained') merged += outcome.done;
    }
    over.abort();
    await application;
    await drain();
    expect(await deadlocks()).toBe('0');
    await expectSynced(backfill);
  });

  it('lets one drain work at a time; one that was overtaken writes nothing and loses nothing', async () => {
    await backfill.pool.query(`UPDATE docs SET body = 'winter tyres' WHERE id = 1`);
    const { id } = await backfill.run();
    let second: DrainOutcome | null = null;
    const outcome = await drain({
      embedder: during(async () => {
        second = await drain();
        // As if its lease had run out in silence.
        await backfill.pool.query(`UPDATE pgvector_backfill.sync SET leased_until = now() - interval '1 s'`);
        const other = await claimSync(backfill.pool, 'docs', id);
        if (other !== null) await releaseSync(backfill.pool, other, false);
      }),
    });
    expect(second).toEqual({ kind: 'busy' });
    expect(outcome).toEqual({ kind: 'busy' });
    expect(await pending()).toBe(1);
    expect(await drain()).toMatchObject({ done: 1 });
    await expectSynced(backfill);
    const claim = await claimSync(backfill.pool, 'docs', id);
    expect(claim === null ? null : await lockSync(backfill.pool, { ...claim, token: claim.token - 1 })).toBe(
      false,
    );
  });

  it('a row that the table itself refuses is quarantined and does not keep the others waiting', async () => {
    const { pool } = backfill;
    await pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.id = 7 AND NEW.embedding IS DISTINCT FROM OLD.embedding THEN RAISE EXCEPTION 'secret words'; END IF; RETURN NEW; END $$`);
    await pool.query('CREATE TRIGGER refuse BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION refuse()');
    await pool.query(`UPDATE docs SET body = body || ' again'`);
    expect(await drain()).toMatchObject({ changes: ROWS, done: ROWS });
    expect(await backfill.account()).toMatchObject({ embedded: ROWS - 1, quarantined: 1 });
    await pool.query('DROP TRIGGER refuse ON docs');
    await pool.query(`UPDATE docs SET body = body || ' and again' WHERE id = 7`);
    expect(await drain()).toMatchObject({ changes: 1, done: 1 });
    expect(await backfill.account()).toMatchObject({ embedded: ROWS, quarantined: 0 });
    await expectSynced(backfill);
  });

  it('a batch and the drain that stage the same row at the same time do not fail, and neither vector is lost', async () => {
    const { pool } = backfill;
    await pool.query(`INSERT INTO docs VALUES (2000, 'a puppy that bites')`);
    const range = { lower: '2000', upper: null };
    const { rows } = await readWork(context, range, null, 10);
    const page = await embedRows(context, rows);
    // The drain comes between the batch's reading and its staging, with a newer text.
    await pool.query(`UPDATE docs SET body = 'a kitten that sleeps' WHERE id = 2000`);
    await drain();
    const claim = await claimSync(pool, 'docs', (await backfill.run()).id);
    if (claim === null) throw new Error('busy');
    expect(await stagePage(context, claim, rows, page)).toBe(true);
    await releaseSync(pool, claim, false);
    // The older text is staged now, which shows; whoever closes the range puts it right.
    expect(await backfill.account()).toMatchObject({ stale: 1 });
    expect(await sweepAll({ pool, target: context.target, run: await backfill.run() })).toBe(1);
    await drain();
    await expectSynced(backfill);
  });

  it.each([
    ['deleted', 'DELETE FROM docs WHERE id = 3'],
    ['emptied', `UPDATE docs SET body = '' WHERE id = 3`],
  ])('a row that is %s while its text is embedded leaves no vector in the staging table', async (_, sql) => {
    const { pool } = backfill;
    // New: it has neither a vector yet nor one that would have to be cleared.
    await pool.query('DELETE FROM docs WHERE id = 3');
    await drain();
    await pool.query(`INSERT INTO docs VALUES (3, 'guitar strings')`);
    await drain({ embedder: during(() => pool.query(sql)) });
    while ((await pending()) > 0) await drain();
    await expectSynced(backfill);
    expect(
      (await pool.query('SELECT id FROM pgvector_backfill.docs_embedding_stage WHERE id = 3')).rows,
    ).toEqual([]);
  });

  it('TRUNCATE empties staging table and quarantine too', async () => {
    const { pool } = backfill;
    await pool.query(`UPDATE docs SET body = 'qzxv' WHERE id = 1`);
    await drain();
    await pool.query('TRUNCATE docs');
    await pool.query(`INSERT INTO docs VALUES (5, 'bread again')`);
    await drain();
    const run = await backfill.run();
    for (let found = 1; found > 0;) {
      found = await sweepSome(
        { pool, target: context.target, run },
        { seconds: 3600, slowSeconds: null },
        10_000,
        () => Promise.resolve(true),
      );
      await drain();
    }
    expect((await pool.query('SELECT id FROM pgvector_backfill.docs_embedding_stage')).rows).toEqual([
      { id: '5' },
    ]);
    await expectSynced(backfill);
  });

  it('status follows: counts of the batches at whose rows it was are made again', async () => {
    const { pool } = backfill;
    await pool.query(`UPDATE docs SET body = NULL WHERE id IN (1, 25)`);
    await pool.query('DELETE FROM docs WHERE id = 50');
    await pool.query(`INSERT INTO docs VALUES (-5, 'guitar strings'), (999, 'winter tyres')`);
    await drain();
    expect(await recountMarked(pool, context.target, await backfill.run(), 10_000)).toBe(3);
    const { rows } = await backfill.snapshot();
    const account = await backfill.account();
    expect(rows).toMatchObject({ eligible: ROWS + 1, embedded: ROWS - 1, skipped: 2, pending: 0, stale: 0 });
    expect(account).toMatchObject({ eligible: ROWS + 1, embedded: ROWS - 1, skipped: 2 });
  });

  it('no statement of it reads the whole legacy table', async () => {
    const { pool, config } = backfill;
    await pool.query(
      `INSERT INTO docs SELECT n, 'bread dough and yeast ' || n % 100 FROM generate_series(100, 40000) n`,
    );
    await pool.query('TRUNCATE pgvector_backfill.change');
    await pool.query('VACUUM ANALYZE docs');
    await pool.query('VACUUM ANALYZE pgvector_backfill.docs_embedding_stage');
    const single = createPool(config.settings.database.url, { name: 'one', max: 1, logger: silentLogger });
    const scans = async (): Promise<string | undefined> => {
      await single.query('SELECT pg_stat_force_next_flush()');
      const found = await single.query<{ n: string }>(
        `SELECT seq_scan AS n FROM pg_stat_user_tables WHERE relname = 'docs'`,
      );
      return found.rows[0]?.n;
    };
    try {
      await single.query(`UPDATE docs SET body = 'puppy ' || id WHERE id % 400 = 7`);
      await single.query(`UPDATE docs SET body = NULL WHERE id % 4000 = 9`);
      await single.query(`DELETE FROM docs WHERE id % 4000 = 11`);
      // Sessions that are idle tell what they have read some seconds later, or at their end.
      await single.query(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
          WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      const before = await scans();
      expect(await drain({ pool: single, settings: { ...config.settings, batchRows: 1000 } })).toMatchObject({
        changes: 120,
        done: 120,
      });
      // Its batch of ten rows holds 40,000 by now: it is cut before it is counted.
      const rowsRead = `SELECT (seq_tup_read + idx_tup_fetch)::int AS n FROM pg_stat_user_tables WHERE relname = 'docs'`;
      const counted = async (): Promise<number> => {
        await single.query('SELECT pg_stat_force_next_flush()');
        return (await single.query<{ n: number }>(rowsRead)).rows[0]?.n ?? 0;
      };
      await single.query(`UPDATE pgvector_backfill.batch SET recount = upper_key IS NULL`);
      const readBefore = await counted();
      expect(await recountMarked(single, context.target, await backfill.run(), 0)).toBe(1);
      expect((await counted()) - readBefore).toBeLessThan(100);
      expect(await scans()).toBe(before);
    } finally {
      await single.end();
    }
  });

  it('the gate takes rows that wait for sync as long as somebody syncs, and no others', async () => {
    const { pool } = backfill;
    const failed = async (): Promise<string[]> =>
      (await backfill.verify()).checks.filter((check) => !check.passed).map((check) => check.name);
    expect(await failed()).toEqual([]);
    await pool.query(`UPDATE docs SET body = 'winter tyres' WHERE id = 1`);
    expect(await failed()).toEqual([]);
    await pool.query(`UPDATE pgvector_backfill.sync SET drained_at = now() - interval '1 day'`);
    expect(await failed()).toEqual(['sync']);
    await drain();
    expect(await failed()).toEqual([]);
    await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
    await pool.query(`UPDATE docs SET body = 'summer tyres' WHERE id = 1`);
    expect(await failed()).toEqual(['accounting', 'missing-rows', 'sync']);
  });
});
