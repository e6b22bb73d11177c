import { afterEach, describe, expect, it } from 'vitest';
import { createDocs } from '../../setup/docs-table.ts';
import { openBackfill, untilSettled, type TestBackfill } from '../../setup/backfill.ts';
import { backends } from '../../setup/databases.ts';
import { startWriter } from '../../setup/live-writer.ts';
import { sampleModel } from '../../setup/model.ts';
import { expectSynced, untilSynced } from '../../setup/synced.ts';
import { until } from '../../setup/until.ts';

const ROWS = 1500;
/** Slow enough that sync on a busy machine keeps up, and still many rows for each batch. */
const WRITER_PAUSE_MS = 30;

const model = sampleModel();

describe.each(backends())('a table that is written to through the whole run, on $name', ({ create }) => {
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  it.each(['trigger', 'sweep'])(
    'ends ready while writers go on, and every vector is of its row in the end (%s)',
    async (mode) => {
      backfill = await openBackfill(await create(), model, {
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_BATCH_ROWS: '100',
        BACKFILL_SYNC_MODE: mode,
        BACKFILL_SYNC_EVERY_SECONDS: '1',
        BACKFILL_SYNC_SWEEP_SECONDS: '1',
        BACKFILL_INDEX_COVERAGE: '0.5',
        BACKFILL_VERIFY_RECALL: '0',
      });
      const { pool, config } = backfill;
      await createDocs(pool, ROWS, `'bread dough yeast ' || n`);
      const writer = startWriter(pool, ROWS, WRITER_PAUSE_MS);
      await backfill.enqueue();
      const workers = await backfill.workers();
      expect(await untilSettled(pool, config.backfill)).toMatchObject({
        state: 'ready',
        reason: '',
        sync: { mode },
      });
      // Goes on after the run as well.
      const before = writer.written;
      await until('a hundred rows are written', () => writer.written >= before + 100);
      await writer.stop();
      if (mode === 'sweep') await untilSwept(backfill);
      await untilSynced(backfill);
      await workers.drain();
      await expectSynced(backfill);
    },
    180_000,
  );
});

/** One sweep that began after now is through. */
async function untilSwept({ pool }: TestBackfill): Promise<void> {
  const { rows } = await pool.query<{ at: Date }>('SELECT clock_timestamp() AS at');
  await until('a sweep that began after the last write is through', async () => {
    const found = await pool.query(
      'SELECT 1 FROM pgvector_backfill.sync WHERE sweep_started_at > $1 AND sweep_ended_at > sweep_started_at AND drained_at > sweep_ended_at',
      [rows[0]?.at],
    );
    return found.rowCount !== 0;
  });
}
