import { describeTarget } from '../src/table/target.ts';
import { findIndex, wantedIndex } from '../src/finalize/index-definition.ts';
import { reopenFailedRun } from '../src/ledger/run.ts';
import { addFinalizeJob } from '../src/queue/producer.ts';
import { EXIT, runAsProgram, type Command } from './lib/command.ts';
import { prepareQueues, requireRun, withDatabase, withQueues } from './lib/session.ts';

export const finalizeCommand: Command = {
  name: 'finalize',
  summary: 'Asks for the index build now, whatever the coverage. A worker with the finalize role does it.',
  flags: {},
  async run(invocation) {
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'finalize', logger, async (pool) => {
      const run = await requireRun(pool, config.backfill);
      const target = await describeTarget(pool, config.backfill, config.settings);
      const wanted = wantedIndex(target, config.settings, 0);
      const { kind } = await findIndex(pool, target, wanted);
      const address = await prepareQueues(config, pool, logger);
      await reopenFailedRun(pool, run.id);
      const asked = await withQueues(address, (queues) => addFinalizeJob(queues.finalize, run.uid, 'asked'));
      invocation.emit({
        backfill: config.backfill,
        run: run.id,
        asked,
        index: { name: wanted.name, found: kind },
      });
      invocation.say(
        asked
          ? `Asked for ${wanted.name} (now: ${kind}). A worker builds it; npm run status -- --watch shows how far it is.`
          : 'A finalizer is on its way already.',
      );
      return EXIT.done;
    });
  },
};

await runAsProgram(finalizeCommand, import.meta);
