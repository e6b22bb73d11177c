import { ConfigError } from '../src/errors.ts';
import { describeTarget } from '../src/table/target.ts';
import { EXIT, runAsProgram, type Command } from './lib/command.ts';
import type { CompletionStep } from './lib/completion.ts';
import { planDropSync } from './lib/drop-sync.ts';
import { prepareQueues, requireRun, withDatabase, withQueues } from './lib/session.ts';

export const complete: Command = {
  name: 'complete',
  summary:
    'Takes away what is no longer needed. Prints what it would do; does it only with --execute. Each flag asks for one thing.',
  flags: {
    'drop-sync': { type: 'boolean', help: 'Change capture: triggers, their function, the job scheduler' },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    const config = await invocation.config();
    const { backfill, settings } = config;
    const logger = invocation.logger(settings.logLevel);
    const execute = invocation.flags['execute'] === true;
    if (invocation.flags['drop-sync'] !== true)
      throw new ConfigError('Nothing was asked to be taken away.', {
        code: 'USAGE',
        remedy: 'Name it by its flag: --drop-sync.',
      });
    return withDatabase(config, 'complete', logger, async (pool) => {
      await requireRun(pool, backfill);
      const target = await describeTarget(pool, backfill, settings);
      const address = await prepareQueues(config, pool, logger);
      return withQueues(address, async (queues) => {
        const steps: CompletionStep[] = [await planDropSync(pool, target, queues.sync)];
        for (const step of steps) {
          invocation.say(`${step.name}:`);
          for (const action of step.actions) invocation.say(`  ${action}`);
          if (step.actions.length === 0) invocation.say('  nothing to do');
          for (const note of step.notes) invocation.say(`  ${note}`);
          if (execute && step.actions.length > 0) await step.run();
        }
        const shown = steps.map(({ name, actions, notes }) => ({ name, actions, notes }));
        invocation.emit({ backfill, executed: execute, steps: shown });
        invocation.say(execute ? 'Done.' : 'Nothing was changed; --execute does it.');
        return EXIT.done;
      });
    });
  },
};

await runAsProgram(complete, import.meta);
