import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProgressFeed } from '../../src/dashboard/feed/progress-feed.ts';
import { inProgressSection } from '../../src/dashboard/pages/run-sections.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { pastRates } from '../../src/ledger/progress/batch-activity.ts';
import { claimBatch, insertBatches, markMerged, type ClaimedBatch } from '../../src/ledger/batch/batch.ts';
import { progressSnapshot } from '../../src/ledger/progress/snapshot.ts';
import { createRun, type Run } from '../../src/ledger/run/run.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

const ROWS = 100;
const ALL_EMBEDDED = {
  eligible: ROWS,
  embedded: ROWS,
  skipped: 0,
  quarantined: 0,
  changed: 0,
  truncated: 0,
  adopted: 0,
  passages: 0,
};

describe.each(databases())('what goes on, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let run: Run;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings)
       VALUES ('docs', 'public.docs', 'id', 'pgvector_backfill.docs_embedding_stage', '{}')`,
    );
    run = await createRun(pool, 'docs', { fingerprint: 'f', model: 'm', dimensions: 3, batchRows: ROWS });
    const bounds = [null, '101', '201', '301', null];
    await insertBatches(
      pool,
      run.id,
      [1, 2, 3, 4].map((number) => ({
        number,
        lower: bounds[number - 1] ?? null,
        upper: bounds[number] ?? null,
        rows: ROWS,
      })),
    );
    await moveRun(pool, run.id, ['planned'], 'running', '');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const claim = async (number: number): Promise<ClaimedBatch> =>
    (await claimBatch(pool, run.uid, number)) as ClaimedBatch;

  it('lists the batches in progress with who has them, since when', async () => {
    expect((await progressSnapshot(pool, 'docs')).inProgress).toEqual([]);
    await markMerged(pool, await claim(1), ALL_EMBEDDED);
    await claim(2);
    await claim(4);
    await claim(4);
    const { inProgress } = await progressSnapshot(pool, 'docs');
    const worker = `${hostname()}/${process.pid}`;
    expect(inProgress).toMatchObject([
      { number: 2, worker, state: 'pending', rows: ROWS, lower: '101', upper: '201', attempts: 1 },
      { number: 4, worker, state: 'pending', rows: ROWS, lower: '301', upper: null, attempts: 2 },
    ]);
    expect(inProgress.every(({ seconds }) => seconds >= 0 && seconds < 240)).toBe(true);
    const shown = String(await inProgressSection({ ...(await progressSnapshot(pool, 'docs')) }));
    expect(shown).toContain('2 batches, 1 worker');
    expect(shown).toContain('(open)');
  });

  it('finds the rate of times before the first look in the ledger', async () => {
    expect(await pastRates(pool, run.id, 4)).toEqual([]);
    for (const number of [1, 2, 3]) await markMerged(pool, await claim(number), ALL_EMBEDDED);
    // A run may wait for its first worker: that is no slow beginning.
    await pool.query(
      `UPDATE pgvector_backfill.batch SET started_at = now() - interval '100 s' WHERE run = $1 AND number <= 3`,
      [run.id],
    );
    for (const [number, ago] of [
      [1, 95],
      [2, 90],
      [3, 20],
    ])
      await pool.query(
        `UPDATE pgvector_backfill.batch SET merged_at = now() - make_interval(secs => $2) WHERE run = $1 AND number = $3`,
        [run.id, ago, number],
      );
    // 80 s in four parts: two batches in the first, none in the next two, one in the last.
    const rates = await pastRates(pool, run.id, 4, 19);
    expect(rates.map(({ rowsPerSecond }) => Math.round(10 * rowsPerSecond))).toEqual([100, 0, 0, 50]);
    expect(rates.map(({ etaSeconds }) => (etaSeconds === null ? null : Math.round(etaSeconds)))).toEqual([
      20,
      null,
      null,
      20,
    ]);
    expect(rates.map(({ secondsAgo }) => Math.round(secondsAgo / 20))).toEqual([4, 3, 2, 1]);
    // As the snapshot tells it, over the last minutes: a lump of one batch is no peak.
    const smooth = await pastRates(pool, run.id, 4);
    expect(smooth.map(({ rowsPerSecond }) => Math.round(4 * rowsPerSecond))).toEqual([40, 20, 13, 15]);
    expect(smooth.map(({ etaSeconds }) => Math.round(etaSeconds ?? 0))).toEqual([20, 40, 60, 27]);

    const feed = new ProgressFeed({ pool, backfill: 'docs', logger: silentLogger });
    const { samples } = await feed.look();
    expect(samples.length).toBeGreaterThan(50);
    expect((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)).toBeGreaterThan(75_000);
    feed.close();
  });
});
