/** The queues that the end of a generation needs, and its plan under the lease that keeps `enqueue` and others away. */

import type { Config } from '../../config/load.ts';
import type { Pool } from '../../db/pool.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { allGenerations } from '../../ledger/generation/generation.ts';
import type { Logger } from '../../observability/logger.ts';
import { prepareQueues, withQueues } from '../../planning/open-queues.ts';
import { withSchemaLeases } from '../../planning/schema-lease.ts';
import { currentUser } from '../current-user.ts';
import { runSteps } from '../planned-steps.ts';
import { rollbackTarget } from '../rollback-target.ts';
import { planEnding, type Ending, type EndingInput } from './end-generation.ts';

export interface EndingOf extends Pick<EndingInput, 'pool' | 'action' | 'override' | 'reason'> {
  /** As it is for that generation. */
  config: Config;
  logger: Logger;
}

/** @param work is given the plan, and what runs it: planned again, as whoever held the lease before may have changed what there is */
export async function withEnding<T>(
  { config, logger, ...asked }: EndingOf,
  work: (planned: Ending, run: () => Promise<Ending>) => Promise<T>,
): Promise<T> {
  const { pool, action } = asked;
  const { backfill, settings } = config;
  return withQueues(await prepareQueues(config, pool, logger), async (queues) => {
    const plan = async (): Promise<Ending> =>
      planEnding({ ...asked, ...(await rollbackTarget(pool, backfill, settings)), settings, queues });
    const names = (await allGenerations(pool, backfill)).map(({ name }) => name);
    return work(await plan(), () =>
      withSchemaLeases(pool, names, action, async () => {
        const ending = await plan();
        await runSteps(ending.steps);
        return ending;
      }),
    );
  });
}

/** The refusal of an end that was to be executed. */
export async function recordRefusedEnd(
  pool: Pool,
  { config, action }: Pick<EndingOf, 'config' | 'action'>,
  why: string,
): Promise<void> {
  await recordEvent(pool, {
    backfill: config.backfill,
    run: null,
    level: 'warn',
    kind: 'generation.refused',
    message: `${action}: ${why}`,
    detail: { by: await currentUser(pool) },
  });
}
