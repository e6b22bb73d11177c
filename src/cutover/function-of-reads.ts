/** What reads have in SQL, of the generation that answers alone: made again whenever that is another one. */

import type { Config } from '../config/load.ts';
import type { Pool } from '../db/pool.ts';
import { backfillOf, generationName } from '../config/values/generation-name.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { configOf, liveGeneration } from '../ledger/generation/choose.ts';
import type { ReadChoice } from '../ledger/reads/read-mode.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import { latestRun } from '../ledger/run/run.ts';
import { followScope } from '../ledger/run/scope.ts';
import type { Metric } from '../table/metric.ts';
import type { Target } from '../table/backfill-target.ts';
import { planSearchFunction, settingsOfReads, type SearchFunction } from './search-function.ts';

export interface FunctionOfReads {
  target: Target;
  metric: Metric;
  read: ReadSettings;
  inSql: SearchFunction;
}

/**
 * Beside the legacy search that of the generation on trial; null where reads are legacy: what was made before stays.
 * @throws ConfigError where its table, key or run are not what they were
 */
export async function functionOfReads(
  pool: Pool,
  config: Config,
  to: ReadChoice,
): Promise<FunctionOfReads | null> {
  const generation = liveGeneration(to) ?? to.generation;
  if (generation === null) return null;
  const { backfill, settings } = await configOf(pool, config, generation);
  const run = await latestRun(pool, generationName({ backfill: backfillOf(config.backfill), generation }));
  const followed = run === null ? settings : followScope(run, settings);
  const target = await describeTarget(pool, backfill, followed);
  const read = await settingsOfReads(pool, target);
  const { metric } = followed;
  return { target, metric, read, inSql: await planSearchFunction(pool, target, metric, read) };
}
