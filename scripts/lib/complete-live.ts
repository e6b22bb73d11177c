/** The end of the migration: reads go by vectors for good, and what only the way there needed is taken away. */

import { reasonOf, refuse, tell } from '../../src/cli/change.ts';
import type { Invocation } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/load.ts';
import { parseGenerationName } from '../../src/config/values/generation-name.ts';
import { completionSteps, endOfOthers, tooEarly } from '../../src/cutover/completion.ts';
import { runSteps } from '../../src/cutover/planned-steps.ts';
import type { Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { requireRun } from '../../src/ledger/run/require-run.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { withSchemaLease } from '../../src/planning/schema-lease.ts';

const NOT_CUT_OVER = {
  code: 'NOT_CUT_OVER',
  remedy: 'Run `pgvector-backfill cutover --to vector --execute` first, and wait until you trust it.',
};

/** @param config of the generation that is live */
export async function completeLive(
  invocation: Invocation,
  pool: Pool,
  { onlySync, keepSync }: { onlySync: boolean; keepSync: boolean },
  config: Config,
): Promise<number> {
  const { settings, backfill } = config;
  const execute = invocation.flags['execute'] === true;
  const reason = reasonOf(invocation);
  const run = await requireRun(pool, backfill);
  const target = await describeTarget(pool, backfill, settings);
  const address = await prepareQueues(config, pool, invocation.logger(settings.logLevel));
  return withQueues(address, async (queues) => {
    const input = { pool, target, settings, queues, run, keepSync, reason };
    const steps = await completionSteps(input, onlySync);
    const change = {
      action: 'complete' as const,
      ...parseGenerationName(backfill),
      from: run.state,
      to: onlySync ? run.state : 'completed',
      executed: false,
      plan: steps.flatMap(({ actions }) => actions),
      notes: steps.flatMap(({ notes }) => notes),
      steps: steps.map(({ name, actions, notes }) => ({ name, actions, notes })),
      reason,
    };
    const early = onlySync ? null : await tooEarly(pool, run);
    if (early !== null) return refuse(invocation, { ...change, reason: early }, NOT_CUT_OVER);
    const others = onlySync ? null : await endOfOthers(pool, backfill);
    if (others !== null) return refuse(invocation, { ...change, reason: others.reason }, others.error);
    if (execute) await withSchemaLease(pool, backfill, 'complete', () => runSteps(steps));
    return tell(invocation, { ...change, executed: execute });
  });
}
