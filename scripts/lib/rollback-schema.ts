/** `rollback --to-legacy-schema`: everything that was added is taken away again, of all generations. */

import { isKnown, rollbackTarget } from '../../src/cutover/rollback-target.ts';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import type { Removal } from '../../src/cutover/generation/removal-steps.ts';
import { planLines, runSteps, type PlannedStep } from '../../src/cutover/planned-steps.ts';
import type { Queues } from '../../src/cutover/wait-until-idle.ts';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { presentGenerations } from '../../src/ledger/generation/generation.ts';
import { configOfGeneration } from '../../src/ledger/generation/settings.ts';
import { readModeOf, showReadChoice } from '../../src/ledger/reads/read-mode.ts';
import { withSchemaLeases } from '../../src/planning/schema-lease.ts';
import type { Invocation } from '../../src/cli/command.ts';
import { reasonOf, tell } from '../../src/cli/change.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import type { QueueAddress } from '../../src/queue/connection.ts';
import { withDatabase } from '../../src/cli/session.ts';

export async function rollbackSchema(invocation: Invocation): Promise<number> {
  const config = await invocation.config(['text']);
  const { backfill, settings } = config;
  const logger = invocation.logger(settings.logLevel);
  const execute = invocation.flags['execute'] === true;
  const reason = reasonOf(invocation);
  const say = (from: string, steps: readonly PlannedStep[]): number =>
    tell(invocation, {
      action: 'rollback',
      backfill,
      from,
      to: 'legacy-schema',
      executed: execute,
      plan: planLines(steps),
      notes: [...new Set(steps.flatMap(({ notes }) => notes))],
      steps: steps.map(({ name, generation, actions }) => ({
        name,
        ...(generation === undefined ? {} : { generation }),
        actions,
      })),
      reason,
    });
  return withDatabase(config, 'rollback', logger, async (pool) => {
    if (!(await isKnown(pool, backfill))) return say('legacy-schema', []);
    const [newest, ...older] = await configsToRemove(pool, config);
    const address = await prepareQueues(config, pool, logger);
    return withQueuesOf([newest, ...older], address, async (queues) => {
      const removalOf = async (of: Config): Promise<Removal> => ({
        pool,
        ...(await rollbackTarget(pool, of.backfill, of.settings)),
        settings: of.settings,
        queues: queues.get(of.backfill) as Queues,
        reason,
      });
      const plan = async (): Promise<PlannedStep[]> =>
        planSchemaRollback([await removalOf(newest), ...(await Promise.all(older.map(removalOf)))]);
      const from = showReadChoice(await readModeOf(pool, backfill));
      const steps = await plan();
      const names = [newest, ...older].map((each) => each.backfill);
      if (execute) await withSchemaLeases(pool, names, 'rollback', async () => runSteps(await plan()));
      return say(from, steps);
    });
  });
}

/** Of the generations that have storage, newest first; the configuration itself where the ledger has one, or knows of none. */
async function configsToRemove(pool: Pool, config: Config): Promise<[Config, ...Config[]]> {
  const present = await presentGenerations(pool, config.backfill);
  const [newest, ...older] = present
    .toReversed()
    .map((each) =>
      present.length === 1 && each.generation === 1 ? config : configOfGeneration(config, each),
    );
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
