import { assertWholeEnd, wantedCompletion, wantedOverride } from '../src/cutover/cutover-flags.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { GENERATION_FLAG, withDatabase } from '../src/cli/session.ts';
import { configOf, wantedGeneration } from '../src/ledger/generation/choose.ts';
import { isBesideAnother } from '../src/cutover/generation/in-use.ts';
import { completeLive } from './lib/complete-live.ts';
import { endGeneration } from './lib/end-generation.ts';

export const complete: Command = {
  name: 'complete',
  summary:
    'Ends the migration: takes change capture, staging table, jobs and old ledger rows away, the vector search stays. With --generation: the end of one that reads have left. Prints what it would do; does it only with --execute.',
  flags: {
    generation: {
      ...GENERATION_FLAG['generation'],
      type: 'string',
      help: 'One that reads have left for another: its index, columns and staging table are dropped',
    },
    'drop-sync': {
      type: 'boolean',
      help: 'Only change capture: triggers, their function, the job scheduler; nothing else ends',
    },
    'keep-sync': {
      type: 'boolean',
      help: 'Rows go on to be brought in line: change capture and staging table stay, with the workers',
    },
    reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
    override: {
      type: 'string',
      value: 'TEXT',
      help: 'With --generation: although reports or scans of its index say that somebody asks by it, for this reason',
    },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    const wanted = wantedGeneration(invocation.flags['generation']);
    const override = wantedOverride(invocation.flags['override']);
    const parts = wantedCompletion(invocation.flags);
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'complete', logger, async (pool) => {
      if (wanted === null || !(await isBesideAnother(pool, config.backfill, wanted)))
        return completeLive(invocation, pool, parts, await configOf(pool, config, wanted));
      assertWholeEnd(invocation.flags, wanted);
      const asked = { pool, config, generation: wanted, action: 'complete' as const, override };
      return endGeneration(invocation, asked);
    });
  },
};

await runAsProgram(complete, import.meta);
