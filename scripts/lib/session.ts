/** What the verbs open, and close again whatever happens. */

import type { Config } from '../../src/config/load.ts';
import { ledgerVersion, migrate } from '../../src/db/migrate.ts';
import { assertReachable, createPool, type Pool } from '../../src/db/pool.ts';
import { explainedByServer } from '../../src/db/server-refusal.ts';
import { throughRestarts } from '../../src/db/reachable.ts';
import { GateError } from '../../src/errors.ts';
import { progressSnapshot, type ProgressSnapshot } from '../../src/ledger/progress.ts';
import { latestRun, type Run } from '../../src/ledger/run.ts';
import type { Logger } from '../../src/observability/logger.ts';

/** Queries side by side in one process besides those of batches in flight: status, monitor, events. */
const SPARE_CONNECTIONS = 4;

/** A reachable database, for the length of `work`. */
export async function withDatabase<T>(
  config: Config,
  name: string,
  logger: Logger,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const pool = createPool(config.settings.database, {
    name,
    max: config.settings.concurrency + SPARE_CONNECTIONS,
    logger,
    table: config.settings.table,
    pinned: true,
  });
  try {
    await assertReachable(pool, config.settings.database);
    return await work(pool);
  } catch (error) {
    throw await explainedByServer(pool, error);
  } finally {
    await pool.end();
  }
}

/** For verbs that watch a run: looked at again once the server answers, where it was restarted. */
export const watchedProgress = (
  pool: Pool,
  backfill: string,
  ...signals: AbortSignal[]
): Promise<ProgressSnapshot> => throughRestarts(pool, signals, () => progressSnapshot(pool, backfill));

/** The latest run; a ledger of an older release is brought up to date. @throws GateError where nothing was enqueued yet. */
export async function requireRun(pool: Pool, backfill: string): Promise<Run> {
  if ((await ledgerVersion(pool)) > 0) {
    // All who ask for it write to the ledger, and a way back must not wait for another command.
    await migrate(pool);
    const run = await latestRun(pool, backfill);
    if (run !== null) return run;
  }
  throw new GateError(`Backfill ${backfill} has no run yet.`, {
    code: 'NO_RUN',
    remedy: 'Run `npm run enqueue` first.',
  });
}
