/** The way back to the legacy schema, with all generations that have storage: each with its options, its queues and its objects. */

import type { Config } from '../../config/load.ts';
import type { Pool } from '../../db/pool.ts';
import { presentGenerations } from '../../ledger/generation/generation.ts';
import { configOfGeneration } from '../../ledger/generation/settings.ts';
import type { Logger } from '../../observability/logger.ts';
import { prepareQueues, withQueues } from '../../planning/open-queues.ts';
import { withSchemaLeases } from '../../planning/schema-lease.ts';
import type { QueueAddress } from '../../queue/connection.ts';
import { runSteps, type PlannedStep } from '../planned-steps.ts';
import { rollbackTarget } from '../rollback-target.ts';
import { planSchemaRollback } from '../schema-rollback.ts';
import type { Queues } from '../wait-until-idle.ts';
import type { Removal } from './removal-steps.ts';

export interface RemovalsOf {
  pool: Pool;
  /** As it was loaded, of the whole backfill. */
  config: Config;
  logger: Logger;
  reason: string;
}

/** @param work is given the plan, and what runs it: planned again under the lease */
export async function withRemovals<T>(
  { pool, config, logger, reason }: RemovalsOf,
  work: (planned: PlannedStep[], run: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const [newest, ...older] = await configsToRemove(pool, config);
  const all = [newest, ...older];
  return withQueuesOf(all, await prepareQueues(config, pool, logger), async (queues) => {
    const removalOf = async ({ backfill, settings }: Config): Promise<Removal> => ({
      pool,
      ...(await rollbackTarget(pool, backfill, settings)),
      settings,
      queues: queues.get(backfill) as Queues,
      reason,
    });
    const plan = async (): Promise<PlannedStep[]> =>
      planSchemaRollback([await removalOf(newest), ...(await Promise.all(older.map(removalOf)))]);
    const names = all.map(({ backfill }) => backfill);
    return work(await plan(), () =>
      withSchemaLeases(pool, names, 'rollback', async () => runSteps(await plan())),
    );
  });
}

/** Newest first; the configuration itself where the ledger has one generation, or knows of none. */
async function configsToRemove(pool: Pool, config: Config): Promise<[Config, ...Config[]]> {
  const present = await presentGenerations(pool, config.backfill);
  const isOnly = present.length === 1 && present[0]?.generation === 1;
  const [newest, ...older] = present
    .toReversed()
    .map((each) => (isOnly ? config : configOfGeneration(config, each)));
  return newest === undefined ? [config] : [newest, ...older];
}

/** Each generation's own, by its name in the ledger. */
async function withQueuesOf<T>(
  [first, ...rest]: readonly Config[],
  address: QueueAddress,
  work: (queues: ReadonlyMap<string, Queues>) => Promise<T>,
): Promise<T> {
  if (first === undefined) return work(new Map());
  return withQueues({ ...address, backfill: first.backfill }, (own) =>
    withQueuesOf(rest, address, (others) => work(new Map([...others, [first.backfill, own]]))),
  );
}
