import type { Command } from '../src/cli/command.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { GENERATION_FLAG, withDatabase } from '../src/cli/session.ts';
import { ConfigError } from '../src/errors.ts';
import { wantedGeneration } from '../src/ledger/generation/choose.ts';
import { endGeneration } from './lib/end-generation.ts';

export const abandon: Command = {
  name: 'abandon',
  summary:
    'Gives up a generation that no read answers by, at whatever step it is: its index, columns, staging table, jobs and ledger rows go, the others stay as they are. Prints what it would do; does it only with --execute.',
  flags: {
    generation: {
      ...GENERATION_FLAG['generation'],
      type: 'string',
      help: 'Which one; never one that reads use',
    },
    reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    const generation = wantedGeneration(invocation.flags['generation']);
    if (generation === null)
      throw new ConfigError('--generation is missing.', {
        code: 'USAGE',
        remedy:
          'Say which one is given up: `pgvector-backfill status` shows the generations of the backfill.',
      });
    // Neither its text nor its model is needed to take it away.
    const config = await invocation.config(['text']);
    return withDatabase(config, 'abandon', invocation.logger(config.settings.logLevel), (pool) =>
      endGeneration(invocation, { pool, config, generation, action: 'abandon', override: null }),
    );
  },
};

await runAsProgram(abandon, import.meta);
