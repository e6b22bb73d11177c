import { completionSteps, tooEarly } from '../src/cutover/completion.ts';
import { runSteps } from '../src/cutover/planned-steps.ts';
import { wantedCompletion } from '../src/cutover/cutover-flags.ts';
import { withSchemaLease } from '../src/planning/schema-lease.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { reasonOf, refuse, tell } from '../src/cli/change.ts';
import { prepareQueues, withQueues } from '../src/planning/open-queues.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { withDatabase } from '../src/cli/session.ts';

const NOT_CUT_OVER = {
  code: 'NOT_CUT_OVER',
  remedy: 'Run `pgvector-backfill cutover --to vector --execute` first, and wait until you trust it.',
};

export const complete: Command = {
  name: 'complete',
  summary:
    'Ends the migration: takes change capture, staging table, jobs and old ledger rows away, the vector search stays. Prints what it would do; does it only with --execute.',
  flags: {
    'drop-sync': {
      type: 'boolean',
      help: 'Only change capture: triggers, their function, the job scheduler; nothing else ends',
    },
    'keep-sync': {
      type: 'boolean',
      help: 'Rows go on to be brought in line: change capture and staging table stay, with the workers',
    },
    reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    const { onlySync, keepSync } = wantedCompletion(invocation.flags);
    const config = await invocation.config();
    const { backfill, settings } = config;
    const logger = invocation.logger(settings.logLevel);
    const execute = invocation.flags['execute'] === true;
    const reason = reasonOf(invocation);
    return withDatabase(config, 'complete', logger, async (pool) => {
      const run = await requireRun(pool, backfill);
      const target = await describeTarget(pool, backfill, settings);
      const address = await prepareQueues(config, pool, logger);
      return withQueues(address, async (queues) => {
        const input = { pool, target, settings, queues, run, keepSync, reason };
        const steps = await completionSteps(input, onlySync);
        const change = {
          action: 'complete' as const,
          backfill,
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
        if (execute) await withSchemaLease(pool, backfill, 'complete', () => runSteps(steps));
        return tell(invocation, { ...change, executed: execute });
      });
    });
  },
};

await runAsProgram(complete, import.meta);
