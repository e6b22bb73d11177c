/** Workers that were left up while the configuration, the database or the queue changed under them. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const ROWS = 40;

describe.each(databases())('workers that were left up, on $name', ({ create }) => {
  const model = sampleModel();
  let database: TestDatabase;
  let old: TestBackfill;
  const open = (options: Record<string, string>): Promise<TestBackfill> =>
    openBackfill(database, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'title',
      BACKFILL_BATCH_ROWS: '10',
      BACKFILL_SYNC_EVERY_SECONDS: '1',
      ...REPEATED_TEXTS,
      ...options,
    });
  beforeAll(async () => {
    database = await create();
    old = await open({});
    await old.pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text)');
    await old.pool.query(
      `INSERT INTO docs SELECT n, 'bread dough ' || n, 'puppy training ' || n FROM generate_series(1, ${ROWS}) n`,
    );
    await old.enqueue();
    expect((await old.work()).state).toBe('ready');
  });
  afterAll(async () => {
    await old.close();
  });

  it('embed and verify by what the newest run was planned for', async () => {
    const changed = await open({ BACKFILL_TEXT: 'title,body' });
    await changed.enqueue();
    expect(await old.work()).toMatchObject({ run: '2', state: 'ready' });
    const whole = { eligible: ROWS, embedded: ROWS, stale: 0, missing: 0 };
    expect(await changed.account()).toMatchObject(whole);
    const said = await old.pool.query(
      `SELECT message FROM pgvector_backfill.event WHERE kind = 'worker.options'`,
    );
    expect(said.rows).toEqual([
      {
        message: `a worker goes by the options of run 2 in place of this worker's own (text was ["title","body"], is ["title"])`,
      },
    ]);
    await changed.pool.end();
  });

  it('go on with what a failover has taken back, and with a finalizer that was lost', async () => {
    const { pool } = old;
    const { uid } = await old.run();
    // As a standby that lacks the last commits: rows, staging and ledger are of one moment.
    await pool.query(`UPDATE docs SET embedding = NULL WHERE id > ${ROWS - 10};
      DELETE FROM pgvector_backfill.docs_embedding_stage WHERE id > ${ROWS - 10};
      UPDATE pgvector_backfill.batch SET state = 'pending', started_at = NULL, staged_at = NULL, merged_at = NULL
       WHERE number = ${ROWS / 10} AND run = (SELECT max(id) FROM pgvector_backfill.run);
      UPDATE pgvector_backfill.run SET state = 'running', planned_at = planned_at - interval '1 hour' WHERE uid = '${uid}'`);
    expect((await old.work()).state).toBe('ready');
    await pool.query(`UPDATE pgvector_backfill.run SET state = 'finalizing' WHERE uid = $1`, [uid]);
    expect((await old.work()).state).toBe('ready');
  });

  it('write nothing to another table under the name, and say so', async () => {
    const { pool } = old;
    await pool.query(`BEGIN; CREATE TABLE docs_new (LIKE docs INCLUDING ALL); INSERT INTO docs_new SELECT * FROM docs;
      ALTER TABLE docs RENAME TO docs_old; ALTER TABLE docs_new RENAME TO docs; COMMIT`);
    const workers = await old.workers();
    try {
      await expect
        .poll(async () => (await old.snapshot()).sync.reason, { timeout: 60_000 })
        .toMatch(/^Another table stands under the name/);
    } finally {
      await workers.drain();
    }
    expect((await old.snapshot()).table).toContain('another table stands under the name');
  });
});
