/** `rollback --to-legacy-schema`: everything that was added is taken away again, of all generations. */

import { isKnown } from '../../src/cutover/rollback-target.ts';
import { withRemovals } from '../../src/cutover/generation/with-removals.ts';
import { planLines, type PlannedStep } from '../../src/cutover/planned-steps.ts';
import { readModeOf, showReadChoice, showReadMode } from '../../src/ledger/reads/read-mode.ts';
import type { Invocation } from '../../src/cli/command.ts';
import { reasonOf, tell } from '../../src/cli/change.ts';
import { withDatabase } from '../../src/cli/session.ts';

interface Before {
  /** As it is typed, and of which generation; null of the legacy search. */
  from: string;
  fromGeneration: number | null;
  /** For people. */
  words: string;
}

const GONE: Before = { from: 'legacy-schema', fromGeneration: null, words: 'legacy-schema' };

export async function rollbackSchema(invocation: Invocation): Promise<number> {
  const config = await invocation.config(['text']);
  const { backfill, settings } = config;
  const logger = invocation.logger(settings.logLevel);
  const execute = invocation.flags['execute'] === true;
  const reason = reasonOf(invocation);
  const say = ({ words, ...before }: Before, steps: readonly PlannedStep[]): number => {
    const change = {
      action: 'rollback' as const,
      backfill,
      ...before,
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
    };
    return tell(invocation, change, { of: backfill, from: words, to: 'legacy-schema' });
  };
  return withDatabase(config, 'rollback', logger, async (pool) => {
    if (!(await isKnown(pool, backfill))) return say(GONE, []);
    return withRemovals({ pool, config, logger, reason }, async (planned, run) => {
      const reads = await readModeOf(pool, backfill);
      if (execute) await run();
      const before = { from: showReadMode(reads), fromGeneration: reads.generation };
      return say({ ...before, words: showReadChoice(reads) }, planned);
    });
  });
}
