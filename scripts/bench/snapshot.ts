/**
 * `bench snapshot`: what it costs the database that somebody looks at the progress page. The time that the server itself
 * notes for the statements of a minute of looks (one a second, whoever many watch), against one count of the table's rows,
 * and whether the legacy table was touched at all.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { ProgressFeed } from '../../src/dashboard/feed/progress-feed.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { insertBatches } from '../../src/ledger/batch/batch.ts';
import { createRun } from '../../src/ledger/run/run.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { silentLogger, type Logger } from '../../src/observability/logger.ts';
import { withBenchDatabase } from './database.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { machine, ratioOf, showRatio, type Ratio } from './ratio.ts';

export interface SnapshotOptions {
  rows: number;
  rounds: number;
  onProgress?: OnProgress;
}

export interface SnapshotResult {
  machine: { cpu: string; cores: number };
  rows: number;
  batches: number;
  /** Database time of a minute of looks, ms, per round. */
  minuteMs: number[];
  /** One count of the rows, ms, per round. */
  countMs: number[];
  minuteToCount: Ratio;
  /** Scans of the legacy table by all looks. */
  tableScans: number;
}

const LOOKS = 60;
const BATCH_ROWS = 1000;
/** A session hands its figures over when it is idle, at most once a second. */
const SETTLE_MS = 1500;

export async function benchSnapshot(
  url: string,
  { rows, rounds, onProgress }: SnapshotOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<SnapshotResult> {
  return withBenchDatabase(url, logger, async ({ pool, url: own }) => {
    onProgress?.({ what: 'filling the table', done: 0, total: rounds + 1 });
    await fill(pool, rows);
    const [minuteMs, countMs]: [number[], number[]] = [[], []];
    let tableScans = 0;
    for (let round = 1; round <= rounds; round++) {
      onProgress?.({ what: 'looking', done: round, total: rounds + 1 });
      const scansBefore = await scansOf(pool);
      minuteMs.push(await databaseMs(pool, () => look(own)));
      tableScans += (await scansOf(pool)) - scansBefore;
      countMs.push(await databaseMs(pool, () => countRows(own)));
      say(
        `round ${round}: ${LOOKS} looks ${minuteMs.at(-1)?.toFixed(0)} ms of database time, one count of ${rows} rows ${countMs.at(-1)?.toFixed(0)} ms`,
      );
    }
    const minuteToCount = ratioOf(minuteMs, countMs);
    say(
      `a minute of looks / one count ${showRatio(minuteToCount)}; scans of the table by the looks: ${tableScans}`,
    );
    const batches = Math.ceil(rows / BATCH_ROWS);
    return { machine: machine(), rows, batches, minuteMs, countMs, minuteToCount, tableScans };
  });
}

async function fill(pool: Pool, rows: number): Promise<void> {
  await migrate(pool);
  await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
  await pool.query(`INSERT INTO docs SELECT n, repeat('text ', 20) || n FROM generate_series(1, $1::int) n`, [
    rows,
  ]);
  await pool.query(
    `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings)
     VALUES ('docs', 'public.docs', 'id', 'pgvector_backfill.docs_embedding_stage', '{}')`,
  );
  const run = await createRun(pool, 'docs', {
    fingerprint: 'f',
    model: 'm',
    dimensions: 3,
    batchRows: BATCH_ROWS,
  });
  const count = Math.ceil(rows / BATCH_ROWS);
  await insertBatches(
    pool,
    run.id,
    Array.from({ length: count }, (_, at) => ({
      number: at + 1,
      lower: at === 0 ? null : String(at * BATCH_ROWS + 1),
      upper: at === count - 1 ? null : String((at + 1) * BATCH_ROWS + 1),
      rows: BATCH_ROWS,
    })),
  );
  await moveRun(pool, run.id, ['planned'], 'running', '');
  // In mid-run: half of the batches are merged, a few are in progress.
  await pool.query(
    `UPDATE pgvector_backfill.batch SET state = CASE WHEN number <= $2 THEN 'merged' ELSE state END, eligible = rows, embedded = rows,
            attempts = 1, started_at = CASE WHEN number <= $2 + 4 THEN now() - interval '1 minute' END, merged_at = CASE WHEN number <= $2 THEN now() END
      WHERE run = $1`,
    [run.id, Math.floor(count / 2)],
  );
  await pool.query('VACUUM ANALYZE');
}

async function look(url: string): Promise<void> {
  const pool = createPool(url, { name: 'bench looks', max: 2, logger: silentLogger });
  const feed = new ProgressFeed({ pool, backfill: 'docs', logger: silentLogger });
  for (let looks = 0; looks < LOOKS; looks++) await feed.look();
  feed.close();
  await pool.end();
}

async function countRows(url: string): Promise<void> {
  const pool = createPool(url, { name: 'bench count', max: 1, logger: silentLogger });
  await pool.query('SELECT count(*) FROM docs');
  await pool.end();
}

/** By pg_stat_database: what sessions that have ended have handed over. */
async function databaseMs(pool: Pool, work: () => Promise<void>): Promise<number> {
  const before = await activeMs(pool);
  await work();
  await delay(SETTLE_MS);
  return (await activeMs(pool)) - before;
}

async function activeMs(pool: Pool): Promise<number> {
  const found = await pool.query<{ ms: number }>(
    'SELECT active_time AS ms FROM pg_stat_database WHERE datname = current_database()',
  );
  return found.rows[0]?.ms ?? 0;
}

async function scansOf(pool: Pool): Promise<number> {
  await delay(SETTLE_MS);
  const found = await pool.query<{ scans: number }>(
    `SELECT (seq_scan + coalesce(idx_scan, 0))::float8 AS scans FROM pg_stat_user_tables WHERE relid = 'docs'::regclass`,
  );
  return found.rows[0]?.scans ?? 0;
}
