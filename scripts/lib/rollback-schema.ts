/** `rollback --to-legacy-schema`: everything that was added is taken away again. */

import { isKnown, rollbackTarget } from '../../src/cutover/rollback-target.ts';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import { runSteps, type PlannedStep } from '../../src/cutover/planned-steps.ts';
import { readModeOf, showReadChoice } from '../../src/ledger/reads/read-mode.ts';
import { withSchemaLease } from '../../src/planning/schema-lease.ts';
import type { Invocation } from '../../src/cli/command.ts';
import { reasonOf, tell } from '../../src/cli/change.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
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
      plan: steps.flatMap(({ actions }) => actions),
      notes: steps.flatMap(({ notes }) => notes),
      steps: steps.map(({ name, actions }) => ({ name, actions })),
      reason,
    });
  return withDatabase(config, 'rollback', logger, async (pool) => {
    if (!(await isKnown(pool, backfill))) return say('legacy-schema', []);
    const removal = await rollbackTarget(pool, backfill, settings);
    const address = await prepareQueues(config, pool, logger);
    return withQueues(address, async (queues) => {
      const plan = (): Promise<PlannedStep[]> =>
        planSchemaRollback({ pool, ...removal, settings, queues, reason });
      const from = showReadChoice(await readModeOf(pool, backfill));
      const steps = await plan();
      if (execute) await withSchemaLease(pool, backfill, 'rollback', async () => runSteps(await plan()));
      return say(from, steps);
    });
  });
}
