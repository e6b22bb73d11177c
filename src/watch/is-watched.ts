/** Whether workers are to measure a generation at intervals. */

import type { Settings } from '../config/settings.ts';
import { parseGenerationName } from '../config/values/generation-name.ts';
import type { Queryable } from '../db/pool.ts';
import { liveGeneration } from '../ledger/generation/choose.ts';
import { readModeOf } from '../ledger/reads/read-mode.ts';
import { isReadyRun, latestRun } from '../ledger/run/run.ts';

/**
 * `auto`: from the moment on from which every read is answered by its vectors. While the legacy search has a share of them, somebody
 * looks at the canary anyway, and the database has the new load to get used to.
 */
export async function isWatched(
  db: Queryable,
  backfill: string,
  { watch: { mode } }: Pick<Settings, 'watch'>,
): Promise<boolean> {
  if (mode === 'off' || !isReadyRun(await latestRun(db, backfill))) return false;
  const { generation } = parseGenerationName(backfill);
  return mode === 'on' || liveGeneration(await readModeOf(db, backfill)) === generation;
}
