import { ledgerVersion, migrate } from '../../db/migrate.ts';
import type { Pool } from '../../db/pool.ts';
import { NoRunError } from '../../errors.ts';
import { latestRun, type Run } from './run.ts';

/** The latest run; a ledger of an older release is brought up to date. @throws NoRunError where nothing was enqueued yet. */
export async function requireRun(pool: Pool, backfill: string): Promise<Run> {
  if ((await ledgerVersion(pool)) > 0) {
    // All who ask for it write to the ledger, and a way back must not wait for another command.
    await migrate(pool);
    const run = await latestRun(pool, backfill);
    if (run !== null) return run;
  }
  throw new NoRunError(backfill);
}
