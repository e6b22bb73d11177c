/** The database that a verb opens, and closes again whatever happens. */

import type { Config } from '../config/load.ts';
import { describeDatabaseUrl } from '../config/libpq/parameters.ts';
import { assertReachable, createPool, type Pool, type PoolOptions } from '../db/pool.ts';
import { explainedByServer } from '../db/explained-error.ts';
import { configOf, wantedGeneration, type Meant } from '../ledger/generation/choose.ts';
import type { Logger } from '../observability/logger.ts';
import type { Flag, Invocation } from './command.ts';

/** Of verbs that steer a run. */
export const OPEN_GENERATION_FLAG: Record<string, Flag> = {
  generation: {
    type: 'string',
    value: 'N',
    help: 'Which generation of the backfill; where absent the one that is being built, or the live one',
  },
};

/** Of verbs that are about one generation. */
export const GENERATION_FLAG: Record<string, Flag> = {
  generation: {
    type: 'string',
    value: 'N',
    help: 'Which generation of the backfill; where absent the one that reads go by, or the newest',
  },
};

/** Queries side by side in one process besides those of batches in flight: status, monitor, events. */
const SPARE_CONNECTIONS = 4;
/** Before it is said that a server is waited for, ms: one that is frozen, or behind a network that drops what is sent. */
const LATE_MS = 1000;

/** A reachable database, for the length of `work`. */
export async function withDatabase<T>(
  config: Config,
  name: string,
  logger: Logger,
  work: (pool: Pool) => Promise<T>,
  options: Pick<PoolOptions, 'queryTimeoutMs'> = {},
): Promise<T> {
  const pool = createPool(config.settings.database.url, {
    name,
    max: config.settings.worker.concurrency + SPARE_CONNECTIONS,
    logger,
    table: config.settings.table,
    pinned: true,
    ...options,
  });
  const late = setTimeout(() => {
    const server = describeDatabaseUrl(config.settings.database.url);
    logger.warn(
      `PostgreSQL at ${server} has not answered for ${LATE_MS / 1000} s: waiting for it, 10 s at most`,
    );
  }, LATE_MS);
  try {
    await assertReachable(pool, config.settings.database.url);
    clearTimeout(late);
    return await work(pool);
  } catch (error) {
    throw await explainedByServer(pool, error);
  } finally {
    clearTimeout(late);
    await pool.end();
  }
}

/** The same, with the configuration as it is for the generation that --generation names, or that is meant without. */
export async function withGeneration<T>(
  { flags }: Pick<Invocation, 'flags'>,
  config: Config,
  name: string,
  logger: Logger,
  work: (pool: Pool, config: Config) => Promise<T>,
  options: Pick<PoolOptions, 'queryTimeoutMs'> = {},
  meant: Meant = 'live',
): Promise<T> {
  const wanted = wantedGeneration(flags['generation']);
  return withDatabase(
    config,
    name,
    logger,
    async (pool) => work(pool, await configOf(pool, config, wanted, meant)),
    options,
  );
}

/** The same for verbs that steer a run: without --generation, that of the one which is being built. */
export const withOpenGeneration: typeof withGeneration = (invocation, config, name, logger, work) =>
  withGeneration(invocation, config, name, logger, work, {}, 'open');
